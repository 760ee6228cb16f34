import { type Board, bars, cgroupVariable, hostVariable, lines, type Panel, row, topVariable } from './grafana.ts';
import { grownInRange, limited, rate, selector, top, workingSet } from './promql.ts';
import { oomAnnotation, oomKills, PRESSURE_MEANS, pressure, type Resource } from './shared.ts';

const groups = selector('instance=~"$host"', 'cgroup=~"$cgroup"');
const LEGEND = '{{instance}} {{cgroup}}';

function pressurePanels(resource: Resource, name: string): readonly Panel[] {
  const { some, full } = pressure(groups, resource);
  return [
    lines(`${name}: some`, 'percentunit', `Where at least one task waited most. ${PRESSURE_MEANS}`, [
      { expr: top(some), legend: LEGEND, needs: 'unified' },
    ]),
    lines(`${name}: full`, 'percentunit', `Where all tasks waited at once most. ${PRESSURE_MEANS}`, [
      { expr: top(full), legend: LEGEND, needs: 'unified' },
    ]),
  ];
}

export const pressureBoard: Board = {
  uid: 'cgctl-pressure',
  title: 'Pressure and OOM',
  description: 'Who waits for what, who meets a memory limit, and whom the OOM killer ended.',
  variables: [hostVariable(true), cgroupVariable(true), topVariable],
  annotations: [oomAnnotation(groups)],
  rows: [
    row(
      'Pressure',
      ...pressurePanels('cpu', 'CPU'),
      ...pressurePanels('memory', 'Memory'),
      ...pressurePanels('io', 'I/O'),
    ),
    row(
      'Out of memory',
      bars(
        'OOM kills in this range',
        'short',
        'By group, those that are gone included; “unattributed” are kills that no group accounts for any more.',
        { expr: `${top(grownInRange(oomKills(groups)))} > 0`, legend: LEGEND },
      ),
      lines('OOM kills', 'short', 'When they happened.', [
        { expr: `increase(${oomKills(groups)}[$__rate_interval]) > 0`, legend: LEGEND },
      ]),
      lines(
        'Tasks that wait for memory',
        'bool_yes_no',
        'Groups that are out of memory with the OOM killer switched off.',
        [{ expr: top(groups('memory_under_oom')), legend: LEGEND, needs: 'v1' }],
      ),
      lines('Limit hits', 'cps', 'How often usage met the hard limit and pages had to be reclaimed.', [
        { expr: top(rate(groups('memory_limit_hits_total'))), legend: LEGEND },
      ]),
      lines(
        'Reclaim above memory.high',
        'cps',
        'How often tasks were throttled and made to reclaim, descendants included.',
        [{ expr: top(rate(groups('memory_high_events_total'))), legend: LEGEND, needs: 'v2' }],
      ),
      bars(
        'Closest to their memory limit',
        'percentunit',
        'Working set against the limit of the group itself.',
        { expr: top(`${workingSet(groups)} / (${limited(groups('memory_limit_bytes'))} > 0)`), legend: LEGEND },
        { max: 1 },
      ),
      lines(
        'Major faults',
        'cps',
        'Pages that had to be read back per second: thrashing when it goes with memory pressure.',
        [{ expr: top(rate(groups('memory_major_page_faults_total'))), legend: LEGEND }],
      ),
    ),
  ],
};
