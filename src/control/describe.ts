/** Every knob of a group as it is: what was asked for, what the kernel has, where. */
import type { Value } from '../controllers/controller.ts';
import type { KnobEntry, Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { askedOf } from './asked.ts';
import { fileFor } from './shape.ts';
import { decodeKnob, View } from './view.ts';

export interface KnobState {
  readonly entry: KnobEntry;
  /** What somebody asked for through cgctl. */
  readonly asked?: Value;
  /** What the kernel has. */
  readonly value?: Value;
  readonly dialect?: 'v1' | 'v2';
  /** Absolute paths of the files that hold it. */
  readonly files: readonly string[];
  /** Why there is no value. */
  readonly absent?: string;
  readonly conversion?: string;
}

/** @param keys only these knobs; all by default */
export function describeKnobs(host: Host, registry: Registry, id: CgroupId, keys?: readonly string[]): KnobState[] {
  if (host.reader.places(id).length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { cgroup: id });
  const view = new View(host, registry);
  const asked = askedOf(host, registry, id);
  const entries = registry.allKnobs().filter(({ knob }) => keys === undefined || keys.includes(knob.key));
  return entries.map((entry) => {
    const own = asked.get(entry.knob.key);
    return { entry, ...(own === undefined ? {} : { asked: own }), ...stateOf(view, id, entry) };
  });
}

function stateOf(view: View, id: CgroupId, entry: KnobEntry): Omit<KnobState, 'entry' | 'asked'> {
  const place = view.place(id, entry);
  if ('absent' in place) return { files: [], absent: place.absent };
  const { slot, dialect, hierarchies } = place;
  const raw = view.raw(id, place);
  const keys = slot.shape?.kind === 'files' && raw !== undefined ? [...raw.keys()] : [''];
  const shown = slot.shape?.kind === 'append' ? slot.shape.list : undefined;
  const files = hierarchies.flatMap((h) =>
    keys.map((key) => view.host.reader.path(h, id, shown ?? fileFor(slot, key))),
  );
  const base = { files, dialect, ...(slot.conversion === undefined ? {} : { conversion: slot.conversion }) };
  if (shown !== undefined) {
    const text = hierarchies[0] && view.text(hierarchies[0], id, shown);
    return { ...base, ...(text === undefined ? {} : { value: text.trim().split('\n').filter(Boolean) }) };
  }
  if (raw === undefined) return { ...base, absent: 'the kernel does not let it be read now' };
  try {
    const value = decodeKnob(entry, slot, raw, (key) => view.value(id, key));
    return value === undefined ? base : { ...base, value };
  } catch (error) {
    if (!(error instanceof CgError)) throw error;
    return { ...base, absent: error.message };
  }
}
