/** Asks a Prometheus everything that the boards ask, with their variables filled in as Grafana would. */
import assert from 'node:assert/strict';
import * as z from 'zod';
import type { Board, Needs, Variable } from '../../dashboards/src/grafana.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { candidates } from '../../src/hierarchy/locate.ts';
import type { Layout } from '../../src/hierarchy/types.ts';
import { metricsIn } from '../dashboards/metrics.ts';
import type { Prometheus } from './prometheus.ts';

/** Grafana's step for the panels, and its least for annotations, in s. */
const STEP = 5;
const ANNOTATION_STEP = 60;
const SCRAPE_INTERVAL = 1;

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One query of a board, in words and as it is sent. */
export interface Asked {
  readonly where: string;
  readonly expr: string;
  readonly needs: Needs | undefined;
}

/** A value, or several where the variable allows it, by the variable's name. */
export type Chosen = Readonly<Record<string, string | readonly string[]>>;

export function queriesOf(board: Board, chosen: Chosen, { start, end }: Span): readonly Asked[] {
  const fill = (expr: string, step: number): string => {
    const filled = board.variables.reduce((text, { name, multi }) => {
      const value = chosen[name];
      assert.ok(value !== undefined && (typeof value === 'string' || multi), `a value for ${name}`);
      return text.replaceAll(`$${name}`, interpolated(value));
    }, expr);
    return filled
      .replaceAll('$__rate_interval', `${Math.max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)}s`)
      .replaceAll('$__range', `${Math.ceil(end - start)}s`);
  };
  return [
    ...board.annotations.map(({ name, expr, needs }) => ({
      where: `${board.title} / annotation ${name}`,
      expr: fill(expr, ANNOTATION_STEP),
      needs,
    })),
    ...board.rows.flatMap(({ panels }) =>
      panels.flatMap(({ title, queries }) =>
        queries.map(({ legend, expr, needs }) => ({
          where: `${board.title} / ${title} / ${legend}`,
          expr: fill(expr, STEP),
          needs,
        })),
      ),
    ),
  ];
}

/** What Grafana offers for a variable. */
export async function choicesOf(prometheus: Prometheus, { type, query }: Variable, chosen: Chosen): Promise<string[]> {
  if (type === 'custom') return query.split(',').map((choice) => choice.split(' : ')[1] ?? choice);
  const [, metric = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
  const match = Object.entries(chosen).reduce(
    (text, [name, value]) => text.replaceAll(`$${name}`, interpolated(value)),
    metric,
  );
  return z.array(z.string()).parse(await prometheus.ask(`label/${label}/values`, { 'match[]': match }));
}

/** A text in a PromQL string, several as a regular expression: Grafana's prometheusRegularEscape and prometheusSpecialRegexEscape. */
function interpolated(value: string | readonly string[]): string {
  if (typeof value === 'string') return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const escaped = value.map((each) => each.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&'));
  return `(${escaped.join('|')})`;
}

/** Whether it had data at some time in the span. */
export async function hasData(prometheus: Prometheus, { expr }: Asked, { start, end }: Span): Promise<boolean> {
  const series = await prometheus.range(expr, start, end, STEP);
  return series.some(({ values }) => values.some(({ value }) => !Number.isNaN(value)));
}

/** Metrics of a query that this host has no place for. */
export function absentHere(layout: Layout, expr: string): readonly string[] {
  return metricsIn(expr).filter((metric) => {
    const entry = defaultRegistry.findStat(metric.replace(/^cgroup_/, ''));
    return (
      metric.startsWith('cgroup_') &&
      entry !== undefined &&
      candidates(layout, entry.controller, entry.stat).length === 0
    );
  });
}
