/** The logical tree: one group is the same path in every hierarchy that it is in. */
import { depthOf, tryChildId } from './id.ts';
import { tops } from './layout.ts';
import type { CgroupId, Hierarchy, Reader } from './types.ts';

export interface Group {
  readonly id: CgroupId;
  /** The hierarchies that it is in, in the layout's order: not all, where it is partial. */
  readonly places: readonly Hierarchy[];
}

export interface WalkOptions {
  /** Where to begin; everything that the mounts show without it. */
  from?: CgroupId | undefined;
  /** Levels below the start: 0 is the start alone. Default 128. */
  maxDepth?: number | undefined;
  /** After so many groups the walk ends. Default 100,000. */
  maxGroups?: number | undefined;
  /** Only these hierarchies. Default all. */
  hierarchies?: readonly Hierarchy[] | undefined;
}

/**
 * Groups, parents before children, siblings by name; one may be gone when it comes. Names that no id can have are left out.
 * @returns whether it ended early at `maxGroups`
 */
export function* walk(reader: Reader, options: WalkOptions = {}): Generator<Group, boolean> {
  const { from, maxDepth = 128, maxGroups = 100_000, hierarchies = reader.layout.hierarchies } = options;
  const starts = from === undefined ? tops(reader.layout) : [from];
  const deepest = Math.max(...starts.map(depthOf)) + maxDepth;
  const todo: Group[] = starts.map((id) => ({ id, places: hierarchies.filter((h) => reader.exists(h, id)) })).reverse();
  let count = 0;
  for (let group = todo.pop(); group !== undefined; group = todo.pop()) {
    if (group.places.length === 0) continue;
    if (count === maxGroups) return true;
    count += 1;
    yield group;
    if (depthOf(group.id) < deepest) todo.push(...childrenOf(reader, group).reverse());
  }
  return false;
}

/** A group's children over its hierarchies, by name. */
export function childrenOf(reader: Reader, { id, places }: Group): Group[] {
  const found = new Map<string, Hierarchy[]>();
  for (const h of places) {
    for (const name of reader.children(h, id)) {
      const there = found.get(name);
      if (there === undefined) found.set(name, [h]);
      else there.push(h);
    }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, places]) => {
      const child = tryChildId(id, name);
      return child === undefined ? [] : [{ id: child, places }];
    });
}
