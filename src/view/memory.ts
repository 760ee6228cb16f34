/** The tables of the last minutes: what a figure was a moment ago, and the whole table as it was. */
import type { Cell } from '../protocol/column.ts';
import type { Row } from '../protocol/snapshot.ts';
import { keyOf, shapeOf, type Table } from './table.ts';

/** How many tables a sparkline goes back. */
const MINUTE = 60;
/** How many are remembered. */
const REMEMBERED = 120;

/** Figures as they are kept: NaN is absent, Infinity no limit. */
interface Kept {
  readonly table: Omit<Table, 'values'>;
  readonly figures: readonly Float32Array[];
}

export class Memory {
  static readonly length = MINUTE;
  readonly #kept: Kept[] = [];
  /** The figures of the last table as they came: what did not change is kept once. */
  #last: readonly (readonly Cell[])[] = [];
  /** What was before the first table, by metric and group, oldest first. */
  readonly #before = new Map<string, Float32Array>();

  add({ values, ...table }: Table): void {
    const before = this.#kept.at(-1)?.figures ?? [];
    const figures = values.map((cells, column) => {
      const old = before[column];
      return old !== undefined && this.#last[column] === cells ? old : packed(cells);
    });
    this.#last = values;
    this.#kept.push({ table, figures });
    if (this.#kept.length > REMEMBERED) this.#kept.shift();
  }

  /** Oldest first, at most {@link Memory.length}; NaN where the group or the figure was not there. @param end the last moment, else now */
  trail(row: Row, metric: string, end = Number.POSITIVE_INFINITY): number[] {
    const key = keyOf(row);
    let last = this.#kept.length;
    while (last > 0 && (this.#kept[last - 1]?.table.time ?? 0) > end) last -= 1;
    // Most tables have the rows and the columns of the one before.
    let [at, column] = [-1, -1];
    let known: Kept['table'] | undefined;
    const shown = this.#kept.slice(Math.max(0, last - MINUTE), last).map(({ table, figures }) => {
      if (table.rows !== known?.rows) at = shapeOf(table.rows).index.get(key) ?? -1;
      if (table.columns !== known?.columns) column = table.columns.indexOf(metric);
      known = table;
      return figures[column]?.[at] ?? Number.NaN;
    });
    const before = this.#kept.length < MINUTE ? this.#before.get(`${metric} ${key}`) : undefined;
    return before === undefined ? shown : [...before.slice(shown.length), ...shown];
  }

  /** Whether it was asked for what was before the first table. */
  recalls(row: Row, metric: string): boolean {
    return this.#before.has(`${metric} ${keyOf(row)}`);
  }

  /** What was before the first table: {@link Memory.length} figures, oldest first. */
  recall(row: Row, metric: string, figures: Float32Array): void {
    this.#before.set(`${metric} ${keyOf(row)}`, figures);
  }

  /** The moments of the remembered tables, oldest first. */
  get times(): readonly number[] {
    return this.#kept.map(({ table }) => table.time);
  }

  /** The table of that moment. */
  at(time: number): Table | undefined {
    const kept = this.#kept.find(({ table }) => table.time === time);
    return kept && { ...kept.table, values: kept.figures.map(unpacked) };
  }
}

function packed(cells: readonly Cell[]): Float32Array {
  const figures = new Float32Array(cells.length);
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at];
    figures[at] = typeof cell === 'number' ? cell : cell === 'max' ? Number.POSITIVE_INFINITY : Number.NaN;
  }
  return figures;
}

function unpacked(figures: Float32Array): Cell[] {
  return Array.from(figures, (figure) =>
    Number.isNaN(figure) ? null : figure === Number.POSITIVE_INFINITY ? 'max' : figure,
  );
}
