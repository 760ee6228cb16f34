/** The table that the stream keeps up to date. */
import type {
  BookmarkMessage,
  Cell,
  Change,
  DeltaMessage,
  LiveRow,
  SnapshotMessage,
  TableMessage,
} from '../protocol/stream.ts';

/** Groups and their figures at a moment. It is never changed: what comes is another table, which shares what is the same. */
export interface LiveTable {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly columns: readonly string[];
  readonly rows: readonly LiveRow[];
  /** By column, then by row: null is absent, "max" no limit. */
  readonly values: readonly (readonly Cell[])[];
  /** Of each row, how old its oldest figure is at least, in seconds. */
  readonly stale: readonly number[];
}

/** Follows one subscription's messages. */
export class LiveTree {
  #table: LiveTable | undefined;

  /** As of the last message; undefined before the first snapshot, and after a gap. */
  get table(): LiveTable | undefined {
    return this.#table;
  }

  /** @returns the table after a message; undefined where it is about a table other than this one: then ask for a snapshot */
  apply(message: TableMessage): LiveTable | undefined {
    if (message.type === 'snapshot') this.#table = tableOf(message);
    else if (this.#table?.seq !== message.after) this.#table = undefined;
    else this.#table = message.type === 'delta' ? changed(this.#table, message) : marked(this.#table, message);
    return this.#table;
  }

  /** Forgets the table. */
  clear(): void {
    this.#table = undefined;
  }
}

function tableOf({ seq, time, columns, rows, values, stale }: SnapshotMessage): LiveTable {
  return { seq, time, columns, rows, values, stale };
}

function marked(table: LiveTable, { seq, time }: BookmarkMessage): LiveTable {
  return { ...table, seq, time };
}

function changed(table: LiveTable, delta: DeltaMessage): LiveTable {
  const { seq, time, gone, rows: added, changed: facts } = delta;
  const stays = gone.length === 0 ? undefined : staying(table.rows.length, gone);
  let rows = stays === undefined ? table.rows : kept(table.rows, stays).map(reparented(stays));
  if (added.length > 0) rows = rows.concat(added);
  if (facts.length > 0) rows = withFacts(rows, facts);
  const column = <T>(old: readonly T[], change: Change<T>, absent: T): readonly T[] =>
    changedColumn(old, stays, rows.length, change, absent);
  return {
    seq,
    time,
    columns: table.columns,
    rows,
    values: table.values.map((old, at) => column<Cell>(old, delta.values[at] ?? null, null)),
    stale: column(table.stale, delta.stale, 0),
  };
}

/** Of each row its new place, -1 for none. */
function staying(length: number, gone: readonly number[]): Int32Array {
  const places = new Int32Array(length);
  for (const at of gone) places[at] = -1;
  let next = 0;
  for (let at = 0; at < length; at++) if (places[at] !== -1) places[at] = next++;
  return places;
}

function kept<T>(list: readonly T[], places: Int32Array): T[] {
  return list.filter((_, at) => places[at] !== -1);
}

function reparented(places: Int32Array): (row: LiveRow) => LiveRow {
  return (row) => {
    const parent = row.parent < 0 ? -1 : (places[row.parent] ?? -1);
    return parent === row.parent ? row : { ...row, parent };
  };
}

/** What is said now of a row replaces what was. */
function withFacts(rows: readonly LiveRow[], facts: DeltaMessage['changed']): readonly LiveRow[] {
  const next = [...rows];
  for (const { at, ...words } of facts) {
    const row = next[at];
    if (row === undefined) continue;
    const { frozen, populated, ...rest } = row;
    next[at] = { ...rest, ...words };
  }
  return next;
}

/** A column as it is now; the same list where nothing is different. */
function changedColumn<T>(
  old: readonly T[],
  stays: Int32Array | undefined,
  length: number,
  change: Change<T>,
  absent: T,
): readonly T[] {
  if (isWhole(change)) return change;
  if (change === null && stays === undefined && old.length === length) return old;
  const now = stays === undefined ? [...old] : kept(old, stays);
  while (now.length < length) now.push(absent);
  for (const [i, at] of change?.at.entries() ?? []) {
    const value = change?.to[i];
    if (value !== undefined && at < length) now[at] = value;
  }
  return now;
}

function isWhole<T>(change: Change<T>): change is readonly T[] {
  return Array.isArray(change);
}
