/** The processes of a group as the API tells them: no command lines and no environments, which hold secrets. */
import { processOf } from '../control/process.ts';
import { CgError } from '../errors.ts';
import { pidsOf } from '../hierarchy/procs.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { Slices } from '../monitor/pause.ts';

export interface ProcessInfo {
  readonly pid: number;
  /** The command's name, of any characters. */
  readonly command: string;
  /** The letter of proc_pid_stat(5). */
  readonly state: string;
  readonly threads: number;
  readonly rssBytes: number;
  /** The hierarchies in which it is in this group, where those are not all that the group is in. */
  readonly only?: readonly string[];
}

/**
 * The group's own processes, those with the lowest numbers, in that order; `total` counts those beyond the limit too. Zombies are
 * among them.
 * @throws CgError NOT_FOUND
 */
export async function processesOf(host: Host, id: CgroupId, limit: number) {
  const places = host.reader.places(id);
  if (places.length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { cgroup: id });
  const found = new Map<number, string[]>();
  for (const hierarchy of places) {
    for (const pid of pidsOf(host.reader, hierarchy, id)) found.set(pid, [...(found.get(pid) ?? []), hierarchy.key]);
  }
  const slices = new Slices();
  const processes: ProcessInfo[] = [];
  for (const [pid, keys] of [...found].sort(([a], [b]) => a - b).slice(0, limit)) {
    if (slices.due()) await slices.pause();
    const process = processOf(pid);
    if (process === undefined) continue;
    const { comm: command, state, threads, rssPages } = process;
    const only = keys.length < places.length ? { only: keys } : {};
    processes.push({ pid, command, state, threads, rssBytes: rssPages * host.pageSize, ...only });
  }
  return { cgroup: id, total: found.size, processes };
}
