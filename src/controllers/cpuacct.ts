/** CPU time that was used. A v1 subsystem of its own; on v2 every group's cpu.stat has it, without any controller. */
import { controller, counter, flat, percpu, scalar } from './controller.ts';

/** Ticks of cpuacct.stat in a second: USER_HZ, part of the kernel's interface and the same on every architecture here. */
const USER_HZ = 100;

export const cpuacct = controller(() => ({
  name: 'cpuacct',
  summary: 'CPU time used, in user and kernel mode, per CPU',
  v1: 'cpuacct',
  v2: 'core',
  prefer: 'v1',
  onCreate: true,
  still: true,
  doc: 'Documentation/admin-guide/cgroup-v1/cpuacct.rst, Documentation/admin-guide/cgroup-v2.rst "CPU Interface Files"',
  actions: {
    reset: {
      help: 'start the count of CPU time anew (v1)',
      v1: { file: 'cpuacct.usage', write: '0' },
    },
  },
  stats: [
    counter('cpu_usage_seconds_total', 'seconds', 'CPU time used by the group and its descendants', {
      v1: scalar('cpuacct.usage', { per: 1e9 }),
      v2: flat('cpu.stat', 'usage_usec', { per: 1e6 }),
      role: 'cpu.usage',
      cadvisor: {
        name: 'container_cpu_usage_seconds_total',
        labels: { cpu: 'total' },
        unless: 'cpu_percpu_usage_seconds_total',
        differs:
          '`cpu="total"` on both dialects, unless figures of single CPUs are asked for (`metrics.perCpu`): then `cpu="cpu00"` and so on, and never a total beside its parts',
      },
      limit: 'cpu_quota_cores',
      column: { title: 'CPU', show: 'cores', rank: 1 },
    }),
    counter('cpu_user_seconds_total', 'seconds', 'CPU time used in user mode', {
      v1: flat('cpuacct.stat', 'user', { per: USER_HZ }),
      v2: flat('cpu.stat', 'user_usec', { per: 1e6 }),
      role: 'cpu.user',
      chart: { on: 'cpu', as: 'stack', title: 'user' },
      cadvisor: 'container_cpu_user_seconds_total',
    }),
    counter('cpu_system_seconds_total', 'seconds', 'CPU time used in kernel mode', {
      v1: flat('cpuacct.stat', 'system', { per: USER_HZ }),
      v2: flat('cpu.stat', 'system_usec', { per: 1e6 }),
      role: 'cpu.system',
      chart: { on: 'cpu', as: 'stack', title: 'system' },
      cadvisor: 'container_cpu_system_seconds_total',
    }),
    counter('cpu_percpu_usage_seconds_total', 'seconds', 'CPU time used on each CPU (v1)', {
      v1: percpu('cpuacct.usage_percpu', { per: 1e9 }),
      label: 'cpu',
      cadvisor: 'container_cpu_usage_seconds_total',
    }),
  ],
}));
