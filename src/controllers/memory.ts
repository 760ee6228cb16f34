/** Memory and swap: limits, protection, reclaim, what is charged and what was killed. */
import { FULL, HAPPENED } from './alarms.ts';
import type { Cadvisor } from './controller.ts';
import { controller, counter, flat, gauge, knob, numa, scalar } from './controller.ts';
import { swapOutOfTotal, totalOutOfSwap } from './convert.ts';

const MiB = 2 ** 20;
const DOCKER_FLOOR = { at: 6 * MiB, why: 'Docker refuses less than 6 MiB: hardly any program starts' };
const OWN_SCOPE =
  '`scope="container"` for groups without children only, where it is true by itself: v2 counts subtrees alone, and cAdvisor gives a subtree’s figure under both scopes there';
const limitErrno = {
  EINVAL: 'not a number that the kernel knows, above memory plus swap, or the group is the root',
  EBUSY: 'the kernel could not reclaim down to that limit; it stays as it was',
};

/** cAdvisor has both counts of faults under one name, the group's own beside its subtree's. */
const failures = (failure_type: string): readonly Cadvisor[] =>
  (['hierarchy', 'container'] as const).map((scope) => ({
    name: 'container_memory_failures_total',
    help: 'Page faults; pgmajfault are those that needed I/O',
    labels: { failure_type, scope },
    leaf: scope === 'container',
    differs: OWN_SCOPE,
  }));

/** v1 counts pages, v2 bytes; cAdvisor's name says pages. */
const numaPages = (type: string): readonly Cadvisor[] =>
  (['hierarchy', 'container'] as const).map((scope) => ({
    name: 'container_memory_numa_pages',
    help: 'Pages of each type on each NUMA node',
    labels: { scope, type },
    unit: 'pages',
    leaf: scope === 'container',
    differs: `pages on v2 too, where cAdvisor passes the kernel’s bytes on; ${OWN_SCOPE}`,
  }));

