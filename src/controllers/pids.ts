/** How many tasks a group may have. */
import { FULL } from './alarms.ts';
import { controller, counter, flat, gauge, knob, scalar } from './controller.ts';

/** include/linux/threads.h: PID_MAX_LIMIT on 64-bit machines. */
const PID_MAX_LIMIT = 4_194_304;

export const pids = controller(() => ({
  name: 'pids',
  summary: 'Number of processes and threads',
  v1: 'pids',
  v2: 'pids',
  onCreate: true,
  still: true,
  doc: 'Documentation/admin-guide/cgroup-v1/pids.rst, Documentation/admin-guide/cgroup-v2.rst "PID"',
  knobs: {
    max: knob<number>({
      flag: '--pids-limit',
      type: { kind: 'int', min: 1, max: PID_MAX_LIMIT, unit: 'tasks', unlimited: true },
      means: [['0', Number.POSITIVE_INFINITY]],
      help: 'most processes and threads that may exist; 0, -1 or max is no limit (the kernel’s own 0, no forks at all, cannot be asked for)',
      scope: 'not-root',
      systemd: 'TasksMax',
      v1: { file: 'pids.max', unlimited: 'max', errno: { EINVAL: `outside 0..${PID_MAX_LIMIT}` } },
      v2: { file: 'pids.max', errno: { EINVAL: `outside 0..${PID_MAX_LIMIT}` } },
      metric: {
        name: 'pids_limit',
        unit: 'count',
        role: 'pids.limit',
        chart: { on: 'tasks', as: 'limit', title: 'max' },
        cadvisor: { name: 'container_threads_max', unlimited: 'zero' },
      },
    }),
  },
  stats: [
    gauge('pids', 'count', 'Processes and threads in the group and its descendants', {
      v1: scalar('pids.current'),
      v2: scalar('pids.current'),
      scope: 'not-root',
      role: 'pids.current',
      chart: { on: 'tasks', as: 'line', title: 'tasks' },
      cadvisor: 'container_threads',
      limit: 'pids_limit',
      column: { title: 'PIDs', show: 'count', rank: 11, alarm: FULL },
    }),
    gauge('pids_peak', 'count', 'Most processes and threads on record', {
      v1: scalar('pids.peak'),
      v2: scalar('pids.peak'),
      scope: 'not-root',
    }),
    counter('pids_limit_hits_total', 'count', 'Forks that failed for want of a free place under the limit', {
      v1: flat('pids.events', 'max', { extent: 'local' }),
      v2: [
        flat('pids.events.local', 'max', { extent: 'local' }),
        flat('pids.events', 'max', { extent: 'local' }), // before 6.11 it was local
      ],
      scope: 'not-root',
    }),
  ],
  events: [
    {
      name: 'pids_max',
      help: 'a fork failed because of the limit',
      v1: {
        file: 'pids.events',
        mechanism: 'poll', // since 6.11 it notifies nobody
        counters: [{ key: 'max', kind: 'pids_max' }],
        logged: 'fork rejected by pids controller in ',
      },
      v2: [
        { file: 'pids.events.local', mechanism: 'modify', counters: [{ key: 'max', kind: 'pids_max' }] },
        { file: 'pids.events', mechanism: 'modify', counters: [{ key: 'max', kind: 'pids_max' }] }, // before 6.11 it was local
      ],
    },
  ],
}));
