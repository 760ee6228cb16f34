import { type Board, choice, hostVariable, lines, row, stat, table, topVariable } from './grafana.ts';
import { grownInRange, limited, rate, selector, sumBy, throttledRatio, top, workingSet } from './promql.ts';
import { oomKills, PRESSURE_MEANS, pressure, thresholds } from './shared.ts';

const HOST = 'instance="$host"';
const every = selector(HOST);
const root = selector(HOST, 'cgroup="/"');
const shown = selector(HOST, 'cgroup=~"$level"');
const own = (metric: string): string => `${metric}{${HOST}}`;

/** Limits and figures of one group in one row. */
const LABELS = { cgroup: 'Cgroup' };

export const host: Board = {
  uid: 'cgctl-host',
  title: 'Host',
  description: 'One machine: what it has, which groups use it, and how the exporter itself does.',
  variables: [
    hostVariable(false),
    // Figures include descendants: groups of one level can be compared and added up, those of several cannot.
    choice('level', 'Level', [
      ['first level', '/[^/]+'],
      ['second level', '/[^/]+/[^/]+'],
      ['third level', '(/[^/]+){3}'],
      ['all but the root', '/.+'],
    ]),
    topVariable,
  ],
  annotations: [],
  rows: [
    row(
      'Machine',
      stat('CPUs in use', 'none', 'CPU time of the root group per second.', {
        expr: rate(root('cpu_usage_seconds_total')),
        legend: 'CPUs',
      }),
      stat('Memory', 'bytes', 'Anonymous memory and page cache of the root group.', {
        expr: `${root('memory_anon_bytes')} + ${root('memory_file_bytes')}`,
        legend: 'memory',
      }),
      stat('Processes', 'short', 'Processes in all groups.', {
        expr: `sum(${every('processes')})`,
        legend: 'processes',
      }),
      stat('Groups', 'short', 'Groups that are exported.', { expr: `count(${every('info')})`, legend: 'groups' }),
      stat(
        'OOM kills in this range',
        'short',
        'Processes that the OOM killer ended, in groups that are gone too.',
        { expr: `sum(${grownInRange(oomKills(every))})`, legend: 'kills' },
        { thresholds: [{ from: 0.5, colour: 'red' }] },
      ),
      stat(
        'Dying groups',
        'short',
        'Removed groups that the kernel still keeps, mostly because page cache is charged to them.',
        { expr: root('dying_descendants'), legend: 'dying', needs: 'unified' },
        { thresholds: thresholds(1000, 10_000) },
      ),
      lines(
        'CPU by mode',
        'none',
        'CPUs that the machine uses, for programs and for the kernel.',
        [
          { expr: rate(root('cpu_user_seconds_total')), legend: 'user', colour: 'user' },
          { expr: rate(root('cpu_system_seconds_total')), legend: 'system', colour: 'system' },
        ],
        { stack: true },
      ),
      lines(
        'Pressure',
        'percentunit',
        `The whole machine. ${PRESSURE_MEANS}`,
        (['cpu', 'memory', 'io'] as const).flatMap((resource) => {
          const { some, full } = pressure(root, resource);
          return [
            { expr: some, legend: `${resource} some`, needs: 'unified' as const },
            { expr: full, legend: `${resource} full`, needs: 'unified' as const },
          ];
        }),
      ),
    ),
    row(
      'Who uses it',
      lines('CPUs in use', 'none', 'The groups of the chosen level that use most CPU time.', [
        { expr: top(rate(shown('cpu_usage_seconds_total'))), legend: '{{cgroup}}' },
      ]),
      lines('Working set', 'bytes', 'Memory in use without the page cache that is first to be reclaimed.', [
        { expr: top(workingSet(shown)), legend: '{{cgroup}}' },
      ]),
      lines('I/O', 'binBps', 'Bytes read and written per second, all devices.', [
        {
          expr: top(
            `${sumBy('cgroup', rate(shown('io_read_bytes_total')))} + ${sumBy('cgroup', rate(shown('io_written_bytes_total')))}`,
          ),
          legend: '{{cgroup}}',
        },
      ]),
      lines('Processes and threads', 'short', 'What counts against the pids limit.', [
        { expr: top(shown('pids')), legend: '{{cgroup}}' },
      ]),
      table(
        'Groups',
        'What each group of the chosen level uses, beside its limits. An empty cell: no limit, or nothing that the kernel tells.',
        [
          { expr: sumBy('cgroup', rate(shown('cpu_usage_seconds_total'))), legend: 'CPUs' },
          { expr: sumBy('cgroup', throttledRatio(shown)), legend: 'Throttled', unit: 'percentunit' },
          { expr: sumBy('cgroup', workingSet(shown)), legend: 'Working set', unit: 'bytes' },
          { expr: sumBy('cgroup', limited(shown('memory_limit_bytes'))), legend: 'Memory limit', unit: 'bytes' },
          { expr: sumBy('cgroup', shown('pids')), legend: 'Pids', unit: 'short' },
          { expr: sumBy('cgroup', limited(shown('pids_limit'))), legend: 'Pids limit', unit: 'short' },
        ],
        { labels: LABELS },
      ),
    ),
    row(
      'Exporter',
      lines(
        'Scrape',
        's',
        'How long Prometheus waited for an answer, and how long the look at the kernel took in it.',
        [
          { expr: own('scrape_duration_seconds'), legend: 'scrape {{job}}' },
          { expr: own('cgctl_sample_duration_seconds'), legend: 'look' },
        ],
        { width: 8 },
      ),
      lines(
        'Series',
        'short',
        'What a scrape brought, and what was left out to stay within the budget.',
        [
          { expr: own('scrape_samples_scraped'), legend: 'scraped {{job}}' },
          { expr: own('cgctl_dropped_series'), legend: 'left out', colour: 'limit' },
        ],
        { width: 8 },
      ),
      lines(
        'Controllers that could not be read',
        'short',
        'Files that were there and could not be read or understood: their figures are missing.',
        [
          {
            expr: `count(${own('cgctl_controller_success')}) - sum(${own('cgctl_controller_success')})`,
            legend: 'failed',
            colour: 'full',
          },
        ],
        { width: 8 },
      ),
      lines(
        'Open files',
        'short',
        'Descriptors of the process; those beyond the kernel files are connections and its own.',
        [
          { expr: own('process_open_fds'), legend: 'process', colour: 'used' },
          { expr: own('cgctl_descriptors_open'), legend: 'kernel files', colour: 'file' },
          { expr: own('process_max_fds'), legend: 'limit', colour: 'limit' },
        ],
        { width: 8 },
      ),
      lines(
        'Watches',
        'short',
        'Files that are watched for events, by how; those that are polled have no watch.',
        [{ expr: own('cgctl_watches'), legend: '{{mechanism}}' }],
        { width: 8 },
      ),
      lines(
        'CPU of the exporter',
        'none',
        'CPUs that cgctl itself uses.',
        [{ expr: rate(own('process_cpu_seconds_total')), legend: 'CPUs', colour: 'used' }],
        { width: 12 },
      ),
      lines(
        'Memory of the exporter',
        'bytes',
        'Resident memory of cgctl itself.',
        [{ expr: own('process_resident_memory_bytes'), legend: 'resident', colour: 'used' }],
        { width: 12 },
      ),
    ),
  ],
};
