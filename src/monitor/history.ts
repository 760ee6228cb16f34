/**
 * What the view's columns were in the last minutes, for those who come later: looks as they were for two minutes, before that
 * the minimum, mean and maximum over spans of time.
 */
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import type { ColumnInfo } from '../protocol/stream.ts';
import { figuresOf } from './columns.ts';

export interface HistoryOptions {
  /** How far back it goes, in seconds. Default: 15 minutes. */
  readonly seconds?: number;
  /** How far back looks are kept as they were, in seconds. Default: 2 minutes. */
  readonly fineSeconds?: number;
  /** Looks that follow one another faster than this, in seconds, are left out. Default: 0.75. */
  readonly spacing?: number;
  /** Memory for figures, at most. What is oldest becomes coarser, and then is dropped, where it does not do. Default: 32 MiB. */
  readonly bytes?: number;
}

/** One group's figures over time, oldest first. */
export interface Series {
  readonly id: string;
  readonly generation: string;
  readonly metric: string;
  readonly points: readonly Point[];
}

/** Figures over a span of time, or of one look, where `from` and `to` are the same and so are the figures. */
export interface Point {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Infinity is no limit. A point without figures is left out. */
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/** All groups as they were: figures by column, then by row; NaN is absent, Infinity no limit. */
export interface PastTable {
  readonly from: number;
  readonly to: number;
  readonly rows: readonly Row[];
  readonly columns: readonly string[];
  /** The mean over the span. */
  readonly values: readonly Float32Array[];
}

/** The length of a span at first; those that are merged for want of memory come to this many times it. */
const SPAN_MS = 10_000;
const LONGEST_SPAN_MS = 60_000;
/** Of a row's figure that was seen more than once: mean, minimum and maximum, and how many looks had it. */
const SPREAD_BYTES = 3 * Float32Array.BYTES_PER_ELEMENT + Uint16Array.BYTES_PER_ELEMENT;

/** A column by row, as it was in so many looks: most limits and what idle groups use stay the same, and share memory. */
interface Steady {
  readonly mean: Float32Array;
  readonly looks: number;
}

/** A column by row, over looks in which it moved. Nobody else has these arrays. */
interface Spread {
  readonly mean: Float32Array;
  readonly min: Float32Array;
  readonly max: Float32Array;
  /** How many looks had each figure. */
  readonly counts: Uint16Array;
}

type Figures = Steady | Spread;
const moved = (figures: Figures): figures is Spread => 'counts' in figures;

/** One look, or several folded into one. */
interface Frame {
  readonly from: number;
  to: number;
  readonly rows: readonly Row[];
  /** By column. */
  figures: readonly Figures[];
}

export class History {
  readonly #columns: readonly ColumnInfo[];
  readonly #options: Required<HistoryOptions>;
  /** Oldest first. */
  #spans: Frame[] = [];
  #looks: Frame[] = [];
  #column = new Float32Array(0);

  /** @param columns what is kept */
  constructor(columns: readonly ColumnInfo[], options: HistoryOptions = {}) {
    this.#columns = columns;
    this.#options = { seconds: 15 * 60, fineSeconds: 2 * 60, spacing: 0.75, bytes: 32 * 2 ** 20, ...options };
  }