export const memory = controller(() => ({
  name: 'memory',
  summary: 'Memory and swap: limits, protection, reclaim, OOM',
  v1: 'memory',
  v2: 'memory',
  onCreate: true,
  still: true,
  doc: 'Documentation/admin-guide/cgroup-v1/memory.rst, Documentation/admin-guide/cgroup-v2.rst "Memory"',
  knobs: {
    max: knob<number>({
      flag: '-m, --memory',
      type: { kind: 'bytes', min: 0, unlimited: true, warnBelow: DOCKER_FLOOR },
      means: [['0', Number.POSITIVE_INFINITY]],
      help: 'hard limit: beyond it the kernel reclaims, then kills; 0, -1 or max is none',
      scope: 'not-root',
      usage: 'memory_usage_bytes',
      systemd: 'MemoryMax',
      v1: { file: 'memory.limit_in_bytes', unlimited: '-1', errno: limitErrno },
      v2: { file: 'memory.max' },
      metric: {
        name: 'memory_limit_bytes',
        unit: 'bytes',
        role: 'memory.limit',
        chart: { on: 'memory', as: 'limit', title: 'max' },
        cadvisor: { name: 'container_spec_memory_limit_bytes', unlimited: 'zero' },
      },
    }),
    swap: knob<number>({
      flag: '--memory-swap',
      type: { kind: 'bytes', min: 0, unlimited: true },
      means: [['0', { times: 2, of: 'memory.max' }]],
      onCreate: { with: 'memory.max', value: { times: 2, of: 'memory.max' } },
      help: 'memory plus swap, as Docker counts it: equal to the memory limit is no swap, 0 is twice the memory, -1 or max no limit',
      scope: 'not-root',
      v1: {
        file: 'memory.memsw.limit_in_bytes',
        unlimited: '-1',
        needs: ['memory.max'],
        notBelow: 'memory.max',
        errno: { ...limitErrno, EINVAL: 'below the memory limit, or the group is the root' },
      },
      v2: {
        file: 'memory.swap.max',
        needs: ['memory.max'],
        encode: swapOutOfTotal,
        decode: totalOutOfSwap,
        conversion: 'swapOutOfTotal: v2 counts swap alone',
      },
      metric: {
        name: 'memory_swap_limit_bytes',
        unit: 'bytes',
        role: 'memory.swap.limit',
        cadvisor: { name: 'container_spec_memory_swap_limit_bytes', unlimited: 'zero' },
      },
    }),
    low: knob<number>({
      flag: '--memory-reservation',
      type: { kind: 'bytes', min: 0, unlimited: true, warnBelow: DOCKER_FLOOR },
      help: 'memory that is kept when others are short: soft limit on v1, memory.low on v2',
      scope: 'not-root',
      systemd: 'MemoryLow',
      v1: {
        file: 'memory.soft_limit_in_bytes',
        unlimited: '-1',
        errno: { EINVAL: 'the group is the root, or the kernel has no soft limits (PREEMPT_RT)' },
      },
      v2: { file: 'memory.low' },
      metric: {
        name: 'memory_reservation_bytes',
        unit: 'bytes',
        cadvisor: { name: 'container_spec_memory_reservation_limit_bytes', unlimited: 'zero' },
      },
    }),
    min: knob<number>({
      flag: '--memory-min',
      type: { kind: 'bytes', min: 0, unlimited: true },
      help: 'memory that is never reclaimed (v2)',
      scope: 'not-root',
      systemd: 'MemoryMin',
      v2: { file: 'memory.min' },
      unsupported: { v1: 'v1 has no hard protection; --memory-reservation sets the soft limit' },
    }),
    high: knob<number>({
      flag: '--memory-high',
      type: { kind: 'bytes', min: 0, unlimited: true },
      help: 'throttle and reclaim above this, never kill (v2)',
      scope: 'not-root',
      systemd: 'MemoryHigh',
      v2: { file: 'memory.high' },
      unsupported: { v1: 'v1 has no throttling limit' },
      metric: { name: 'memory_high_bytes', unit: 'bytes', chart: { on: 'memory', as: 'limit', title: 'high' } },
    }),
    swap_high: knob<number>({
      flag: '--memory-swap-high',
      type: { kind: 'bytes', min: 0, unlimited: true },
      help: 'throttle when this much swap is used (v2; swap alone)',
      scope: 'not-root',
      v2: { file: 'memory.swap.high' },
      unsupported: { v1: 'v1 has no throttling limit for swap' },
    }),
    swappiness: knob<number>({
      flag: '--memory-swappiness',
      type: { kind: 'int', min: 0, max: 200, warnAbove: { at: 100, why: 'Docker’s range ends at 100' } },
      help: 'how readily anonymous pages are swapped rather than files dropped (v1)',
      v1: { file: 'memory.swappiness' },
      unsupported: { v2: 'v2 has no swappiness of a group: see vm.swappiness, and the swappiness of memory.reclaim' },
    }),
    oom_kill_disable: knob<boolean>({
      flag: '--oom-kill-disable',
      type: { kind: 'bool' },
      help: 'at the limit let tasks sleep instead of killing one (v1)',
      scope: 'not-root',
      v1: { file: 'memory.oom_control', shape: { kind: 'line', name: 'oom_kill_disable', bare: true } },
      unsupported: { v2: 'v2 cannot switch the OOM killer off; --memory-high throttles instead' },
    }),
    oom_group: knob<boolean>({
      flag: '--memory-oom-group',
      type: { kind: 'bool' },
      help: 'an OOM kills the whole group, not one process (v2)',
      scope: 'not-root',
      systemd: 'OOMPolicy',
      v2: { file: 'memory.oom.group' },
      unsupported: { v1: 'v1 kills one process at a time' },
    }),
    kmem: knob<number>({
      flag: '--kernel-memory',
      type: { kind: 'bytes', min: 0, unlimited: true },
      help: 'limit on kernel memory (v1; recent kernels take the value and ignore it)',
      scope: 'not-root',
      v1: {
        file: 'memory.kmem.limit_in_bytes',
        unlimited: '-1',
        errno: { EOPNOTSUPP: 'this kernel no longer limits kernel memory by itself' },
      },
      unsupported: { v2: 'v2 counts kernel memory within memory.max' },
    }),
    kmem_tcp: knob<number>({
      flag: '--kernel-memory-tcp',
      type: { kind: 'bytes', min: 0, unlimited: true },
      help: 'limit on TCP buffers (v1)',
      scope: 'not-root',
      v1: { file: 'memory.kmem.tcp.limit_in_bytes', unlimited: '-1' },
      unsupported: { v2: 'v2 counts TCP buffers within memory.max' },
    }),
    use_hierarchy: knob<boolean>({
      type: { kind: 'bool' },
      help: 'whether a child’s memory counts in its parent; always 1 on recent kernels (v1)',
      v1: { file: 'memory.use_hierarchy' },
      unsupported: { v2: 'always so' },
    }),
    zswap_max: knob<number>({
      flag: '--memory-zswap-max',
      type: { kind: 'bytes', min: 0, unlimited: true },
      help: 'limit on compressed swap in memory (v2)',
      scope: 'not-root',
      v2: { file: 'memory.zswap.max' },
      unsupported: { v1: 'v1 has no zswap limit' },
    }),
    zswap_writeback: knob<boolean>({
      flag: '--memory-zswap-writeback',
      type: { kind: 'bool' },
      help: 'whether compressed pages may move on to the swap device (v2)',
      v2: { file: 'memory.zswap.writeback' },
      unsupported: { v1: 'v1 has no zswap control' },
    }),
  },
  actions: {
    reclaim: {
      help: 'reclaim this much memory now; EAGAIN means that less could be had',
      v2: {
        file: 'memory.reclaim',
        write: { kind: 'bytes', min: 1 },
        errno: { EAGAIN: 'the kernel reclaimed less than was asked for' },
      },
    },
    force_empty: {
      help: 'reclaim whatever can be',
      scope: 'not-root',
      v1: { file: 'memory.force_empty', write: '0', errno: { EBUSY: 'not everything could be reclaimed' } },
    },
    reset_peak: {
      help: 'start the record of the highest usage anew (v2 resets it for the writer’s descriptor only)',
      scope: 'not-root',
      v1: { file: 'memory.max_usage_in_bytes', write: '0' },
    },
    reset_failcnt: {
      help: 'set the count of limit hits back to 0',
      scope: 'not-root',
      v1: { file: 'memory.failcnt', write: '0' },
    },
  },
  stats: [
    gauge('memory_usage_bytes', 'bytes', 'Memory charged to the group and its descendants', {
      v1: scalar('memory.usage_in_bytes', { crossing: 'eventfd' }),
      v2: scalar('memory.current'),
      role: 'memory.usage',
      limit: 'memory_limit_bytes',
      cadvisor: [
        { name: 'container_memory_usage_bytes', sum: ['memory_anon_bytes', 'memory_file_bytes'] },
        {
          name: 'container_memory_working_set_bytes',
          help: 'Memory in use without the page cache that is first to be reclaimed',
          sum: ['memory_anon_bytes', 'memory_file_bytes'],
          less: 'memory_inactive_file_bytes',
        },
      ],
    }),
    gauge('memory_peak_bytes', 'bytes', 'Highest memory usage on record', {
      v1: scalar('memory.max_usage_in_bytes'),
      v2: scalar('memory.peak'),
      cadvisor: 'container_memory_max_usage_bytes',
    }),
    gauge('memory_anon_bytes', 'bytes', 'Anonymous memory, huge pages included', {
      v1: flat('memory.stat', 'total_rss'),
      v2: flat('memory.stat', 'anon'),
      chart: { on: 'memory', as: 'stack', title: 'anon' },
      cadvisor: 'container_memory_rss',
    }),
    gauge('memory_file_bytes', 'bytes', 'Page cache, shared memory included', {
      v1: flat('memory.stat', 'total_cache'),
      v2: flat('memory.stat', 'file'),
      chart: { on: 'memory', as: 'stack', title: 'file', less: 'memory_shmem_bytes' },
      cadvisor: 'container_memory_cache',
    }),
    gauge(
      'memory_inactive_file_bytes',
      'bytes',
      'Page cache that is first to be reclaimed; usage without it is the working set',
      {
        v1: flat('memory.stat', 'total_inactive_file'),
        v2: flat('memory.stat', 'inactive_file'),
        role: 'memory.cache.inactive',
        cadvisor: 'container_memory_total_inactive_file_bytes',
      },
    ),
    gauge('memory_active_file_bytes', 'bytes', 'Page cache in recent use', {
      v1: flat('memory.stat', 'total_active_file'),
      v2: flat('memory.stat', 'active_file'),
      cadvisor: 'container_memory_total_active_file_bytes',
    }),
    gauge('memory_mapped_file_bytes', 'bytes', 'Page cache that is mapped into processes', {
      v1: flat('memory.stat', 'total_mapped_file'),
      v2: flat('memory.stat', 'file_mapped'),
      cadvisor: 'container_memory_mapped_file',
    }),
    gauge('memory_shmem_bytes', 'bytes', 'Shared memory and tmpfs', {
      v1: flat('memory.stat', 'total_shmem'),
      v2: flat('memory.stat', 'shmem'),
      chart: { on: 'memory', as: 'stack', title: 'shmem' },
    }),
    gauge('memory_dirty_bytes', 'bytes', 'Page cache that waits to be written', {
      v1: flat('memory.stat', 'total_dirty'),
      v2: flat('memory.stat', 'file_dirty'),
      cadvisor: 'container_memory_file_dirty_bytes',
    }),
    gauge('memory_writeback_bytes', 'bytes', 'Page cache that is being written', {
      v1: flat('memory.stat', 'total_writeback'),
      v2: flat('memory.stat', 'file_writeback'),
      cadvisor: 'container_memory_file_writeback_bytes',
    }),
    gauge('memory_unevictable_bytes', 'bytes', 'Memory that cannot be reclaimed', {
      v1: flat('memory.stat', 'total_unevictable'),
      v2: flat('memory.stat', 'unevictable'),
    }),
    gauge('memory_kernel_bytes', 'bytes', 'Memory of the kernel on behalf of the group', {
      v1: scalar('memory.kmem.usage_in_bytes'),
      v2: flat('memory.stat', 'kernel'),
      chart: { on: 'memory', as: 'stack', title: 'kernel' },
      cadvisor: 'container_memory_kernel_usage',
    }),
    gauge('memory_swap_bytes', 'bytes', 'Swap in use', {
      v1: flat('memory.stat', 'total_swap'),
      v2: scalar('memory.swap.current'),
      role: 'memory.swap',
      chart: { on: 'memory', as: 'line', title: 'swap' },
      cadvisor: 'container_memory_swap',
      column: { title: 'Swap', show: 'bytes', rank: 5 },
    }),
    gauge('memory_numa_anon_bytes', 'bytes', 'Anonymous memory on each NUMA node', {
      v1: numa('memory.numa_stat', 'hierarchical_anon', { pages: true }),
      v2: numa('memory.numa_stat', 'anon'),
      label: 'node',
      cadvisor: numaPages('anon'),
    }),
    gauge('memory_numa_file_bytes', 'bytes', 'Page cache on each NUMA node', {
      v1: numa('memory.numa_stat', 'hierarchical_file', { pages: true }),
      v2: numa('memory.numa_stat', 'file'),
      label: 'node',
      cadvisor: numaPages('file'),
    }),
    gauge('memory_numa_unevictable_bytes', 'bytes', 'Memory that cannot be reclaimed on each NUMA node', {
      v1: numa('memory.numa_stat', 'hierarchical_unevictable', { pages: true }),
      v2: numa('memory.numa_stat', 'unevictable'),
      label: 'node',
      cadvisor: numaPages('unevictable'),
    }),
    counter('memory_page_faults_total', 'count', 'Page faults', {
      v1: flat('memory.stat', 'total_pgfault'),
      v2: flat('memory.stat', 'pgfault'),
      cadvisor: failures('pgfault'),
    }),
    counter('memory_major_page_faults_total', 'count', 'Page faults that needed I/O', {
      v1: flat('memory.stat', 'total_pgmajfault'),
      v2: flat('memory.stat', 'pgmajfault'),
      cadvisor: failures('pgmajfault'),
    }),
    counter('memory_pages_scanned_total', 'count', 'Pages that reclaim looked at', {
      v2: flat('memory.stat', 'pgscan'),
      cadvisor: 'container_memory_pgscan_total',
    }),
    counter('memory_pages_reclaimed_total', 'count', 'Pages that reclaim took away', {
      v2: flat('memory.stat', 'pgsteal'),
      cadvisor: 'container_memory_pgsteal_total',
    }),
    counter('memory_refaults_anon_total', 'count', 'Anonymous pages that came back soon after they were reclaimed', {
      v2: flat('memory.stat', 'workingset_refault_anon'),
      cadvisor: 'container_memory_workingset_refault_anon_total',
    }),
    counter('memory_refaults_file_total', 'count', 'Page cache pages that came back soon after they were reclaimed', {
      v2: flat('memory.stat', 'workingset_refault_file'),
      cadvisor: 'container_memory_workingset_refault_file_total',
    }),
    counter('memory_limit_hits_total', 'count', 'Times that usage met the hard limit', {
      v1: scalar('memory.failcnt', { extent: 'local' }),
      v2: flat('memory.events.local', 'max', { extent: 'local' }),
      scope: 'not-root',
      cadvisor: {
        name: 'container_memory_failcnt',
        differs:
          'how often the group’s own limit was met, on both dialects; on v2 cAdvisor counts the descendants’ limits too, as container_memory_events_max_total does',
      },
    }),
    counter(
      'memory_high_events_total',
      'count',
      'Times that tasks were throttled above memory.high, descendants included',
      {
        v2: flat('memory.events', 'high'),
        scope: 'not-root',
        cadvisor: 'container_memory_events_high_total',
      },
    ),
    counter('memory_max_events_total', 'count', 'Times that usage met memory.max, descendants included', {
      v2: flat('memory.events', 'max'),
      scope: 'not-root',
      cadvisor: 'container_memory_events_max_total',
    }),
    counter(
      'memory_oom_kills_total',
      'count',
      'Processes of this group, not of its descendants, that the OOM killer ended',
      {
        v1: flat('memory.oom_control', 'oom_kill', { extent: 'local' }),
        v2: flat('memory.events.local', 'oom_kill', { extent: 'local' }),
        scope: 'not-root',
        role: 'oom.kills',
        cadvisor: {
          name: 'container_oom_events_total',
          differs:
            'kills as the kernel’s counters have them, for the group of the killed process; it outlives the group for `metrics.keepGone` seconds. cAdvisor reads the kernel log, names another group at times, and its series ends with the group',
        },
        column: { title: 'OOM', show: 'count', rank: 4, event: 'oom_kill', alarm: HAPPENED },
      },
    ),
    gauge('memory_swap_max_bytes', 'bytes', 'What is set: limit on swap alone', {
      v2: scalar('memory.swap.max', { extent: 'local' }),
      scope: 'not-root',
      cadvisor: {
        name: 'container_spec_memory_swap_limit_bytes',
        help: 'What is set: limit on memory and swap together on v1, on swap alone on v2',
        unlimited: 'zero',
      },
    }),
    gauge('memory_under_oom', 'count', '1 while the group is out of memory and tasks wait', {
      v1: flat('memory.oom_control', 'under_oom'),
      scope: 'not-root',
    }),
  ],
  figures: [
    {
      name: 'memory_working_set_bytes',
      help: 'Memory in use without the page cache that is first to be reclaimed',
      of: 'memory_usage_bytes',
      less: 'memory_inactive_file_bytes',
      limit: 'memory_limit_bytes',
      column: {
        title: 'Memory',
        show: 'bytes',
        rank: 3,
        marks: [
          { metric: 'memory_reservation_bytes', title: 'low' },
          { metric: 'memory_high_bytes', title: 'high' },
        ],
        alarm: FULL,
      },
    },
  ],
  events: [
    {
      name: 'oom',
      help: 'the group, or an ancestor of it, ran out of memory; a kill is counted in the killed process’s own group',
      v1: {
        file: 'memory.oom_control',
        mechanism: 'eventfd',
        counters: [{ key: 'oom_kill', kind: 'oom_kill', vmstat: 'oom_kill', victims: true }],
        state: 'under_oom',
        beside: ['memory_usage_bytes', 'memory_limit_bytes'],
      },
      v2: {
        file: 'memory.events.local',
        mechanism: 'modify',
        counters: [
          { key: 'oom', kind: 'oom', limited: true },
          { key: 'oom_kill', kind: 'oom_kill', vmstat: 'oom_kill', victims: true },
          { key: 'oom_group_kill', kind: 'oom_group_kill' },
        ],
        beside: ['memory_usage_bytes', 'memory_limit_bytes'],
      },
    },
    {
      name: 'memory_pressure',
      help: 'reclaim finds little (medium), or hardly anything (critical)',
      v1: {
        file: 'memory.pressure_level',
        mechanism: 'eventfd',
        counters: [],
        levels: ['low', 'medium', 'critical'],
      },
    },
  ],
}));
