/** Where a declared thing lives on this host, for this group: sources have a dialect, hosts do not. */
import { alternatives, type Controller, type Dialect, type Scope } from '../controllers/controller.ts';
import { parentId } from './id.ts';
import { v1With } from './layout.ts';
import type { CgroupId, Hierarchy, Layout, Reader } from './types.ts';

/** A knob's slot, a stat's source, an action's or an event's. */
export interface Located {
  file: string;
  in?: string;
}

/** Anything that is declared with both dialects side by side. */
export interface Item<T extends Located> {
  v1?: T | readonly T[];
  v2?: T | readonly T[];
  scope?: Scope;
  unsupported?: Readonly<Partial<Record<Dialect, string>>>;
}

export interface Candidate<T extends Located> {
  readonly dialect: Dialect;
  readonly slot: T;
  /** The v1 subsystem or v2 controller whose file it is, `core` or `every`. */
  readonly owner: string;
  readonly hierarchies: readonly Hierarchy[];
}

/** Why a group lacks something. */
export interface Absent {
  readonly code: /** neither dialect declares it where its controller is mounted here */
    | 'unsupported'
    /** no mounted hierarchy has the controller */
    | 'no-hierarchy'
    /** only the root has it, or all but the root, or the group is not in that hierarchy */
    | 'not-here'
    /** v2: an ancestor does not hand the controller down */
    | 'not-enabled'
    /** the kernel does not offer the file */
    | 'no-file';
  /** The reason, for people. */
  readonly absent: string;
  /** The controller to enable in the ancestors, where that is what is missing. */
  readonly enable?: string;
}

export type Picked<T extends Located> = Candidate<T> | Absent;

/** Owners that stand for no single controller. */
const CORE = 'core';
const EVERY = 'every';
const KEY = '{key}';

/** v1 first: on a hybrid host, runtimes keep processes in v1 groups. */
const DIALECTS: readonly Dialect[] = ['v1', 'v2'];

/** The slots of an item whose hierarchy is mounted, the preferred dialect's first, each dialect's in the order of its probe list. */
export function candidates<T extends Located>(layout: Layout, controller: Controller, item: Item<T>): Candidate<T>[] {
  const dialects = controller.prefer === 'v2' ? DIALECTS.toReversed() : DIALECTS;
  return dialects
    .flatMap((dialect) =>
      alternatives(item[dialect]).map((slot) => {
        const owner = slot.in ?? controller[dialect] ?? controller.name;
        return { dialect, slot, owner, hierarchies: hierarchiesOf(layout, dialect, owner) };
      }),
    )
    .filter(({ hierarchies }) => hierarchies.length > 0);
}

/** The mounted hierarchies of an owner: `every` v1 hierarchy, the unified one for `core`, else the one with that controller. */
export function hierarchiesOf(layout: Layout, dialect: Dialect, owner: string): readonly Hierarchy[] {
  const all = layout.hierarchies.filter((h) => h.dialect === dialect);
  if (owner === EVERY || owner === CORE) return all;
  return dialect === 'v1' ? v1With(layout, owner) : all.filter(({ controllers }) => controllers.includes(owner));
}

/** The first candidate whose file the group has, with the hierarchies where it has it; else the reason that helps most. */
export function pick<T extends Located>(
  reader: Reader,
  id: CgroupId,
  controller: Controller,
  item: Item<T>,
): Picked<T> {
  const found = candidates(reader.layout, controller, item);
  for (const candidate of found) {
    const hierarchies = candidate.hierarchies.filter(
      (h) => inScope(reader, h, id, item.scope) && hasFile(reader, h, id, candidate.slot.file),
    );
    if (hierarchies.length > 0) return { ...candidate, hierarchies };
  }
  return found.length === 0 ? nowhere(reader.layout, controller, item) : missing(reader, id, item, found);
}

export function isAbsent<T extends Located>(picked: Picked<T>): picked is Absent {
  return 'absent' in picked;
}

