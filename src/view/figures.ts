/** What is shown of a table: figures of subtrees or of groups alone, what happened lately, and what is wrong. */
import type { Cell, ColumnInfo } from '../protocol/column.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import { shapeOf, type Table } from './table.ts';

/** Figures of whole subtrees, or of each group without those below it. */
export type Extent = 'rollup' | 'self';

/** How long what happened counts as lately. */
export const LATELY_MS = 15 * 60_000;

/** Since when a group exists: known of the row, not measured. */
export const AGE: ColumnInfo = {
  metric: 'age',
  title: 'Age',
  show: 'age',
  rate: false,
  help: 'Since when the group exists',
};

/** What is wrong now, and what is nearly so. */
export type Level = 'near' | 'bad' | undefined;

/** The columns to show: what is told beside others is drawn within theirs. */
export function shownColumns(columns: readonly ColumnInfo[]): readonly ColumnInfo[] {
  const within = new Set(
    columns.flatMap(({ limit, worse, marks = [] }) => [limit, worse, ...marks.map((m) => m.metric)]),
  );
  return [...columns.filter(({ metric }) => !within.has(metric)), AGE];
}

/** @param share of the limit, where there is one */
export function levelOf(
  { alarm, worse: worseOf, limit }: ColumnInfo,
  cell: Cell,
  share: number | undefined,
  worse: Cell = null,
): Level {
  if (alarm === undefined) return undefined;
  const figure = worseOf !== undefined ? worse : limit !== undefined ? (share ?? null) : cell;
  if (typeof figure !== 'number') return undefined;
  return figure >= alarm.bad ? 'bad' : figure >= alarm.near ? 'near' : undefined;
}

/** A figure's share of its limit; undefined where there is none. */
export function shareOf(cell: Cell, limit: Cell): number | undefined {
  return typeof cell === 'number' && typeof limit === 'number' && limit > 0 ? cell / limit : undefined;
}

/** From so many events on, old ones are dropped. */
const MOST_EVENTS = 10_000;

/** What happened in the last minutes, by kind and group. */
export class Happenings {
  /** By number: one that is told twice is one. */
  readonly #events = new Map<number, CgroupEvent>();

  add(event: CgroupEvent): void {
    this.#events.set(event.seq, event);
    if (this.#events.size > MOST_EVENTS) this.#forget(event.time);
  }

  /** The history goes as far back; what was before it is asked for by nobody. */
  #forget(now: number): void {
    for (const [seq, { time }] of this.#events) if (time < now - 2 * LATELY_MS) this.#events.delete(seq);
  }

  /** How often it happened in each group, in the time before a moment. */
  counts(kind: string, until: number): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { kind: other, time, cgroup, count = 1 } of this.#events.values())
      if (other === kind && time <= until && time > until - LATELY_MS)
        counts.set(cgroup, (counts.get(cgroup) ?? 0) + count);
    return counts;
  }
}

/** The figures of one table; what all rows need is reckoned once, when it is first asked for. */
export class Figures {
  readonly table: Table;
  readonly extent: Extent;
  readonly #happenings: Happenings;
  readonly #cells: ReadonlyMap<string, readonly Cell[]>;
  readonly #all = new Map<string, readonly Cell[]>();
  readonly #counts = new Map<string, ReadonlyMap<string, number>>();
  readonly #judgements = new Map<ColumnInfo, (at: number) => Level>();

  constructor(table: Table, extent: Extent = 'rollup', happenings = new Happenings()) {
    this.table = table;
    this.extent = extent;
    this.#happenings = happenings;
    this.#cells = new Map(table.columns.map((metric, at) => [metric, table.values[at] ?? []]));
  }

  /** The figure that is shown for a row. */
  cell(column: ColumnInfo, at: number): Cell {
    if (column === AGE) return this.#age(at);
    if (column.event !== undefined) return this.#lately(column.event, column.metric, at);
    return this.extent === 'self' ? this.#self(column, at) : this.#rollup(column, at);
  }

  /** What is told beside a column: its limit, a mark, its worse part. These are always of the whole subtree. */
  beside(metric: string | undefined, at: number): Cell {
    return metric === undefined ? null : this.#sent(metric, at);
  }

  /** A column's figures as they are shown, for sorting. */
  all(column: ColumnInfo): readonly Cell[] {
    let all = this.#all.get(column.metric);
    if (all === undefined) {
      const sent = this.#cells.get(column.metric);
      const asSent = sent !== undefined && column.event === undefined && this.extent === 'rollup' && !adds(column);
      all = asSent ? sent : this.table.rows.map((_, at) => this.cell(column, at));
      this.#all.set(column.metric, all);
    }
    return all;
  }

