/** CPU time: weights between groups, bandwidth limits, real-time budget, utilisation clamps. */
import { THROTTLED } from './alarms.ts';
import { controller, counter, derived, flat, knob } from './controller.ts';
import { ociShares, ociWeight } from './convert.ts';

/** Largest bandwidth that the scheduler's fixed-point arithmetic holds (kernel/sched: MAX_BW), in µs. */
const MAX_BANDWIDTH = 2 ** 44 - 1;

const quotaErrno = {
  EINVAL:
    'the quota is under 1000 µs or under the burst, the period is outside 1000..1000000 µs, or quota/period exceeds the parent’s (or a child exceeds it)',
};

export const cpu = controller(() => ({
  name: 'cpu',
  summary: 'CPU time: shares, quota, burst, real-time budget',
  v1: 'cpu',
  v2: 'cpu',
  onCreate: true,
  still: true,
  doc: 'Documentation/scheduler/sched-bwc.rst, Documentation/admin-guide/cgroup-v2.rst "CPU"',
  knobs: {
    idle: knob<boolean>({
      flag: '--cpu-idle',
      type: { kind: 'bool' },
      help: 'run only when no other group wants the CPU (SCHED_IDLE for the whole group)',
      scope: 'not-root',
      v1: { file: 'cpu.idle', clobbers: ['cpu.shares'] },
      v2: { file: 'cpu.idle', clobbers: ['cpu.shares', 'cpu.weight'] },
    }),
    shares: knob<number>({
      flag: '-c, --cpu-shares',
      type: { kind: 'int', min: 2, max: 262144, unit: 'shares' },
      means: [['0', 1024]],
      help: 'relative weight where groups contend for the same CPU; 0 is the default, 1024',
      scope: 'not-root',
      systemd: 'CPUWeight',
      v1: {
        file: 'cpu.shares',
        refusedWhile: { knob: 'cpu.idle', is: true },
        errno: { EINVAL: 'the group is idle (cpu.idle is 1) or the root' },
      },
      v2: {
        file: 'cpu.weight',
        encode: ociWeight,
        decode: ociShares,
        conversion: 'ociWeight: shares to weight as runc, crun and containerd do',
        refusedWhile: { knob: 'cpu.idle', is: true },
        errno: { EINVAL: 'the group is idle (cpu.idle is 1)', ERANGE: 'outside 1..10000' },
      },
      metric: { name: 'cpu_shares', unit: 'count', cadvisor: 'container_spec_cpu_shares' },
    }),
    weight: knob<number>({
      flag: '--cpu-weight',
      type: { kind: 'int', min: 1, max: 10000 },
      help: 'the kernel’s own weight on v2 (default 100); --cpu-shares converts',
      scope: 'not-root',
      systemd: 'CPUWeight',
      v2: {
        file: 'cpu.weight',
        refusedWhile: { knob: 'cpu.idle', is: true },
        errno: { EINVAL: 'the group is idle (cpu.idle is 1)', ERANGE: 'outside 1..10000' },
      },
      unsupported: { v1: 'v1 has shares: use --cpu-shares' },
      metric: {
        name: 'cpu_weight',
        unit: 'count',
        cadvisor: {
          name: 'container_spec_cpu_shares',
          decode: ociShares,
          differs:
            'on v2 a weight goes back to shares by the curve by which runc, crun and containerd make it (100 is 1024); cAdvisor draws a straight line (100 is 2597)',
        },
      },
    }),
    nice: knob<number>({
      flag: '--cpu-weight-nice',
      type: { kind: 'int', min: -20, max: 19, signed: true },
      help: 'the weight on v2, said as a nice value',
      scope: 'not-root',
      v2: { file: 'cpu.weight.nice', refusedWhile: { knob: 'cpu.idle', is: true }, undo: 'best' },
      unsupported: { v1: 'v1 has shares: use --cpu-shares' },
    }),
    period: knob<number>({
      flag: '--cpu-period',
      type: { kind: 'int', min: 1000, max: 1_000_000, unit: 'µs' },
      help: 'length of a bandwidth period (default 100000)',
      scope: 'not-root',
      v1: { file: 'cpu.cfs_period_us', errno: quotaErrno },
      v2: { file: 'cpu.max', shape: { kind: 'tuple', at: 1, width: 2 }, errno: quotaErrno },
      metric: {
        name: 'cpu_period_seconds',
        unit: 'seconds',
        per: 1e6,
        role: 'cpu.period',
        cadvisor: { name: 'container_spec_cpu_period', unit: 'microseconds' },
      },
    }),
    quota: knob<number>({
      flag: '--cpu-quota',
      type: { kind: 'int', min: 1000, max: MAX_BANDWIDTH, unit: 'µs', unlimited: true },
      means: [['0', Number.POSITIVE_INFINITY]],
      help: 'CPU time that the group may use in each period',
      scope: 'not-root',
      systemd: 'CPUQuota',
      v1: {
        file: 'cpu.cfs_quota_us',
        unlimited: '-1',
        eitherOrder: 'cpu.period',
        withinParent: true,
        errno: quotaErrno,
      },
      v2: { file: 'cpu.max', shape: { kind: 'tuple', at: 0, width: 2 }, errno: quotaErrno },
      metric: {
        name: 'cpu_quota_seconds',
        unit: 'seconds',
        per: 1e6,
        role: 'cpu.quota',
        chart: { on: 'cpu', as: 'limit', title: 'quota', per: 'cpu_period_seconds' },
        cadvisor: { name: 'container_spec_cpu_quota', unit: 'microseconds', unlimited: 'none' },
      },
    }),
    burst: knob<number>({
      flag: '--cpu-burst',
      type: { kind: 'int', min: 0, max: MAX_BANDWIDTH, unit: 'µs' },
      help: 'unused quota that may be saved up and spent at once; at most the quota',
      scope: 'not-root',
      v1: { file: 'cpu.cfs_burst_us', notAbove: 'cpu.quota', errno: { EINVAL: 'above the quota' } },
      v2: { file: 'cpu.max.burst', notAbove: 'cpu.quota', errno: { EINVAL: 'above the quota' } },
    }),
    rt_period: knob<number>({
      flag: '--cpu-rt-period',
      type: { kind: 'int', min: 1, max: MAX_BANDWIDTH, unit: 'µs' },
      help: 'length of a real-time period',
      v1: { file: 'cpu.rt_period_us', errno: { EINVAL: 'the real-time budgets of parent and children do not fit' } },
      unsupported: { v2: 'cgroup v2 has no real-time bandwidth control' },
    }),
    rt_runtime: knob<number>({
      flag: '--cpu-rt-runtime',
      type: { kind: 'int', min: 0, max: MAX_BANDWIDTH, unit: 'µs' },
      help: 'real-time CPU time in each real-time period; set it before a SCHED_FIFO or SCHED_RR task enters',
      v1: {
        file: 'cpu.rt_runtime_us',
        withinParent: true,
        eitherOrder: 'cpu.rt_period',
        errno: {
          EINVAL: 'the children’s budgets exceed the parent’s: give the parent more first',
          EBUSY: 'real-time tasks run here: the budget cannot be 0',
        },
      },
      unsupported: { v2: 'cgroup v2 has no real-time bandwidth control' },
    }),
    uclamp_min: knob<number>({
      flag: '--cpu-uclamp-min',
      type: { kind: 'decimal', min: 0, max: 100, unit: '%', decimals: 2, unlimited: true },
      help: 'lowest utilisation that frequency selection assumes, in percent',
      scope: 'not-root',
      v1: { file: 'cpu.uclamp.min', unlimited: 'max' },
      v2: { file: 'cpu.uclamp.min' },
    }),
    uclamp_max: knob<number>({
      flag: '--cpu-uclamp-max',
      type: { kind: 'decimal', min: 0, max: 100, unit: '%', decimals: 2, unlimited: true },
      help: 'highest utilisation that frequency selection assumes, in percent',
      scope: 'not-root',
      v1: { file: 'cpu.uclamp.max', unlimited: 'max' },
      v2: { file: 'cpu.uclamp.max' },
    }),
  },
  derived: [
    derived<number>({
      flag: '--cpus',
      type: { kind: 'decimal', min: 0.01, max: 8192, unit: 'CPUs', decimals: 5 },
      help: 'how many CPUs’ worth of time, as 1.5: a quota over a period of 100000 µs',
      sets: ['cpu.quota', 'cpu.period'],
      encode: (cpus, { onlineCpus }) =>
        cpus > onlineCpus
          ? `this machine has ${onlineCpus} CPUs`
          : { 'cpu.quota': Math.round(cpus * 100_000), 'cpu.period': 100_000 },
      decode(need) {
        const quota = need('cpu.quota');
        const period = need('cpu.period');
        return typeof quota === 'number' && typeof period === 'number' ? quota / period : undefined;
      },
    }),
  ],
  stats: [
    counter('cpu_periods_total', 'count', 'Bandwidth periods in which the group was runnable', {
      v1: flat('cpu.stat', 'nr_periods', { extent: 'local' }),
      v2: flat('cpu.stat', 'nr_periods', { extent: 'local' }),
      role: 'cpu.periods',
      scope: 'not-root',
      cadvisor: 'container_cpu_cfs_periods_total',
    }),
    counter('cpu_throttled_periods_total', 'count', 'Bandwidth periods in which the group ran out of quota', {
      v1: flat('cpu.stat', 'nr_throttled', { extent: 'local' }),
      v2: flat('cpu.stat', 'nr_throttled', { extent: 'local' }),
      role: 'cpu.throttled',
      scope: 'not-root',
      chart: { on: 'cpu', as: 'band', title: 'throttled', per: 'cpu_periods_total' },
      cadvisor: 'container_cpu_cfs_throttled_periods_total',
    }),
    counter(
      'cpu_throttled_seconds_total',
      'seconds',
      'Time that the group’s run queues were throttled, summed over CPUs',
      {
        v1: flat('cpu.stat', 'throttled_time', { per: 1e9, extent: 'local' }),
        v2: flat('cpu.stat', 'throttled_usec', { per: 1e6, extent: 'local' }),
        role: 'cpu.throttled.time',
        scope: 'not-root',
        cadvisor: 'container_cpu_cfs_throttled_seconds_total',
      },
    ),
    counter('cpu_burst_periods_total', 'count', 'Bandwidth periods in which saved-up quota was spent', {
      v1: flat('cpu.stat', 'nr_bursts', { extent: 'local' }),
      v2: flat('cpu.stat', 'nr_bursts', { extent: 'local' }),
      scope: 'not-root',
      cadvisor: 'container_cpu_cfs_burst_periods_total',
    }),
    counter('cpu_burst_seconds_total', 'seconds', 'CPU time beyond the quota, out of saved-up quota', {
      v1: flat('cpu.stat', 'burst_time', { per: 1e9, extent: 'local' }),
      v2: flat('cpu.stat', 'burst_usec', { per: 1e6, extent: 'local' }),
      scope: 'not-root',
      cadvisor: 'container_cpu_cfs_burst_seconds_total',
    }),
  ],
  figures: [
    {
      name: 'cpu_quota_cores',
      help: 'How many CPUs’ worth of time the group may use',
      of: 'cpu_quota_seconds',
      per: 'cpu_period_seconds',
    },
    {
      name: 'cpu_throttled_ratio',
      help: 'Of the bandwidth periods in which the group was runnable, those in which it ran out of quota',
      of: 'cpu_throttled_periods_total',
      per: 'cpu_periods_total',
      column: { title: 'Throttled', brief: 'thr%', show: 'ratio', rank: 2, alarm: THROTTLED },
    },
  ],
}));
