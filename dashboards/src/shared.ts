/** What several boards show in the same way. */
import type { Annotation, Query, Threshold } from './grafana.ts';
import { type Expr, rate, type Select } from './promql.ts';

/** Warn and alarm, as the alerts do. */
export const thresholds = (warn: number, alarm: number): readonly Threshold[] => [
  { from: warn, colour: 'orange' },
  { from: alarm, colour: 'red' },
];

const RESOURCES = ['cpu', 'memory', 'io'] as const;
export type Resource = (typeof RESOURCES)[number];

/** Part of the time in which some, and in which all, of a group's tasks waited for a resource. */
export function pressure(of: Select, resource: Resource): { readonly some: Expr; readonly full: Expr } {
  return {
    some: rate(of(`pressure_${resource}_waiting_seconds_total`)),
    full: rate(of(`pressure_${resource}_stalled_seconds_total`)),
  };
}

export const pressureQueries = (of: Select, resource: Resource): readonly Query[] => {
  const { some, full } = pressure(of, resource);
  return [
    { expr: some, legend: 'some', colour: 'some', needs: 'unified' },
    { expr: full, legend: 'full', colour: 'full', needs: 'unified' },
  ];
};

export const PRESSURE_MEANS =
  'Some: part of the time in which at least one task waited. Full: in which all of them did, so that no work was done.';

/** OOM kills as the service saw them: kept for a while when the group is gone, unlike the kernel's own counter. */
export const oomKills = (of: Select): Expr => of('events_total', 'kind="oom_kill"');

export const oomAnnotation = (of: Select): Annotation => ({
  name: 'OOM kill',
  expr: `increase(${oomKills(of)}[$__rate_interval]) > 0`,
  text: '{{cgroup}}',
  colour: 'event',
});

/** What was changed, and when: each set of knobs that people change together is one annotation. */
export const changeAnnotations = (of: Select): readonly Annotation[] =>
  [
    { name: 'CPU quota', knobs: ['cpu_quota_seconds', 'cpu_period_seconds'] },
    { name: 'Memory limit', knobs: ['memory_limit_bytes'] },
    { name: 'Pids limit', knobs: ['pids_limit'] },
  ].map(({ name, knobs }) => ({
    name: `${name} changed`,
    expr: knobs.map((knob) => `changes(${of(knob)}[$__rate_interval]) > 0`).join(' or '),
    text: '{{cgroup}}',
    colour: 'change',
  }));
