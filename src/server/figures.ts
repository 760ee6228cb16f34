/** A snapshot's figures for the API: rows as objects, absent figures left out, no limit as "max". */
import type { Registry } from '../controllers/registry.ts';
import { defaultColumns } from '../exporters/stream.ts';
import { figuresOf } from '../monitor/columns.ts';
import type { PastTable, Series } from '../monitor/history.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import type { PastSeries } from '../protocol/stream.ts';

type Figure = number | 'max';

export interface ListQuery {
  /** Only groups whose path begins with it. */
  readonly prefix: string;
  readonly limit: number;
}

/** The groups with the view's figures; counters per second. `total` counts those beyond the limit too. */
export function listGroups(snapshot: Snapshot, registry: Registry, { prefix, limit }: ListQuery) {
  const columns = defaultColumns(registry).map(({ metric, rate }) => ({
    name: rate ? `${metric}/s` : metric,
    figures: figuresOf(snapshot, { metric, rate }),
  }));
  const found = [...snapshot.rows.entries()].filter(([, { id }]) => id.startsWith(prefix));
  const cgroups = found.slice(0, limit).map(([at, { id, generation, depth }]) => ({
    id,
    generation,
    depth,
    figures: object(columns.map(({ name, figures }) => [name, figures?.[at]])),
  }));
  return { seq: snapshot.seq, time: snapshot.time, total: found.length, cgroups };
}

/** All that was measured of one group, by metric; figures with a label by its value. Undefined where the snapshot lacks the group. */
export function statsOf(snapshot: Snapshot, id: string) {
  const at = snapshot.rows.findIndex((row) => row.id === id);
  const row = snapshot.rows[at];
  if (row === undefined) return undefined;
  const plain = object([...snapshot.columns].map(([name, figures]) => [name, figures[at]]));
  const keyed = [...snapshot.keyed].flatMap(([name, { row: rows, label, value }]) => {
    const own = object(label.flatMap((text, i) => (rows[i] === at ? [[text, value[i]] as const] : [])));
    return Object.keys(own).length > 0 ? [[name, own] as const] : [];
  });
  return { generation: row.generation, time: snapshot.time, stats: { ...plain, ...Object.fromEntries(keyed) } };
}

/** Series as JSON: a point is its span in milliseconds since the epoch, then minimum, mean and maximum. */
export function pastOf(series: readonly Series[]): readonly PastSeries[] {
  return series.map(({ points, ...rest }) => ({
    ...rest,
    points: points.map(({ from, to, min, mean, max }) => [from, to, figureOf(min), figureOf(mean), figureOf(max)]),
  }));
}

/** A table of the past as JSON, in the shape of the stream's snapshots; `from` is where its span begins. */
export function pastTableOf({ from, to, rows, columns, values }: PastTable) {
  const figures = values.map((column) =>
    Array.from(column, (value) => (Number.isNaN(value) ? null : figureOf(Math.round(value * 1e4) / 1e4))),
  );
  return { from, time: to, rows, columns, values: figures };
}

function figureOf(value: number): Figure {
  return Number.isFinite(value) ? value : 'max';
}

function object(entries: readonly (readonly [string, number | undefined])[]): Record<string, Figure> {
  const there = entries.flatMap(([name, value]): [string, Figure][] => {
    if (value === undefined || Number.isNaN(value)) return [];
    return [[name, figureOf(value)]];
  });
  return Object.fromEntries(there);
}
