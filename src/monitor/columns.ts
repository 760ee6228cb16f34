/** The live view's columns, derived from the declarations' `column` word. */
import { alternatives, type Column, type Figure, type Source, type Stat } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import type { ColumnInfo } from '../protocol/column.ts';
import type { Snapshot } from '../protocol/snapshot.ts';

/** The columns of the live view, in the order of their ranks. */
export function viewColumns(registry: Registry): readonly ColumnInfo[] {
  const stats = registry.allStats().map(({ stat }) => ({ rank: stat.column?.rank, name: stat.name }));
  const figures = registry.allFigures().map(({ figure }) => ({ rank: figure.column?.rank, name: figure.name }));
  return [...stats, ...figures]
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
    .flatMap(({ name }) => findColumn(registry, name) ?? []);
}

/** Any stat or figure as a column: by its `column` word, else counters as rates and gauges as they are. Undefined for an unknown name. */
export function findColumn(registry: Registry, metric: string): ColumnInfo | undefined {
  const stat = registry.findStat(metric)?.stat;
  if (stat !== undefined) return columnOf(stat);
  const figure = registry.findFigure(metric)?.figure;
  return figure && columnOfFigure(registry, figure);
}

const computed = new WeakMap<Snapshot, Map<string, Float64Array | undefined>>();

/**
 * A column's figures in a snapshot, a row each; keyed stats are summed over their label. Undefined where this host has no
 * source for the metric. The same array is handed out for the same snapshot: do not write to it.
 */
export function figuresOf(
  snapshot: Snapshot,
  { metric, rate, made }: Pick<ColumnInfo, 'metric' | 'rate' | 'made'>,
): Float64Array | undefined {
  if (made === undefined && rate) return snapshot.rates.get(metric);
  const column = snapshot.columns.get(metric);
  if (column !== undefined) return column;
  const ready = computed.get(snapshot) ?? new Map<string, Float64Array | undefined>();
  computed.set(snapshot, ready);
  if (!ready.has(metric)) {
    const keyed = snapshot.keyed.get(metric);
    ready.set(metric, made ? figuresMade(snapshot, made) : keyed && rowSums(keyed, snapshot.rows.length));
  }
  return ready.get(metric);
}

function figuresMade(
  snapshot: Snapshot,
  { of, less, per, rate }: NonNullable<ColumnInfo['made']>,
): Float64Array | undefined {
  const figures = figuresOf(snapshot, { metric: of, rate });
  const others = figuresOf(snapshot, { metric: less ?? per ?? '', rate });
  if (figures === undefined || others === undefined) return undefined;
  return figures.map((figure, row) => {
    const other = others[row] ?? Number.NaN;
    if (less !== undefined) return Math.max(0, figure - other);
    return other > 0 ? figure / other : Number.NaN;
  });
}

const own = new WeakMap<Snapshot, Map<string, Float64Array | undefined>>();

/**
 * A column's figures of groups without those below them: what is counted over subtrees less the children's, never below 0.
 * Ratios do not add up: of a group with children nothing is known. The same array is handed out for the same snapshot.
 */
export function ownFiguresOf(snapshot: Snapshot, column: ColumnInfo): Float64Array | undefined {
  if (column.local) return figuresOf(snapshot, column);
  const ready = own.get(snapshot) ?? new Map<string, Float64Array | undefined>();
  own.set(snapshot, ready);
  if (!ready.has(column.metric)) ready.set(column.metric, withoutChildren(snapshot, column));
  return ready.get(column.metric);
}

function withoutChildren(snapshot: Snapshot, column: ColumnInfo): Float64Array | undefined {
  const figures = figuresOf(snapshot, column);
  const rest = figures?.slice();
  if (figures === undefined || rest === undefined) return undefined;
  const ratio = column.show === 'ratio';
  for (const [at, { parent }] of snapshot.rows.entries()) {
    const figure = ratio ? Number.NaN : (figures[at] ?? Number.NaN);
    if (parent >= 0 && (ratio || Number.isFinite(figure))) rest[parent] = (rest[parent] ?? Number.NaN) - figure;
  }
  // Children are read a moment later.
  return rest.map((figure) => Math.max(0, figure));
}

/** A keyed column summed over its label; NaN for rows that have no figure. */
export function rowSums(
  { row, value }: { readonly row: ArrayLike<number>; readonly value: ArrayLike<number> },
  rows: number,
): Float64Array {
  const sums = new Float64Array(rows).fill(Number.NaN);
  for (let at = 0; at < row.length; at++) {
    const to = row[at] ?? -1;
    const sum = sums[to] ?? Number.NaN;
    sums[to] = (Number.isNaN(sum) ? 0 : sum) + (value[at] ?? Number.NaN);
  }
  return sums;
}

function columnOf({ name, kind, unit, help, role, limit, column, v1, v2 }: Stat): ColumnInfo {
  const show =
    column?.show ?? (unit === 'bytes' ? 'bytes' : unit === 'ratio' ? 'ratio' : kind === 'counter' ? 'rate' : 'count');
  const sources: readonly Source[] = [...alternatives(v1), ...alternatives(v2)];
  return {
    metric: name,
    title: column?.title ?? name,
    show: show === 'bytes' && kind === 'counter' ? 'bytes/s' : show,
    // A count that is shown as such (kills so far) stays one.
    rate: kind === 'counter' && show !== 'count',
    help,
    ...(role && { role }),
    ...(limit && { limit }),
    ...(sources.every(({ extent }) => extent === 'local') && { local: true }),
    ...words(column),
  };
}

/** What is made of counters is made of their rates. */
function columnOfFigure(registry: Registry, { name, help, of, less, per, limit, column }: Figure): ColumnInfo {
  const stat = registry.findStat(of)?.stat;
  const from = stat && columnOf(stat);
  return {
    metric: name,
    title: column?.title ?? name,
    show: column?.show ?? 'count',
    rate: false,
    help,
    ...(from?.role && { role: from.role }),
    ...(limit && { limit }),
    ...(from?.local && { local: true }),
    made: { of, ...(less && { less }), ...(per && { per }), rate: from?.rate ?? false },
    ...words(column),
  };
}

/** What a column says beside its title. */
function words({ title, show, rank, ...rest }: Partial<Column> = {}): Partial<ColumnInfo> {
  return rest;
}
