/** Expositions as text, for tests. */
import type { Registry } from '../../src/controllers/registry.ts';
import { Choice, EVERYTHING, type Policy, type Wish } from '../../src/exporters/choice.ts';
import { type Family, type Format, pages } from '../../src/exporters/exposition.ts';
import { type Identity, NativeNames } from '../../src/exporters/native.ts';
import { subject } from '../../src/exporters/parts.ts';
import type { View } from '../../src/exporters/view.ts';
import type { Snapshot } from '../../src/protocol/snapshot.ts';

/** Nothing is left out. */
export const ALL: Policy = {
  include: [],
  exclude: [],
  depth: Number.POSITIVE_INFINITY,
  groups: 'all',
  collect: [],
  skip: [],
  perCpu: true,
  perDevice: true,
  series: Number.POSITIVE_INFINITY,
};

export function viewOf(snapshot: Snapshot, policy: Partial<Policy> = {}, rest: Partial<View> = {}): View {
  return { snapshot, choice: new Choice({ ...ALL, ...policy }), wish: EVERYTHING, events: [], dead: [], ...rest };
}

export const wishFor = (wish: Partial<Wish>): Wish => ({ ...EVERYTHING, ...wish });

/** @param ids of the groups, a row each */
export function written(families: Iterable<Family>, ids: readonly string[] = [], format: Format = 'text'): string {
  const audience = {
    rows: Int32Array.from(ids.keys()),
    subjects: ids.map((id) => subject({ cgroup: id })),
  };
  return Buffer.concat([...pages(families, audience, format)]).toString();
}

/** A snapshot under native names. */
export function native(view: View, registry: Registry, identity?: Identity, format: Format = 'text'): string {
  const names = new NativeNames(registry, identity);
  return Buffer.concat([...pages(names.families(view), names.subjects.audience(view), format)]).toString();
}