  /** Memory that figures take. */
  get bytes(): number {
    return sizeOf(this.#spans) + sizeOf(this.#looks);
  }

  add(snapshot: Snapshot): void {
    const { rows, time } = snapshot;
    const last = this.#looks.at(-1);
    if (last !== undefined && time - last.to < this.#options.spacing * 1000) return;
    const before = last?.rows === rows ? last.figures : [];
    const figures = this.#columns.map((column, at): Steady => {
      return { mean: this.#keep(figuresOf(snapshot, column), rows.length, before[at]?.mean), looks: 1 };
    });
    this.#looks.push({ from: time, to: time, rows, figures });
    this.#age(time);
  }

  /** @param before what is kept already where the figures are the same */
  #keep(values: Float64Array | undefined, rows: number, before: Float32Array | undefined): Float32Array {
    if (this.#column.length !== rows) this.#column = new Float32Array(rows);
    if (values === undefined) this.#column.fill(Number.NaN);
    else this.#column.set(values);
    return before !== undefined && bytesOf(before).equals(bytesOf(this.#column)) ? before : this.#column.slice();
  }

  /**
   * @param metrics names of kept columns; others give nothing
   * @param from the first and the last moment that is wanted, in milliseconds since the epoch
   * @param cgroups ids; a path that was made again is a series of its own
   */
  series(metrics: readonly string[], from: number, to: number, cgroups: readonly string[]): readonly Series[] {
    const wanted = new Set(cgroups);
    const columns = this.#columns.map(({ metric }) => metric);
    const found = new Map<string, { id: string; generation: string; metric: string; points: Point[] }>();
    for (const frame of [...this.#spans, ...this.#looks]) {
      if (frame.to < from || frame.from > to) continue;
      for (const [at, { id, generation }] of frame.rows.entries()) {
        if (!wanted.has(id)) continue;
        for (const metric of metrics) {
          const figures = frame.figures[columns.indexOf(metric)];
          const mean = figures?.mean[at] ?? Number.NaN;
          if (figures === undefined || Number.isNaN(mean)) continue;
          const key = `${metric} ${generation} ${id}`;
          const series = found.get(key) ?? { id, generation, metric, points: [] };
          found.set(key, series);
          const [min, max] = limitsOf(figures, at, mean);
          series.points.push({ from: frame.from, to: frame.to, min, mean, max });
        }
      }
    }
    return [...found.values()];
  }

  /** The looks and spans that are kept, oldest first, in milliseconds since the epoch; of a look both ends are the same. */
  get moments(): readonly (readonly [from: number, to: number])[] {
    return [...this.#spans, ...this.#looks].map(({ from, to }) => [from, to]);
  }

  /** The table at a moment: what was last kept by then, else what is oldest. @param metrics names of kept columns */
  table(time: number, metrics: readonly string[]): PastTable | undefined {
    const frames = [...this.#spans, ...this.#looks];
    const frame = frames.findLast(({ from }) => from <= time) ?? frames[0];
    if (frame === undefined) return undefined;
    const { from, to, rows, figures } = frame;
    const kept = this.#columns.map(({ metric }) => metric);
    const columns = metrics.filter((metric) => kept.includes(metric));
    const values = columns.map((metric) => figures[kept.indexOf(metric)]?.mean ?? new Float32Array(0));
    return { from, to, rows, columns, values };
  }

  #age(now: number): void {
    const { seconds, fineSeconds, bytes } = this.#options;
    while ((this.#looks[0]?.to ?? now) < now - fineSeconds * 1000) this.#fold();
    while ((this.#spans[0]?.to ?? now) < now - seconds * 1000) this.#spans.shift();
    for (let used = this.bytes; used > bytes; used = this.bytes) {
      // However many groups there are, half of it is for what was before the last looks.
      if (this.#looks.length > 1 && sizeOf(this.#looks) > bytes / 2) this.#fold();
      else if (!this.#coarsen() && this.#spans.shift() === undefined) {
        if (this.#looks.length <= 1) return;
        this.#looks.shift();
      }
    }
  }

  /** The oldest look into the last span. One that is alone in its time stays as it is. */
  #fold(): void {
    const look = this.#looks.shift();
    const last = this.#spans.at(-1);
    if (look === undefined) return;
    if (last === undefined || look.to - last.from > SPAN_MS) this.#spans.push(look);
    else if (last.rows === look.rows) include(last, look);
    else this.#spans.splice(-1, 1, joined(look.rows, last, look));
  }

  /** Makes one of the first two spans that are short enough. @returns false where there are none */
  #coarsen(): boolean {
    const at = this.#spans.findIndex((span, i) => {
      const next = this.#spans[i + 1];
      return next !== undefined && next.to - span.from <= LONGEST_SPAN_MS;
    });
    const [first, second] = this.#spans.slice(at, at + 2);
    if (at < 0 || first === undefined || second === undefined) return false;
    this.#spans.splice(at, 2, joined(second.rows, first, second));
    return true;
  }
}

/** Two frames as one, for given rows; groups that are gone by then are left out. */
function joined(rows: readonly Row[], first: Frame, second: Frame): Frame {
  const frame: Frame = { ...first, rows, figures: [] };
  include(frame, first);
  include(frame, second);
  return frame;
}

/** Takes a frame into another, which is all that is left of it then. */
function include(into: Frame, frame: Frame): void {
  const places = placesOf(into.rows, frame.rows);
  into.to = frame.to;
  into.figures = frame.figures.map((figures, column) => {
    const before = into.figures[column];
    if (places === undefined) {
      if (before === undefined) return figures;
      if (!moved(before) && !moved(figures) && before.mean === figures.mean)
        return { mean: before.mean, looks: before.looks + figures.looks };
    }
    const spread = spreadOf(before, into.rows.length);
    for (let row = 0; row < into.rows.length; row++) {
      const at = places?.[row] ?? row;
      if (at >= 0) add(spread, row, figures, at);
    }
    return spread;
  });
}

/** The figures with a minimum and a maximum of their own. */
function spreadOf(figures: Figures | undefined, rows: number): Spread {
  if (figures !== undefined && moved(figures)) return figures;
  const { mean = new Float32Array(rows).fill(Number.NaN), looks = 0 } = figures ?? {};
  const counts = Uint16Array.from(mean, (figure) => (Number.isNaN(figure) ? 0 : looks));
  return { mean: mean.slice(), min: mean.slice(), max: mean.slice(), counts };
}

/** Adds another row's figure to a row's. */
function add({ mean, min, max, counts }: Spread, row: number, figures: Figures, at: number): void {
  const figure = figures.mean[at] ?? Number.NaN;
  if (Number.isNaN(figure)) return;
  const before = counts[row] ?? 0;
  const added = moved(figures) ? (figures.counts[at] ?? 0) : figures.looks;
  const [least, most] = limitsOf(figures, at, figure);
  counts[row] = before + added;
  min[row] = before === 0 ? least : Math.min(min[row] ?? least, least);
  max[row] = before === 0 ? most : Math.max(max[row] ?? most, most);
  mean[row] = before === 0 ? figure : average(mean[row] ?? figure, before, figure, added);
}

/** A row's minimum and maximum. */
function limitsOf(figures: Figures, at: number, mean: number): [min: number, max: number] {
  return moved(figures) ? [figures.min[at] ?? mean, figures.max[at] ?? mean] : [mean, mean];
}

/** No limit stays none, however often it was. */
function average(a: number, weight: number, b: number, other: number): number {
  return a === b ? a : (a * weight + b * other) / (weight + other);
}

/** Only frames that follow one another have columns in common. */
function sizeOf(frames: readonly Frame[]): number {
  let bytes = 0;
  for (const [at, { figures }] of frames.entries()) {
    for (const [column, each] of figures.entries()) {
      if (moved(each)) bytes += each.mean.length * SPREAD_BYTES;
      else if (frames[at - 1]?.figures[column]?.mean !== each.mean) bytes += each.mean.byteLength;
    }
  }
  return bytes;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/** Of each row, where it was among others: -1 for nowhere. Undefined where they are the same. */
function placesOf(rows: readonly Row[], others: readonly Row[]): Int32Array | undefined {
  if (rows === others) return undefined;
  const known = new Map(others.map(({ id }, at) => [id, at]));
  return Int32Array.from(rows, ({ id, generation }) => {
    const at = known.get(id) ?? -1;
    return others[at]?.generation === generation ? at : -1;
  });
}
