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
const FIGURE_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** One look, or several folded into one. Figures are by column, then by row. */
interface Frame {
  readonly from: number;
  to: number;
  readonly rows: readonly Row[];
  readonly mean: Float32Array;
  /** A look's own are its mean. */
  readonly min: Float32Array;
  readonly max: Float32Array;
  /** How many looks had each figure; undefined for a look. */
  readonly counts?: Uint16Array;
}

interface Span extends Frame {
  readonly counts: Uint16Array;
}
const isSpan = (frame: Frame): frame is Span => frame.counts !== undefined;

export class History {
  readonly #columns: readonly ColumnInfo[];
  readonly #options: Required<HistoryOptions>;
  /** Oldest first. */
  #spans: Frame[] = [];
  #looks: Frame[] = [];

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
    const figures = new Float32Array(rows.length * this.#columns.length).fill(Number.NaN);
    for (const [at, column] of this.#columns.entries()) {
      const values = figuresOf(snapshot, column);
      if (values !== undefined) figures.set(values, at * rows.length);
    }
    this.#looks.push({ from: time, to: time, rows, mean: figures, min: figures, max: figures });
    this.#age(time);
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
          const place = columns.indexOf(metric) * frame.rows.length + at;
          const mean = frame.mean[place] ?? Number.NaN;
          if (Number.isNaN(mean)) continue;
          const key = `${metric} ${generation} ${id}`;
          const series = found.get(key) ?? { id, generation, metric, points: [] };
          found.set(key, series);
          const [min = mean, max = mean] = [frame.min[place], frame.max[place]];
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
    const { from, to, rows, mean } = frame;
    const kept = this.#columns.map(({ metric }) => metric);
    const columns = metrics.filter((metric) => kept.includes(metric));
    const values = columns.map((metric) => {
      const start = kept.indexOf(metric) * rows.length;
      return mean.subarray(start, start + rows.length);
    });
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
    else if (isSpan(last) && last.rows === look.rows) this.#include(last, look);
    else this.#spans.splice(-1, 1, this.#joined(look.rows, [last, look]));
  }

  /** Makes one of the first two spans that are short enough. @returns false where there are none */
  #coarsen(): boolean {
    const at = this.#spans.findIndex((span, i) => {
      const next = this.#spans[i + 1];
      return next !== undefined && next.to - span.from <= LONGEST_SPAN_MS;
    });
    const [first, second] = this.#spans.slice(at, at + 2);
    if (at < 0 || first === undefined || second === undefined) return false;
    this.#spans.splice(at, 2, this.#joined(second.rows, [first, second]));
    return true;
  }

  /** Frames as one, for the rows of the last; groups that are gone by then are left out. */
  #joined(rows: readonly Row[], frames: readonly Frame[]): Span {
    const size = rows.length * this.#columns.length;
    const from = frames[0]?.from ?? 0;
    const joined = {
      from,
      to: from,
      rows,
      mean: new Float32Array(size).fill(Number.NaN),
      min: new Float32Array(size).fill(Number.NaN),
      max: new Float32Array(size).fill(Number.NaN),
      counts: new Uint16Array(size),
    };
    for (const frame of frames) this.#include(joined, frame);
    return joined;
  }

  #include(into: Span, frame: Frame): void {
    into.to = frame.to;
    const from = placesOf(into.rows, frame.rows);
    for (let column = 0; column < this.#columns.length; column++) {
      for (let row = 0; row < into.rows.length; row++) {
        const old = column * frame.rows.length + (from?.[row] ?? row);
        const mean = frame.mean[old] ?? Number.NaN;
        if (Number.isNaN(mean) || from?.[row] === -1) continue;
        const at = column * into.rows.length + row;
        const before = into.counts[at] ?? 0;
        const added = frame.counts?.[old] ?? 1;
        const [min = mean, max = mean] = [frame.min[old], frame.max[old]];
        into.counts[at] = before + added;
        into.min[at] = before === 0 ? min : Math.min(into.min[at] ?? min, min);
        into.max[at] = before === 0 ? max : Math.max(into.max[at] ?? max, max);
        into.mean[at] = before === 0 ? mean : average(into.mean[at] ?? mean, before, mean, added);
      }
    }
  }
}

/** No limit stays none, however often it was. */
function average(a: number, weight: number, b: number, other: number): number {
  return a === b ? a : (a * weight + b * other) / (weight + other);
}

function sizeOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, frame) => sum + bytesOf(frame), 0);
}

function bytesOf({ mean, counts }: Frame): number {
  return mean.length * (counts === undefined ? FIGURE_BYTES : 3 * FIGURE_BYTES + Uint16Array.BYTES_PER_ELEMENT);
}

/** Of each row, where it was among others: -1 for nowhere. Undefined where they are the same. */
function placesOf(rows: readonly Row[], others: readonly Row[]): Int32Array | undefined {
  if (rows === others) return undefined;
  const known = new Map(others.map(({ id }, at) => [id, at]));
  return Int32Array.from(rows, ({ id, generation }) => {
    const at = known.get(id) ?? -1;
    return others[at]?.generation === generation ? at : -1;
  });
}