  /** Whether something is wrong with a group, whatever figures are shown of it. */
  level(column: ColumnInfo, at: number): Level {
    if (column.alarm === undefined || this.table.changes?.get(at)?.kind === 'gone') return undefined;
    return this.#judgement(column)(at);
  }

  /** Of each row, 1 where something is wrong with it now. */
  troubled(columns: readonly ColumnInfo[]): Uint8Array {
    const { rows, changes } = this.table;
    const wrong = new Uint8Array(rows.length);
    for (const column of columns) {
      if (column.alarm === undefined) continue;
      const judge = this.#judgement(column);
      for (let at = 0; at < wrong.length; at++) if (judge(at) === 'bad') wrong[at] = 1;
    }
    for (const [at, { kind }] of changes ?? []) if (kind === 'gone') wrong[at] = 0;
    return wrong;
  }

  /** What a column's figures are judged by is looked up once for all rows. */
  #judgement(column: ColumnInfo): (at: number) => Level {
    let judge = this.#judgements.get(column);
    if (judge === undefined) {
      judge = column.event === undefined ? this.#byFigures(column) : this.#byEvents(column, column.event);
      this.#judgements.set(column, judge);
    }
    return judge;
  }

  #byFigures(column: ColumnInfo): (at: number) => Level {
    const [cells, limits, worse] = [column.metric, column.limit, column.worse].map((metric = '') =>
      this.#cells.get(metric),
    );
    return (at) => {
      const cell = cells?.[at] ?? null;
      return levelOf(column, cell, shareOf(cell, limits?.[at] ?? null), worse?.[at] ?? null);
    };
  }

  #byEvents(column: ColumnInfo, kind: string): (at: number) => Level {
    if (this.#counted(kind).size === 0) return () => levelOf(column, 0, undefined);
    return (at) => levelOf(column, this.#count(kind, at), undefined);
  }

  #sent(metric: string, at: number): Cell {
    return this.#cells.get(metric)?.[at] ?? null;
  }

  #age(at: number): Cell {
    const created = this.table.rows[at]?.created;
    return created === undefined ? null : Math.max(0, this.table.time - created) / 1000;
  }

  /** What is counted in groups alone is added up, where sums mean something. */
  #rollup(column: ColumnInfo, at: number): Cell {
    const own = this.#sent(column.metric, at);
    return adds(column) ? this.#below(at).reduce((sum, child) => plus(sum, this.#rollup(column, child)), own) : own;
  }

  /** What is counted over subtrees, less the children's. Waiting times do not add up: nothing is known of the group alone. */
  #self(column: ColumnInfo, at: number): Cell {
    const own = this.#sent(column.metric, at);
    if (column.local || typeof own !== 'number') return own;
    const below = this.#below(at);
    if (below.length === 0) return own;
    if (column.show === 'ratio') return null;
    const rest = below.reduce((sum, child) => {
      const cell = this.#sent(column.metric, child);
      return typeof cell === 'number' ? sum - cell : sum;
    }, own);
    return Math.max(0, rest);
  }

  #lately(kind: string, metric: string, at: number): Cell {
    const id = this.table.rows[at]?.id ?? '';
    const prefix = id === '/' ? id : `${id}/`;
    let count = this.#count(kind, at);
    if (this.extent === 'rollup')
      for (const [other, n] of this.#counted(kind)) if (other !== id && other.startsWith(prefix)) count += n;
    return count === 0 && this.#sent(metric, at) === null ? null : count;
  }

  #count(kind: string, at: number): number {
    return this.#counted(kind).get(this.table.rows[at]?.id ?? '') ?? 0;
  }

  #counted(kind: string): ReadonlyMap<string, number> {
    let counts = this.#counts.get(kind);
    if (counts === undefined) {
      counts = this.#happenings.counts(kind, this.table.time);
      this.#counts.set(kind, counts);
    }
    return counts;
  }

  /** Those that are there: what is gone is no part of its parent any more. */
  #below(at: number): readonly number[] {
    const { rows, changes } = this.table;
    const children = shapeOf(rows).children[at] ?? [];
    return changes === undefined ? children : children.filter((child) => changes.get(child)?.kind !== 'gone');
  }
}

/** Whether its figures have to be added up over a subtree: they are counted in groups alone. */
function adds({ local, show, made }: ColumnInfo): boolean {
  return local === true && show !== 'ratio' && made === undefined;
}

function plus(sum: Cell, other: Cell): Cell {
  return typeof other !== 'number' ? sum : typeof sum === 'number' ? sum + other : other;
}
