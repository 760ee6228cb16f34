/** Which columns a terminal has room for, and how wide each is. Pure. */
import type { ColumnInfo, Show } from '../../protocol/column.ts';
import { textWidth } from '../width.ts';

/** Narrower than this the table would be no table. */
export const LEAST_COLUMNS = 80;

/** What a figure needs; with a limit, as much again and a slash. */
const FIGURE: Readonly<Record<Show, number>> = {
  cores: 5,
  bytes: 5,
  'bytes/s': 5,
  count: 5,
  rate: 5,
  ratio: 5,
  age: 5,
};
/** So much for the last minute. */
const SPARK = 15;
const BAR = 8;
const GAP = 1;

/** What is told first where not all has room, by what it measures; the rest follows as declared. */
const FIRST = [
  'cpu.usage',
  'cpu.throttled',
  'memory.usage',
  'pressure.cpu',
  'pressure.memory',
  'pressure.io',
  'pids.current',
  // From here on the last minute of the sorted column comes first.
  'io.read.bytes',
  'io.write.bytes',
  'oom.kills',
  'memory.swap',
];
const ESSENTIAL = FIRST.indexOf('pids.current');

export interface Placed {
  readonly column: ColumnInfo;
  readonly figure: number;
  /** Room for the limit, 0 for none; so for the others. */
  readonly limit: number;
  readonly bar: number;
  readonly spark: number;
}

export interface Layout {
  readonly name: number;
  readonly placed: readonly Placed[];
}

/** @param sorted the metric that is sorted by: it is always shown, and with the last minute where there is room */
export function layOut(columns: readonly ColumnInfo[], width: number, sorted: string | undefined): Layout {
  const least = 24 + Math.max(0, Math.floor((width - LEAST_COLUMNS) / 5));
  let free = width - least;
  const placed = new Map<ColumnInfo, Placed>();
  const take = (columnsNeeded: number): boolean => {
    if (columnsNeeded > free) return false;
    free -= columnsNeeded;
    return true;
  };
  let spark: boolean | undefined;
  for (const column of inOrder(columns, sorted)) {
    if (rankOf(column, sorted) > ESSENTIAL) spark ??= take(SPARK + GAP);
    const figure = Math.max(FIGURE[column.show], textWidth(briefTitle(column)) + (column.metric === sorted ? 1 : 0));
    // "of max" belongs to bytes; a count says enough without.
    const limit = column.limit !== undefined && column.show === 'bytes' ? FIGURE.bytes + 1 : 0;
    if (!take(GAP + figure + limit)) break;
    placed.set(column, { column, figure, limit, bar: 0, spark: 0 });
  }
  const widen = (wanted: (one: Placed) => boolean, more: Partial<Placed>, columnsNeeded: number): void => {
    for (const [column, one] of placed) if (wanted(one) && take(columnsNeeded)) placed.set(column, { ...one, ...more });
  };
  if (spark) widen(({ column }) => column.metric === sorted, { spark: SPARK }, 0);
  widen(
    ({ column, limit }) => column.limit !== undefined && limit === 0,
    { limit: FIGURE.count + 1 },
    FIGURE.count + 1,
  );
  widen(({ column }) => column.limit !== undefined && column.show === 'bytes', { bar: BAR }, BAR + GAP);
  return { name: least + free, placed: columns.flatMap((column) => placed.get(column) ?? []) };
}

/** A column's title where there is little room. */
export function briefTitle({ brief, title }: ColumnInfo): string {
  return brief ?? title;
}

function inOrder(columns: readonly ColumnInfo[], sorted: string | undefined): readonly ColumnInfo[] {
  return [...columns].sort((a, b) => rankOf(a, sorted) - rankOf(b, sorted));
}

function rankOf({ metric, role = '' }: ColumnInfo, sorted: string | undefined): number {
  if (metric === sorted) return -1;
  const at = FIRST.indexOf(role);
  return at < 0 ? FIRST.length : at;
}
