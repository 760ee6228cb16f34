/** The tree as people see it, on the page and on a terminal: which rows, in which order. */
import type { Cell } from '../protocol/column.ts';
import type { LiveRow } from '../protocol/stream.ts';
import { Finder, type Match } from './fuzzy.ts';
import { figures, type Shape, shapeOf, type Table } from './table.ts';

export { Memory } from './memory.ts';
export { figures } from './table.ts';

/** Sorted by a column's metric, or by name where there is none. */
export interface Sort {
  readonly metric?: string | undefined;
  readonly descending: boolean;
}

export interface View {
  readonly sort: Sort;
  /** What people remember of a path or a name; empty shows all. */
  readonly filter: string;
  /** Ids whose children are hidden. */
  readonly folded: ReadonlySet<string>;
  /** Groups without children alone, beside one another. */
  readonly leaves?: boolean;
  /** Only these rows, and those above them. */
  readonly only?: ((at: number) => boolean) | undefined;
}

export interface Line {
  /** Index in the table's rows. */
  readonly at: number;
  readonly row: LiveRow;
  readonly level: number;
  /** Undefined without children. */
  readonly expanded: boolean | undefined;
  /** Shown only because something below it is looked for. */
  readonly context: boolean;
  /** What the filter found in {@link searched}. */
  readonly match: Match | undefined;
  /** From 1, among the siblings that are shown. */
  readonly position: number;
  readonly siblings: number;
}

/** Where a filter looks: the path, and the name behind it. */
export function searched({ id, name }: LiveRow): string {
  return name === undefined ? id : `${id} ${name}`;
}

const finder = new Finder();

/** Nothing below it is shown, something below it is, it was found by its letters, it was found. */
const HIDDEN = 0;
const CONTEXT = 1;
const LETTERS = 2;
const FOUND = 3;

/**
 * The visible lines, ancestors above their descendants whatever the sort: siblings are ordered by the highest (lowest) figure in
 * their subtrees, as they are shown, so that what looks equal keeps its place. What holds the filter as it was written comes first.
 * @param sorted the figures to sort by, where they are not the table's own
 */
export function linesOf(table: Table, view: View, sorted = ofTable(table, view.sort)): Line[] {
  const { rows } = table;
  const { sort, folded, leaves = false } = view;
  const shape = shapeOf(rows);
  const match = finder.matcher(view.filter);
  const grades = gradesOf(rows, shape, view, match);
  const compare = comparison(shape, rows, sort, sorted, grades, leaves);
  const lines: Line[] = [];
  const add = (siblings: readonly number[], level: number): void => {
    const shown = siblings.filter((at) => grades === undefined || grades[at] !== HIDDEN).sort(compare);
    for (const [i, at] of shown.entries()) {
      const row = rows[at];
      if (row === undefined) continue;
      const below = leaves ? [] : (shape.children[at] ?? []);
      // What is looked for must not hide.
      const open = grades !== undefined || !folded.has(row.id);
      lines.push({
        at,
        row,
        level,
        expanded: below.length === 0 ? undefined : open,
        context: grades?.[at] === CONTEXT,
        match: match?.(searched(row)),
        position: i + 1,
        siblings: shown.length,
      });
      if (open) add(below, level + 1);
    }
  };
  if (leaves) {
    const flat = rows.map((_, at) => at).filter((at) => shape.children[at]?.length === 0);
    add(grades === undefined ? flat : flat.filter((at) => grades[at] !== CONTEXT), 1);
  } else add(shape.tops, 1);
  return lines;
}

function ofTable(table: Table, { metric }: Sort): readonly Cell[] | undefined {
  return metric === undefined ? undefined : figures(table, metric);
}

/** What becomes of each row; undefined where all are shown. A row's grade is that of the best below it, for the order. */
function gradesOf(
  rows: readonly LiveRow[],
  { children }: Shape,
  { only, leaves }: View,
  match: ((text: string) => Match | undefined) | undefined,
): Uint8Array | undefined {
  if (match === undefined && only === undefined) return undefined;
  const grades = new Uint8Array(rows.length);
  for (const [at, row] of rows.entries()) {
    if (only !== undefined && !only(at)) continue;
    if (leaves && children[at]?.length !== 0) continue;
    const found = match?.(searched(row));
    if (match !== undefined && found === undefined) continue;
    grades[at] = found?.whole === false ? LETTERS : FOUND;
    for (let above = row.parent; above >= 0 && grades[above] === HIDDEN; above = rows[above]?.parent ?? -1)
      grades[above] = CONTEXT;
  }
  return grades;
}

function comparison(
  { place }: Shape,
  rows: readonly LiveRow[],
  { descending }: Sort,
  own: readonly Cell[] | undefined,
  grades: Uint8Array | undefined,
  leaves: boolean,
): (a: number, b: number) => number {
  const sign = descending ? -1 : 1;
  const byName = (a: number, b: number): number => (place[a] ?? 0) - (place[b] ?? 0);
  // Parents precede children, so backwards each row is done when its parent takes it in.
  const lift = (figures: Float64Array | Uint8Array): void => {
    if (leaves) return;
    for (let at = rows.length - 1; at > 0; at--) {
      const parent = rows[at]?.parent ?? -1;
      const figure = figures[at] ?? 0;
      if (parent >= 0 && figure > (figures[parent] ?? 0)) figures[parent] = figure;
    }
  };
  const best = grades && Uint8Array.from(grades);
  if (best) lift(best);
  const byGrade = (a: number, b: number): number => (best?.[b] ?? 0) - (best?.[a] ?? 0);
  if (own === undefined) return (a, b) => byGrade(a, b) || sign * byName(a, b);
  const weights = new Float64Array(rows.length);
  for (let at = 0; at < weights.length; at++) weights[at] = weight(own[at] ?? null);
  lift(weights);
  return (a, b) => byGrade(a, b) || sign * ((weights[a] ?? 0) - (weights[b] ?? 0)) || byName(a, b);
}

/** Absent is less than zero; differences that are not shown, beyond three digits, do not move rows. */
function weight(cell: Cell): number {
  if (cell === null) return -1;
  if (cell === 'max') return Number.MAX_VALUE;
  if (cell < 0.005) return 0;
  const unit = 10 ** (Math.floor(Math.log10(cell)) - 2);
  return Math.round(cell / unit) * unit;
}
