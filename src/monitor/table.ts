/**
 * The figures of all rows by column, carried on from look to look: what is not read again stays as it was. What a snapshot has
 * been given is never written again: all is copied before the first change of a round.
 */
import type { KeyedColumn } from '../protocol/snapshot.ts';
import type { Batch } from './batch.ts';
import { rowSums } from './columns.ts';
import type { Slices } from './pause.ts';
import type { Programme } from './programme.ts';

/** Rates span at least this, so that a look right after another one does not make them noise. */
const SHORTEST_RATE_SECONDS = 0.2;

/** So many are taken in between two looks at the clock. */
const FILES_A_SLICE = 256;

/** The counters in a file: their place among all, and their values. */
type Counters = readonly { readonly place: number; readonly values: Float64Array; readonly summed: boolean }[];

const NONE = new Float64Array(0);
const NO_FIGURES: KeyedColumn = { row: new Int32Array(0), label: [], value: NONE };

export class Table {
  readonly #programme: Programme;
  /** Of each of the programme's columns, its place among those without labels, and among the counters; -1 for neither. */
  readonly #plainAt: readonly number[];
  readonly #counterAt: readonly number[];
  #plain: Block;
  /** Counters' changes per second; what they are counted from, and when that was read. */
  #rates: Block;
  #bases: Block;
  #since: Block;
  /** By the programme's columns; undefined for those without labels. */
  readonly #keyed: (KeyedColumn | undefined)[];
  #rows = 0;
  /** A snapshot has the blocks. */
  #shared = false;

