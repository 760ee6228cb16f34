/**
 * Who is in a group. On v1 and hybrid hosts a process may be in it in one hierarchy and elsewhere in another, so that there is no
 * one list: a group's processes are all those that some hierarchy's cgroup.procs names.
 */
import { threadsOf } from '../hierarchy/procs.ts';
import { walk } from '../hierarchy/tree.ts';
import type { CgroupId, Hierarchy, Reader } from '../hierarchy/types.ts';
import { isZombie, processOf, procText } from './process.ts';

/** The processes by pid, each with the hierarchies that name it. Pid 0 is what the kernel shows for another PID namespace's. */
export type Members = ReadonlyMap<number, ReadonlySet<Hierarchy>>;

const ALL = Number.POSITIVE_INFINITY;

/** A group and all below it in one hierarchy, parents first; empty when it is not there. Names that no id can have are left out. */
export function subtree(reader: Reader, h: Hierarchy, from: CgroupId): CgroupId[] {
  return [...walk(reader, { from, hierarchies: [h], maxDepth: ALL, maxGroups: ALL })].map(({ id }) => id);
}

/** The processes of a group, zombies left out. @param recursive those of the groups below it too */
export function membersOf(reader: Reader, from: CgroupId, recursive: boolean): Members {
  const members = new Map<number, Set<Hierarchy>>();
  const dead = new Map<number, boolean>();
  for (const { id, places } of walk(reader, { from, maxDepth: recursive ? ALL : 0, maxGroups: ALL })) {
    for (const h of places) {
      for (const pid of processesIn(reader, h, id)) {
        if (pid !== 0 && !dead.has(pid)) dead.set(pid, isDead(pid));
        if (dead.get(pid)) continue;
        const named = members.get(pid);
        if (named) named.add(h);
        else members.set(pid, new Set([h]));
      }
    }
  }
  return members;
}

function processesIn(reader: Reader, h: Hierarchy, id: CgroupId): number[] {
  const text = reader.tryRead(h, id, 'cgroup.procs');
  if (text !== undefined) return text.split('\n').filter(Boolean).map(Number);
  // a threaded group lists threads alone
  return threadsOf(reader, h, id).flatMap((tid) => processOfThread(tid) ?? []);
}

function processOfThread(tid: number): number | undefined {
  const tgid = /^Tgid:\t(\d+)$/m.exec(procText(`${tid}/status`) ?? '')?.[1];
  return tgid === undefined ? undefined : Number(tgid);
}

function isDead(pid: number): boolean {
  const process = processOf(pid);
  return process === undefined || isZombie(process);
}
