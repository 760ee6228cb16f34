/** The table that the stream keeps, and what is known of its rows whatever the figures: children, order by name. */
import type { Cell } from '../protocol/column.ts';
import type { Row } from '../protocol/snapshot.ts';
import type { LiveRow } from '../protocol/stream.ts';

/** Columns of figures, by row. A table is never changed: what comes is another one. */
export interface Table {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly columns: readonly string[];
  readonly rows: readonly LiveRow[];
  readonly values: readonly (readonly Cell[])[];
  /** Of each row, how many seconds ago its oldest figure was read. */
  readonly stale?: readonly number[];
  /** Of rows that came or went lately, what happened to them. */
  readonly changes?: ReadonlyMap<number, Change>;
}

/** `gone`: its last figures are shown. `anew`: the path was another group before. */
export interface Change {
  readonly kind: 'gone' | 'anew' | 'new';
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** A column's figures, undefined where it was not sent. */
export function figures(
  { columns, values }: Pick<Table, 'columns' | 'values'>,
  metric: string,
): readonly Cell[] | undefined {
  return values[columns.indexOf(metric)];
}

/** A path that is deleted and created again is another group. */
export function keyOf({ id, generation }: Row): string {
  return `${generation} ${id}`;
}

export interface Shape {
  /** Of each row, its children's indices. */
  readonly children: readonly (readonly number[])[];
  /** Rows without a parent. */
  readonly tops: readonly number[];
  /** Of each row, its place among all by path. */
  readonly place: Int32Array;
  readonly index: ReadonlyMap<string, number>;
}

const shapes = new WeakMap<readonly Row[], Shape>();

/** What follows from the rows alone: groups come and go far more seldom than figures change. */
export function shapeOf(rows: readonly Row[]): Shape {
  let shape = shapes.get(rows);
  if (shape === undefined) {
    shape = measure(rows);
    shapes.set(rows, shape);
  }
  return shape;
}

function measure(rows: readonly Row[]): Shape {
  const children: number[][] = rows.map(() => []);
  const tops: number[] = [];
  for (const [at, { parent }] of rows.entries()) (children[parent] ?? tops).push(at);
  const place = new Int32Array(rows.length);
  const byPath = rows.map((_, at) => at).sort((a, b) => (idAt(rows, a) < idAt(rows, b) ? -1 : 1));
  for (const [at, row] of byPath.entries()) place[row] = at;
  return { children, tops, place, index: new Map(rows.map((row, at) => [keyOf(row), at])) };
}

function idAt(rows: readonly Row[], at: number): string {
  return rows[at]?.id ?? '';
}
