/** The charts of one group, derived from the declarations' `chart` word, and what has to be kept to draw the past. */
import { type ChartPart, charts } from '../controllers/charts.ts';
import type { Registry } from '../controllers/registry.ts';
import type { ChartInfo, PartInfo } from '../protocol/chart.ts';
import type { ColumnInfo } from '../protocol/stream.ts';
import { findColumn, viewColumns } from './columns.ts';

/** From top to bottom; parts in the order of declaration. */
export function chartsOf(registry: Registry): readonly ChartInfo[] {
  const parts = [
    ...registry.allStats().map(({ stat: { chart, name, label } }) => ({
      chart,
      source: { metric: name, ...(label !== undefined && { label }) },
    })),
    ...registry.allKnobs().map(({ knob: { chart, key } }) => ({ chart, source: { knob: key } })),
  ];
  return Object.entries(charts).map(([name, chart]) => ({
    name,
    ...chart,
    parts: parts.flatMap((part) => (part.chart?.on === name ? partOf(part.chart, part.source) : [])),
  }));
}

function partOf({ on, ...words }: ChartPart, source: Pick<PartInfo, 'metric' | 'knob' | 'label'>): PartInfo {
  return { ...words, ...source };
}

/** What the history keeps: the view's columns, and what is drawn on charts. */
export function historyColumns(registry: Registry): readonly ColumnInfo[] {
  const view = viewColumns(registry);
  const drawn = chartsOf(registry).flatMap(({ parts }) =>
    parts.flatMap(({ metric, per, less }) => [metric, per, less].filter((name) => name !== undefined)),
  );
  const kept = new Set(view.map(({ metric }) => metric));
  const more = [...new Set(drawn)].filter((name) => !kept.has(name));
  return [...view, ...more.flatMap((name) => findColumn(registry, name) ?? [])];
}
