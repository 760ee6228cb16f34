/** PromQL as the boards write it: native metric names, matchers of the board's variables, Grafana's own interval. */

/** Text of PromQL. */
export type Expr = string;

/** A metric of the groups that a board is about. @param name without `cgroup_` @param more further matchers, `kind="oom_kill"` */
export type Select = (name: string, ...more: readonly string[]) => Expr;

export function selector(...matchers: readonly string[]): Select {
  return (name, ...more) => `cgroup_${name}{${[...matchers, ...more].join(',')}}`;
}

/** Per second, over an interval that always holds enough scrapes. */
export const rate = (counter: Expr): Expr => `rate(${counter}[$__rate_interval])`;

/** How much a counter grew over the time range that the board shows. */
export const grownInRange = (counter: Expr): Expr => `increase(${counter}[$__range])`;

/** Only where there is a limit: none is +Inf, which no axis can show. */
export const limited = (limit: Expr): Expr => `(${limit} < +Inf)`;

export const sumBy = (labels: string, vector: Expr): Expr => `sum by (${labels}) (${vector})`;

/** The `$top` largest. */
export const top = (vector: Expr): Expr => `topk($top, ${vector})`;

/** CPUs that the quota allows, where there is one. */
export const quotaCores = (of: Select): Expr => limited(`${of('cpu_quota_seconds')} / ${of('cpu_period_seconds')}`);

/** Part of the bandwidth periods in which the quota ran out. Groups without a quota have no periods. */
export const throttledRatio = (of: Select): Expr =>
  `${rate(of('cpu_throttled_periods_total'))} / (${rate(of('cpu_periods_total'))} > 0)`;

/** Memory that reclaim cannot take back at once: what is close to an OOM kill when it is close to the limit. */
export const workingSet = (of: Select): Expr =>
  `clamp_min(${of('memory_usage_bytes')} - ${of('memory_inactive_file_bytes')}, 0)`;