  constructor(programme: Programme) {
    this.#programme = programme;
    const { columns } = programme;
    this.#plainAt = places(columns.map(({ label }) => label === undefined));
    this.#counterAt = places(columns.map(({ stat }) => stat.kind === 'counter'));
    this.#keyed = columns.map(({ label }) => (label === undefined ? undefined : NO_FIGURES));
    this.#plain = new Block(Math.max(-1, ...this.#plainAt) + 1, 0);
    const counters = Math.max(-1, ...this.#counterAt) + 1;
    this.#rates = new Block(counters, 0);
    this.#bases = new Block(counters, 0);
    this.#since = new Block(counters, 0);
  }

  get rows(): number {
    return this.#rows;
  }

  /** By the programme's columns, for a batch to write to; undefined for those with labels. */
  writable(): readonly (Float64Array | undefined)[] {
    if (this.#shared) {
      this.#plain = this.#plain.copy();
      this.#rates = this.#rates.copy();
      this.#shared = false;
    }
    return this.#plainAt.map((place) => this.#plain.columns[place]);
  }

  /** A column as it is now; empty for one with labels and for one that is none. */
  column(at: number): Float64Array {
    return this.#plain.columns[this.#plainAt[at] ?? -1] ?? NONE;
  }

  /** Other rows, or the same in another order. @param from of each new row, which one it was; -1 for none */
  rearrange(from: Int32Array): void {
    const to = new Int32Array(this.#rows).fill(-1);
    for (let row = 0; row < from.length; row++) if ((from[row] ?? -1) >= 0) to[from[row] ?? -1] = row;
    for (const [at, keyed] of this.#keyed.entries()) {
      if (keyed !== undefined) this.#keyed[at] = merged(from.length, keyed, to, NO_FIGURES);
    }
    this.#plain = this.#plain.rearranged(from);
    this.#rates = this.#rates.rearranged(from);
    this.#bases = this.#bases.rearranged(from);
    this.#since = this.#since.rearranged(from);
    this.#rows = from.length;
    this.#shared = false;
  }

  /** Takes in a batch that was read to the columns of {@link writable}. @param found its figures with labels */
  async absorb(batch: Batch, found: ReadonlyMap<number, KeyedColumn>, slices: Slices): Promise<void> {
    const { steps } = batch;
    const sums = await this.#merge(batch, found, slices);
    const counters = this.#programme.steps.map(({ columns }) => this.#countersOf(columns, sums));
    for (let from = 0; from < steps.length; from += FILES_A_SLICE) {
      this.#renewAll(batch, counters, from, Math.min(from + FILES_A_SLICE, steps.length));
      if (slices.due()) await slices.pause();
    }
  }

  /** What snapshots hold, by metric. */
  share(): {
    columns: Map<string, Float64Array>;
    keyed: Map<string, KeyedColumn>;
    rates: Map<string, Float64Array>;
  } {
    const columns = new Map<string, Float64Array>();
    const keyed = new Map<string, KeyedColumn>();
    const rates = new Map<string, Float64Array>();
    for (const [at, { stat }] of this.#programme.columns.entries()) {
      const labelled = this.#keyed[at];
      if (labelled === undefined) columns.set(stat.name, this.column(at));
      else keyed.set(stat.name, labelled);
      const rate = this.#rates.columns[this.#counterAt[at] ?? -1];
      if (rate !== undefined) rates.set(stat.name, rate);
    }
    this.#shared = true;
    return { columns, keyed, rates };
  }

  #countersOf(columns: readonly number[], sums: ReadonlyMap<number, Float64Array>): Counters {
    return columns.flatMap((column) => {
      const place = this.#counterAt[column] ?? -1;
      const sum = sums.get(column);
      return place < 0 ? [] : [{ place, values: sum ?? this.column(column), summed: sum !== undefined }];
    });
  }

  /** The rates of a part of a batch. @param counters by step */
  #renewAll({ steps, rows, times }: Batch, counters: readonly Counters[], from: number, end: number): void {
    // At hand in variables: this runs for every counter of every group.
    const [rates, bases, since] = [this.#rates.figures, this.#bases.figures, this.#since.figures];
    const height = this.#rows;
    for (let file = from; file < end; file++) {
      const row = rows[file] ?? -1;
      for (const { place, values, summed } of counters[steps[file] ?? -1] ?? []) {
        const at = place * height + row;
        const now = values[row] ?? Number.NaN;
        // A sum over several files (one for each size of huge pages) is of one moment, not of as many as there are files.
        const time = times[summed ? 0 : file] ?? Number.NaN;
        const grown = now - (bases[at] ?? Number.NaN);
        const seconds = time - (since[at] ?? Number.NaN);
        if (!(seconds < SHORTEST_RATE_SECONDS)) {
          bases[at] = now;
          since[at] = time;
        } else if (!Number.isNaN(rates[at])) continue;
        // A counter that went down was reset, and NaN fails all tests.
        rates[at] = grown >= 0 && seconds > 0 ? grown / seconds : Number.NaN;
      }
    }
  }

  /** Figures with labels: those of rows that were read are replaced. @returns by column, the sums of what was found */
  async #merge(
    { steps, rows }: Batch,
    found: ReadonlyMap<number, KeyedColumn>,
    slices: Slices,
  ): Promise<ReadonlyMap<number, Float64Array>> {
    const replaced = new Map<number, Int32Array>();
    const read = new Uint8Array(this.#programme.steps.length);
    for (let at = 0; at < steps.length; at++) read[steps[at] ?? -1] = 1;
    const own = this.#programme.steps.map(({ columns }, step) =>
      read[step] === 1 ? this.#replacedBy(columns, replaced) : [],
    );
    for (let at = 0; replaced.size > 0 && at < steps.length; at++) {
      for (const to of own[steps[at] ?? -1] ?? []) to[rows[at] ?? -1] = -1;
    }
    const sums = new Map<number, Float64Array>();
    for (const [column, to] of replaced) {
      if (slices.due()) await slices.pause();
      const fresh = found.get(column) ?? NO_FIGURES;
      this.#keyed[column] = merged(this.#rows, this.#keyed[column] ?? NO_FIGURES, to, fresh);
      if ((this.#counterAt[column] ?? -1) >= 0) sums.set(column, rowSums(fresh, this.#rows));
    }
    return sums;
  }

  /** Where rows go, of those columns that have labels: all stay where they are, at first. */
  #replacedBy(columns: readonly number[], replaced: Map<number, Int32Array>): Int32Array[] {
    return columns.flatMap((column) => {
      if (this.#keyed[column] === undefined) return [];
      let to = replaced.get(column);
      if (to === undefined) {
        to = new Int32Array(this.#rows);
        for (let row = 0; row < to.length; row++) to[row] = row;
        replaced.set(column, to);
      }
      return [to];
    });
  }
}

/** Columns of equal length in one piece of memory. */
class Block {
  /** A column after the other. */
  readonly figures: Float64Array;
  readonly columns: readonly Float64Array[];

  constructor(count: number, rows: number, figures = new Float64Array(count * rows)) {
    this.figures = figures;
    this.columns = Array.from({ length: count }, (_, at) => figures.subarray(at * rows, (at + 1) * rows));
  }

  copy(): Block {
    const rows = this.columns[0]?.length ?? 0;
    return new Block(this.columns.length, rows, this.figures.slice());
  }

  rearranged(from: Int32Array): Block {
    const block = new Block(this.columns.length, from.length);
    for (const [at, column] of block.columns.entries()) {
      const old = this.columns[at] ?? NONE;
      for (let row = 0; row < from.length; row++) column[row] = old[from[row] ?? -1] ?? Number.NaN;
    }
    return block;
  }
}

/** Numbers those that are. */
function places(are: readonly boolean[]): number[] {
  let next = 0;
  return are.map((is) => (is ? next++ : -1));
}

/** In the order of rows: old figures where `to` says that they go, and fresh ones behind them. */
function merged(rows: number, old: KeyedColumn, to: Int32Array, fresh: KeyedColumn): KeyedColumn {
  if (old.row.length === 0 && fresh.row.length === 0) return NO_FIGURES;
  const next = new Int32Array(rows + 1);
  const count = (row: number): void => {
    if (row >= 0) next[row + 1] = (next[row + 1] ?? 0) + 1;
  };
  for (let at = 0; at < old.row.length; at++) count(to[old.row[at] ?? -1] ?? -1);
  for (let at = 0; at < fresh.row.length; at++) count(fresh.row[at] ?? -1);
  for (let row = 0; row < rows; row++) next[row + 1] = (next[row + 1] ?? 0) + (next[row] ?? 0);
  const length = next[rows] ?? 0;
  const column = { row: new Int32Array(length), label: new Array<string>(length), value: new Float64Array(length) };
  const put = (row: number, label = '', value = Number.NaN): void => {
    if (row < 0) return;
    const at = next[row] ?? 0;
    next[row] = at + 1;
    column.row[at] = row;
    column.label[at] = label;
    column.value[at] = value;
  };
  for (let at = 0; at < old.row.length; at++) put(to[old.row[at] ?? -1] ?? -1, old.label[at], old.value[at]);
  for (let at = 0; at < fresh.row.length; at++) put(fresh.row[at] ?? -1, fresh.label[at], fresh.value[at]);
  return column;
}