/** Of the group's files, the keys that stand for `{key}` in a template (`hugetlb.{key}.max`): `2MB`, `1GB`. Keys hold no dot. */
export function keysOf(files: readonly string[], template: string): string[] {
  const [before = '', after = ''] = template.split(KEY);
  return files
    .filter((file) => file.length > before.length + after.length && file.startsWith(before) && file.endsWith(after))
    .map((file) => file.slice(before.length, file.length - after.length))
    .filter((key) => !key.includes('.'));
}

/** Whether a group is the kernel's own root: a container's mount may show another one as `/`. */
export function isRootGroup(reader: Reader, h: Hierarchy, id: CgroupId): boolean {
  if (parentId(id) !== undefined) return false;
  // files that only the root has, or all but the root
  return h.dialect === 'v1' ? reader.hasFile(h, id, 'cgroup.sane_behavior') : !reader.hasFile(h, id, 'cgroup.events');
}

function inScope(reader: Reader, h: Hierarchy, id: CgroupId, scope: Scope = 'any'): boolean {
  return scope === 'any' || isRootGroup(reader, h, id) === (scope === 'root');
}

function hasFile(reader: Reader, h: Hierarchy, id: CgroupId, file: string): boolean {
  if (!file.includes(KEY)) return reader.hasFile(h, id, file);
  return keysOf(reader.files(h, id), file).length > 0;
}

/** No slot has a hierarchy here: the controller is not mounted, or its dialect here lacks the thing. */
function nowhere<T extends Located>(layout: Layout, controller: Controller, item: Item<T>): Absent {
  const ownerIn = (dialect: Dialect) => controller[dialect] ?? controller.name;
  const home = DIALECTS.find((dialect) => hierarchiesOf(layout, dialect, ownerIn(dialect)).length > 0);
  const lacking = home ?? (layout.mode === 'v2' ? 'v2' : 'v1');
  const [slot] = alternatives(item[lacking]);
  if (slot === undefined) {
    const why = item.unsupported?.[lacking] ?? controller.unsupported?.[lacking];
    return { code: 'unsupported', absent: why ?? `cgroup ${lacking} has no such file` };
  }
  return { code: 'no-hierarchy', absent: `no mounted hierarchy has the controller ${slot.in ?? ownerIn(lacking)}` };
}

/** The hierarchy is there but the group's file is not. */
function missing<T extends Located>(
  reader: Reader,
  id: CgroupId,
  item: Item<T>,
  found: readonly Candidate<T>[],
): Absent {
  const places = found.flatMap(({ hierarchies }) => hierarchies).filter((h) => reader.exists(h, id));
  if (places.length === 0) {
    const keys = [...new Set(found.flatMap(({ hierarchies }) => hierarchies.map(({ key }) => key)))];
    return { code: 'not-here', absent: `the group is not in the hierarchy ${keys.join(', ')}` };
  }
  if (!places.some((h) => inScope(reader, h, id, item.scope))) {
    return {
      code: 'not-here',
      absent: item.scope === 'root' ? 'only the root has it' : 'the root has no such control',
    };
  }
  const off = found.find(
    ({ dialect, owner }) => dialect === 'v2' && owner !== CORE && owner !== EVERY && !isEnabled(reader, id, owner),
  );
  if (off !== undefined) {
    return {
      code: 'not-enabled',
      absent: `the controller ${off.owner} is not enabled for this group`,
      enable: off.owner,
    };
  }
  return { code: 'no-file', absent: `this kernel has no ${found.map(({ slot }) => slot.file).join(' or ')}` };
}

function isEnabled(reader: Reader, id: CgroupId, controller: string): boolean {
  const { unified } = reader.layout;
  const text = unified === undefined ? undefined : reader.tryRead(unified, id, 'cgroup.controllers');
  return text === undefined || text.split(/\s+/).includes(controller);
}
