import { type Board, bars, cgroupVariable, hostVariable, lines, row, table, topVariable } from './grafana.ts';
import { limited, quotaCores, rate, selector, sumBy, throttledRatio, top, workingSet } from './promql.ts';
import { changeAnnotations } from './shared.ts';

const groups = selector('instance=~"$host"', 'cgroup=~"$cgroup"');
const LEGEND = '{{instance}} {{cgroup}}';
const LABELS = { instance: 'Host', cgroup: 'Cgroup' };

const limitOf = (name: string): string => sumBy('instance, cgroup', limited(groups(name)));
const changesOf = (name: string): string => sumBy('instance, cgroup', `changes(${groups(name)}[$__range]) > 0`);

export const limits: Board = {
  uid: 'cgctl-limits',
  title: 'Limits and throttling',
  description: 'Who is held back by a limit, how close the others are, and which limits were changed when.',
  variables: [hostVariable(true), cgroupVariable(true), topVariable],
  annotations: [...changeAnnotations(groups)],
  rows: [
    row(
      'CPU',
      lines('Throttled', 'percentunit', 'Part of the bandwidth periods in which the quota ran out.', [
        { expr: top(throttledRatio(groups)), legend: LEGEND },
      ]),
      lines('Throttled time', 'none', 'Seconds per second that run queues stood still, summed over CPUs.', [
        { expr: top(rate(groups('cpu_throttled_seconds_total'))), legend: LEGEND },
      ]),
      lines('Quota in use', 'percentunit', 'CPU time against the quota of the group itself.', [
        { expr: top(`${rate(groups('cpu_usage_seconds_total'))} / ${quotaCores(groups)}`), legend: LEGEND },
      ]),
      lines('Quota', 'none', 'CPUs that the quota allows.', [{ expr: top(quotaCores(groups)), legend: LEGEND }]),
      lines(
        'Weight',
        'short',
        'What counts when groups contend: cpu.shares on v1 (1024 by default), cpu.weight on v2 (100 by default).',
        [
          { expr: top(groups('cpu_shares')), legend: `${LEGEND} shares`, needs: 'v1' },
          { expr: top(groups('cpu_weight')), legend: `${LEGEND} weight`, needs: 'v2' },
        ],
        { width: 24 },
      ),
    ),
    row(
      'Memory and pids',
      bars(
        'Closest to their memory limit',
        'percentunit',
        'Working set against the limit of the group itself.',
        { expr: top(`${workingSet(groups)} / (${limited(groups('memory_limit_bytes'))} > 0)`), legend: LEGEND },
        { max: 1 },
      ),
      lines('Memory limit', 'bytes', 'The hard limit, where there is one.', [
        { expr: top(limited(groups('memory_limit_bytes'))), legend: LEGEND },
      ]),
      bars(
        'Closest to their pids limit',
        'percentunit',
        'Processes and threads against the limit.',
        { expr: top(`${groups('pids')} / (${limited(groups('pids_limit'))} > 0)`), legend: LEGEND },
        { max: 1 },
      ),
      lines('Refused forks', 'cps', 'Forks per second that failed at the pids limit.', [
        { expr: top(rate(groups('pids_limit_hits_total'))), legend: LEGEND },
      ]),
    ),
    row(
      'All limits',
      table(
        'Limits',
        'The limits that are set. An empty cell is no limit.',
        [
          { expr: sumBy('instance, cgroup', quotaCores(groups)), legend: 'CPU quota' },
          { expr: limitOf('memory_limit_bytes'), legend: 'Memory limit', unit: 'bytes' },
          { expr: limitOf('memory_high_bytes'), legend: 'memory.high', unit: 'bytes', needs: 'v2' },
          { expr: limitOf('pids_limit'), legend: 'Pids limit', unit: 'short' },
        ],
        { labels: LABELS },
      ),
      table(
        'Changed in this range',
        'How often each limit was changed; the annotations show when.',
        [
          { expr: changesOf('cpu_quota_seconds'), legend: 'CPU quota' },
          { expr: changesOf('memory_limit_bytes'), legend: 'Memory limit' },
          { expr: changesOf('pids_limit'), legend: 'Pids limit' },
        ],
        { labels: LABELS },
      ),
    ),
  ],
};
