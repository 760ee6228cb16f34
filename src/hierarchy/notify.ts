/** Names and paths that notifications need: v1's way to ask for them, and from a path back to a group. */
import { pathOf } from './cgroupfs.ts';
import { tryChildId } from './id.ts';
import type { CgroupId, Hierarchy } from './types.ts';

/** The v1 core file, beside each file that notifies, through which that is asked for (admin-guide/cgroup-v1/memory.rst, section 9). */
export const EVENT_CONTROL = 'cgroup.event_control';
/** Written to move a process into a group. */
export const PROCS = 'cgroup.procs';
/** v2: written to give the children a controller's files, or take them. */
export const SUBTREE_CONTROL = 'cgroup.subtree_control';

/** The group whose directory it is; undefined outside of what the mount shows, or where there can be no such id. */
export function idAt(h: Hierarchy, path: string): CgroupId | undefined {
  const top = pathOf(h, h.root);
  if (path === top) return h.root;
  if (!path.startsWith(`${top}/`)) return undefined;
  let id: CgroupId | undefined = h.root;
  for (const name of path.slice(top.length + 1).split('/')) id = id && tryChildId(id, name);
  return id;
}
