/** Rows that came and went: those that are gone stay for a minute, so that people see where they were. */
import type { Cell } from '../protocol/column.ts';
import type { LiveRow } from '../protocol/stream.ts';
import { type Change, keyOf, shapeOf, type Table } from './table.ts';

/** How long it is told. */
export const TOLD_MS = 60_000;

interface Gone {
  readonly row: LiveRow;
  readonly parent: string | undefined;
  readonly cells: readonly Cell[];
  readonly columns: readonly string[];
  readonly time: number;
}

export class Lately {
  #last: Table | undefined;
  #gone: Gone[] = [];
  /** By key. */
  readonly #came = new Map<string, Change>();
  #rows:
    | { readonly of: readonly LiveRow[]; readonly gone: readonly Gone[]; readonly all: readonly LiveRow[] }
    | undefined;

  /** The table with what became of rows, and those behind the others that are gone. */
  add(table: Table): Table {
    const last = this.#last;
    this.#last = table;
    if (last !== undefined && last.rows !== table.rows) this.#compare(last, table);
    this.#forget(table.time);
    return this.#told(table);
  }

  #compare(last: Table, next: Table): void {
    const [before, after] = [shapeOf(last.rows).index, shapeOf(next.rows).index];
    const paths = new Set([...last.rows, ...this.#gone.map(({ row }) => row)].map(({ id }) => id));
    for (const row of next.rows) {
      const key = keyOf(row);
      if (before.has(key)) continue;
      this.#came.set(key, { kind: paths.has(row.id) ? 'anew' : 'new', time: next.time });
    }
    // A group that is back is not gone; a path that is another group now shows that one.
    const here = new Set(next.rows.map(({ id }) => id));
    this.#gone = this.#gone.filter(({ row }) => !here.has(row.id));
    for (const [at, row] of last.rows.entries()) {
      if (after.has(keyOf(row)) || here.has(row.id)) continue;
      this.#came.delete(keyOf(row));
      this.#gone.push({
        row,
        parent: last.rows[row.parent]?.id,
        cells: last.values.map((cells) => cells[at] ?? null),
        columns: last.columns,
        time: next.time,
      });
    }
  }

  #forget(now: number): void {
    if (this.#gone.some(({ time }) => now - time > TOLD_MS))
      this.#gone = this.#gone.filter(({ time }) => now - time <= TOLD_MS);
    for (const [key, { time }] of this.#came) if (now - time > TOLD_MS) this.#came.delete(key);
  }

  #told(table: Table): Table {
    if (this.#gone.length === 0 && this.#came.size === 0) return table;
    const { index } = shapeOf(table.rows);
    const changes = new Map<number, Change>();
    for (const [key, change] of this.#came) {
      const at = index.get(key);
      if (at !== undefined) changes.set(at, change);
    }
    if (this.#gone.length === 0) return { ...table, changes };
    for (const [i, { time }] of this.#gone.entries()) changes.set(table.rows.length + i, { kind: 'gone', time });
    const values = table.values.map((cells, column) => {
      const metric = table.columns[column] ?? '';
      return [...cells, ...this.#gone.map((gone) => gone.cells[gone.columns.indexOf(metric)] ?? null)];
    });
    const stale = table.stale && [...table.stale, ...this.#gone.map(() => 0)];
    return { ...table, rows: this.#withGone(table.rows), values, changes, ...(stale && { stale }) };
  }

  /** The same array as long as nothing comes or goes: what is known of the rows stays known. */
  #withGone(rows: readonly LiveRow[]): readonly LiveRow[] {
    if (
      this.#rows?.of !== rows ||
      this.#rows.gone !== this.#gone ||
      this.#rows.all.length !== rows.length + this.#gone.length
    ) {
      const places = new Map([...rows, ...this.#gone.map(({ row }) => row)].map(({ id }, at) => [id, at]));
      const gone = this.#gone.map(({ row, parent }) => ({ ...row, parent: places.get(parent ?? '') ?? -1 }));
      this.#rows = { of: rows, gone: this.#gone, all: [...rows, ...gone] };
    }
    return this.#rows.all;
  }
}
