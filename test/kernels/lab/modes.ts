/** The ways to mount cgroups that hosts are found with. */

export interface Mounts {
  /** One v1 hierarchy each: subsystems, mounted together where there are several, or `name=…`. */
  readonly v1?: readonly string[];
  /** Where the cgroup2 file system is mounted. */
  readonly v2?: string;
  /** The kernel's cgroup_no_v1=: subsystems that are left to cgroup2. */
  readonly noV1?: string;
}

const TOP = '/sys/fs/cgroup';
const UNIFIED = `${TOP}/unified`;
const SUBSYSTEMS = ['cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'hugetlb', 'perf_event', 'rdma', 'misc'];
const APART = ['cpu', 'cpuacct', 'net_cls', 'net_prio', ...SUBSYSTEMS, 'name=systemd'];
const V2_ONLY = ['memory', 'pids'];

export const MODES = {
  v1: { v1: APART },
  /** As systemd mounts v1: some subsystems together, with links. */
  joint: { v1: ['cpu,cpuacct', 'net_cls,net_prio', ...SUBSYSTEMS, 'name=systemd'] },
  hybrid: { v1: APART, v2: UNIFIED },
  /** Some controllers on the unified mount, the others on v1. */
  split: { v1: APART.filter((name) => !V2_ONLY.includes(name)), v2: UNIFIED, noV1: V2_ONLY.join(',') },
  v2: { v2: TOP, noV1: 'all' },
} as const satisfies Record<string, Mounts>;

export type Mode = keyof typeof MODES;

export const modeNames = Object.keys(MODES) as Mode[];
