import { unreadable } from './fail.ts';
import { digits, digitsAt, integer } from './number.ts';
import { linesOf, unescapeOctal } from './scan.ts';

const KIB = 1024;

/** A line of /proc/PID/cgroup: where the process is in one hierarchy. */
export interface ProcCgroup {
  /** 0 is v2's */
  hierarchy: number;
  /** a named v1 hierarchy's as `name=systemd`; none on v2 */
  controllers: string[];
  /** as seen from the reader's cgroup namespace: `/../x` lies outside of it */
  path: string;
  /** the group is removed; only v2 says so */
  deleted: boolean;
}

/** /proc/PID/cgroup (cgroups(7)). @throws CgError PARSE */
export function parseProcCgroup(text: string): ProcCgroup[] {
  return linesOf(text).map((line) => {
    const match = /^(\d{1,10}):([^:]*):(\/.*)$/s.exec(line);
    if (match === null) throw unreadable('a line of /proc/PID/cgroup', line);
    const [, hierarchy = '', controllers = '', path = ''] = match;
    // on v1 the kernel never adds it, and a group may truly bear such a name
    const deleted = hierarchy === '0' && path.endsWith(' (deleted)');
    return {
      hierarchy: Number(hierarchy),
      controllers: controllers === '' ? [] : controllers.split(','),
      path: deleted ? path.slice(0, -' (deleted)'.length) : path,
      deleted,
    };
  });
}

/** What cgctl takes from /proc/PID/stat. */
export interface ProcStat {
  pid: number;
  /** the command's name, at most 15 bytes, of any characters (63 for kernel threads) */
  comm: string;
  /** one letter: R, S, D, Z, T … */
  state: string;
  ppid: number;
  /** PF_* bits; 0x00200000 is a kernel thread */
  flags: number;
  /** CPU time in clock ticks */
  userTicks: number;
  systemTicks: number;
  threads: number;
  /** start after boot in clock ticks: with the pid it names a process for good */
  startTicks: number;
  virtualBytes: number;
  rssPages: number;
}

/** /proc/PID/stat (proc_pid_stat(5)). The name is printed raw, so it ends at the last parenthesis. @throws CgError PARSE */
export function parseProcStat(text: string): ProcStat {
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  if (open < 0 || close < open + 2) throw unreadable('/proc/PID/stat', text);
  const fields = text.slice(close + 2).split(' ');
  /** by the manual page's number, which counts from 1 */
  const field = (number: number) => fields[number - 3] ?? '';
  const stat: ProcStat = {
    pid: digitsAt(text, 0, open),
    comm: text.slice(open + 2, close),
    state: field(3),
    ppid: integer(field(4)),
    flags: integer(field(9)),
    userTicks: integer(field(14)),
    systemTicks: integer(field(15)),
    threads: integer(field(20)),
    startTicks: integer(field(22)),
    virtualBytes: integer(field(23)),
    rssPages: integer(field(24)),
  };
  if (!/^[A-Za-z]$/.test(stat.state) || Object.values(stat).some(Number.isNaN))
    throw unreadable('/proc/PID/stat', text);
  return stat;
}

/**
 * The CPU lines at the head of /proc/stat (proc_stat(5)): `total` is the clock ticks of all CPUs together, user to softirq
 * (the first 7 fields, as docker stats counts; guest time is within user); `cpus` the number that are online.
 * @throws CgError PARSE
 */
export function parseCpuLine(text: string): { total: number; cpus: number } {
  const [first = ''] = text.split('\n', 1);
  const ticks = first.split(/ +/, 8).slice(1).map(digits);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  if (!first.startsWith('cpu ') || ticks.length < 7 || Number.isNaN(total)) throw unreadable('/proc/stat', first);
  return { total, cpus: text.match(/^cpu\d/gm)?.length ?? 0 };
}

/** A line of /proc/cgroups (cgroups(7)): what the kernel was built with. */
export interface ProcController {
  name: string;
  /** 0: not mounted on v1 */
  hierarchy: number;
  groups: number;
  enabled: boolean;
}

/** /proc/cgroups; newer kernels list v1 only. @throws CgError PARSE */
export function parseProcCgroups(text: string): ProcController[] {
  return linesOf(text)
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const match = /^(\S+)\t(\d{1,10})\t(\d{1,10})\t([01])$/.exec(line);
      if (match === null) throw unreadable('a line of /proc/cgroups', line);
      const [, name = '', hierarchy, groups, enabled] = match;
      return { name, hierarchy: Number(hierarchy), groups: Number(groups), enabled: enabled === '1' };
    });
}

/** /proc/meminfo (proc_meminfo(5)): bytes, but for the few lines without a unit, which count huge pages. @throws CgError PARSE */
export function parseMeminfo(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of linesOf(text)) {
    const match = /^([^\s:]+):\s+(\d{1,20})( kB)?$/.exec(line);
    if (match === null) throw unreadable('a line of /proc/meminfo', line);
    const [, name = '', amount, unit] = match;
    values.set(name, Number(amount) * (unit === undefined ? 1 : KIB));
  }
  return values;
}

/** A line of /proc/swaps. */
export interface Swap {
  /** the path, with " (deleted)" appended by the kernel where it is */
  file: string;
  /** `partition` or `file` */
  type: string;
  size: number;
  used: number;
  priority: number;
}

/** /proc/swaps (proc_swaps(5)), sizes in bytes. @throws CgError PARSE */
export function parseSwaps(text: string): Swap[] {
  return linesOf(text)
    .slice(1)
    .map((line) => {
      const match = /^(\S+)\s+(\S+)\s+(\d{1,20})\s+(\d{1,20})\s+(-?\d{1,10})$/.exec(line);
      if (match === null) throw unreadable('a line of /proc/swaps', line);
      const [, file = '', type = '', size, used, priority] = match;
      return {
        file: unescapeOctal(file),
        type,
        size: Number(size) * KIB,
        used: Number(used) * KIB,
        priority: Number(priority),
      };
    });
}

/** One direction of a network interface's counters. */
export interface NetCounters {
  bytes: number;
  packets: number;
  errors: number;
  dropped: number;
}

/** /proc/net/dev (proc_net(5)) by interface. @throws CgError PARSE */
export function parseNetDev(text: string): Map<string, { receive: NetCounters; transmit: NetCounters }> {
  const interfaces = new Map<string, { receive: NetCounters; transmit: NetCounters }>();
  for (const line of linesOf(text).slice(2)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    const counters = line
      .slice(colon + 1)
      .trim()
      .split(/ +/)
      .map(digits);
    if (colon < 0 || name === '' || counters.length < 16 || counters.some(Number.isNaN)) {
      throw unreadable('a line of /proc/net/dev', line);
    }
    interfaces.set(name, { receive: netCounters(counters, 0), transmit: netCounters(counters, 8) });
  }
  return interfaces;
}

function netCounters(counters: number[], from: number): NetCounters {
  const [bytes = 0, packets = 0, errors = 0, dropped = 0] = counters.slice(from);
  return { bytes, packets, errors, dropped };
}

/** A soft limit of /proc/PID/limits (proc_pid_limits(5)), by the name that the file gives it; Infinity is none, NaN where it is not told. */
export function softLimit(text: string, name: string): number {
  const line = linesOf(text).find((candidate) => candidate.startsWith(`${name} `));
  const soft = line?.slice(name.length).trim().split(/ +/)[0] ?? '';
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : digits(soft);
}
