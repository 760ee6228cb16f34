import { type Board, cgroupVariable, GROUP_BOARD, hostVariable, lines, row, stat, table } from './grafana.ts';
import { grownInRange, limited, quotaCores, rate, selector, sumBy, throttledRatio, workingSet } from './promql.ts';
import { changeAnnotations, oomAnnotation, oomKills, PRESSURE_MEANS, pressureQueries, thresholds } from './shared.ts';

const group = selector('instance="$host"', 'cgroup="$cgroup"');
const byDevice = (counter: string): string => sumBy('device', rate(group(counter)));

export const cgroup: Board = {
  uid: GROUP_BOARD,
  title: 'Cgroup',
  description: 'One group with its descendants: everything that the kernel tells of it, against its own limits.',
  variables: [hostVariable(false), cgroupVariable(false)],
  annotations: [...changeAnnotations(group), oomAnnotation(group)],
  rows: [
    row(
      'Now',
      stat('CPUs in use', 'none', 'CPU time per second.', {
        expr: rate(group('cpu_usage_seconds_total')),
        legend: 'CPUs',
      }),
      stat(
        'Throttled',
        'percentunit',
        'Part of the bandwidth periods in which the quota ran out. Empty without a quota.',
        { expr: throttledRatio(group), legend: 'throttled' },
        { thresholds: thresholds(0.25, 0.5) },
      ),
      stat(
        'Memory limit in use',
        'percentunit',
        'Working set against the limit of the group itself; ancestors may allow less. Empty without a limit.',
        { expr: `${workingSet(group)} / ${limited(group('memory_limit_bytes'))}`, legend: 'used' },
        { thresholds: thresholds(0.9, 0.97) },
      ),
      stat(
        'Pids limit in use',
        'percentunit',
        'Processes and threads against the limit. Empty without a limit.',
        { expr: `${group('pids')} / ${limited(group('pids_limit'))}`, legend: 'used' },
        { thresholds: thresholds(0.9, 0.97) },
      ),
      stat(
        'OOM kills in this range',
        'short',
        'Processes of this group, not of its descendants.',
        { expr: grownInRange(oomKills(group)), legend: 'kills' },
        { thresholds: [{ from: 0.5, colour: 'red' }] },
      ),
      stat('Frozen', 'bool_yes_no', 'Whether every task of the group is frozen.', {
        expr: group('frozen'),
        legend: 'frozen',
      }),
      table(
        'Who it is',
        'What cgctl knows of the group beside its path.',
        [{ expr: group('info'), legend: 'Exported' }],
        { labels: { cgroup: 'Cgroup', generation: 'Inode' } },
      ),
    ),
    row(
      'CPU',
      lines(
        'CPUs in use',
        'none',
        'User and system time per second, under what the quota allows.',
        [
          { expr: rate(group('cpu_user_seconds_total')), legend: 'user', colour: 'user' },
          { expr: rate(group('cpu_system_seconds_total')), legend: 'system', colour: 'system' },
          { expr: quotaCores(group), legend: 'quota', colour: 'limit' },
        ],
        { stack: true },
      ),
      lines(
        'Throttling',
        'percentunit',
        'Part of the bandwidth periods that ended in throttling, and that used burst.',
        [
          { expr: throttledRatio(group), legend: 'throttled', colour: 'limit' },
          {
            expr: `${rate(group('cpu_burst_periods_total'))} / (${rate(group('cpu_periods_total'))} > 0)`,
            legend: 'burst',
          },
        ],
      ),
      lines('Pressure on CPUs', 'percentunit', PRESSURE_MEANS, pressureQueries(group, 'cpu')),
      lines('Each CPU', 'none', 'Where the group runs. The service exports it when metrics.perCpu is on.', [
        { expr: rate(group('cpu_percpu_usage_seconds_total')), legend: 'CPU {{cpu}}', needs: 'v1' },
      ]),
    ),
    row(
      'Memory',
      lines(
        'What memory is used for',
        'bytes',
        'Anonymous memory, page cache and kernel memory; the limit is drawn across.',
        [
          { expr: group('memory_anon_bytes'), legend: 'anonymous', colour: 'anon' },
          { expr: group('memory_file_bytes'), legend: 'page cache', colour: 'file' },
          { expr: group('memory_kernel_bytes'), legend: 'kernel', colour: 'kernel' },
          { expr: limited(group('memory_limit_bytes')), legend: 'limit', colour: 'limit' },
        ],
        { stack: true },
      ),
      lines('Usage and working set', 'bytes', 'The working set is usage without the page cache that is first to go.', [
        { expr: group('memory_usage_bytes'), legend: 'usage', colour: 'file' },
        { expr: workingSet(group), legend: 'working set', colour: 'used' },
        { expr: limited(group('memory_limit_bytes')), legend: 'limit', colour: 'limit' },
      ]),
      lines('Page cache', 'bytes', 'How much of it is in recent use, mapped, shared, or waits to be written.', [
        { expr: group('memory_active_file_bytes'), legend: 'active', colour: 'used' },
        { expr: group('memory_inactive_file_bytes'), legend: 'inactive', colour: 'file' },
        { expr: group('memory_mapped_file_bytes'), legend: 'mapped' },
        { expr: group('memory_shmem_bytes'), legend: 'shared', colour: 'shared' },
        { expr: group('memory_dirty_bytes'), legend: 'dirty', colour: 'system' },
        { expr: group('memory_writeback_bytes'), legend: 'being written', colour: 'written' },
      ]),
      lines('Faults', 'cps', 'Page faults per second; major ones had to read.', [
        { expr: rate(group('memory_page_faults_total')), legend: 'all' },
        { expr: rate(group('memory_major_page_faults_total')), legend: 'major', colour: 'full' },
      ]),
      lines('Reclaim at the limit', 'cps', 'How often usage met a limit of the group and pages had to be found.', [
        { expr: rate(group('memory_limit_hits_total')), legend: 'hard limit', colour: 'limit' },
        { expr: rate(group('memory_high_events_total')), legend: 'memory.high', colour: 'some', needs: 'v2' },
      ]),
      lines('Swap', 'bytes', 'Swap in use.', [{ expr: group('memory_swap_bytes'), legend: 'swap', colour: 'swap' }]),
      lines('Pressure on memory', 'percentunit', PRESSURE_MEANS, pressureQueries(group, 'memory'), { width: 24 }),
    ),
    row(
      'I/O',
      lines('Bytes', 'binBps', 'Bytes read and written per second on each device.', [
        { expr: byDevice('io_read_bytes_total'), legend: '{{device}} read' },
        { expr: byDevice('io_written_bytes_total'), legend: '{{device}} written' },
      ]),
      lines('Operations', 'iops', 'Reads and writes per second on each device.', [
        { expr: byDevice('io_reads_total'), legend: '{{device}} reads' },
        { expr: byDevice('io_writes_total'), legend: '{{device}} writes' },
      ]),
      lines('Pressure on I/O', 'percentunit', PRESSURE_MEANS, pressureQueries(group, 'io'), { width: 24 }),
    ),
    row(
      'Processes and groups',
      lines('Processes and threads', 'short', 'What counts against the pids limit.', [
        { expr: group('pids'), legend: 'now', colour: 'used' },
        { expr: limited(group('pids_limit')), legend: 'limit', colour: 'limit' },
      ]),
      lines('Refused forks', 'cps', 'Forks per second that failed at the pids limit.', [
        { expr: rate(group('pids_limit_hits_total')), legend: 'refused', colour: 'limit' },
      ]),
      lines('Processes of the group itself', 'short', 'Without those of its descendants.', [
        { expr: group('processes'), legend: 'processes', colour: 'used' },
      ]),
      lines('Groups below', 'short', 'Living ones, and removed ones that the kernel still keeps.', [
        { expr: group('descendants'), legend: 'living', colour: 'used', needs: 'unified' },
        { expr: group('dying_descendants'), legend: 'dying', colour: 'event', needs: 'unified' },
      ]),
    ),
  ],
};
