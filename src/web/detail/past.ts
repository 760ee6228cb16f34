/** What figures of one group were, on one axis of time: filled from the service's history, then with what is new. */
import type { PartInfo } from '../../protocol/chart.ts';
import type { Figure, Series } from './facts.ts';

/** Where longer nothing is known, lines are broken. The service folds the past into spans of up to a minute. */
const GAP_MS = 75_000;

export class Past {
  /** Milliseconds since the epoch, ascending. */
  readonly times: number[] = [];
  /** By metric, a figure for each time: NaN is absent, Infinity no limit. */
  readonly #figures = new Map<string, number[]>();

  /** The last moment of which something is known; undefined for none. */
  get last(): number | undefined {
    return this.times.at(-1);
  }

  get metrics(): readonly string[] {
    return [...this.#figures.keys()];
  }

  /** Takes in what is later than all that is known; the rest is known better here. */
  add(series: readonly Series[]): void {
    const after = this.last ?? Number.NEGATIVE_INFINITY;
    const looks = new Map<number, Map<string, number>>();
    for (const { metric, points } of series) {
      for (const [from, to, , mean] of points) {
        const time = (from + to) / 2;
        if (time <= after) continue;
        const look = looks.get(time) ?? new Map<string, number>();
        looks.set(time, look);
        look.set(metric, numberOf(mean));
      }
    }
    for (const [time, look] of [...looks].sort(([a], [b]) => a - b)) {
      const last = this.last;
      if (last !== undefined && time - last > GAP_MS) this.#append(last + 1, new Map());
      this.#append(time, look);
    }
  }

  /** A figure of the last look. */
  put(metric: string, figure: number): void {
    this.#columnOf(metric)[this.times.length - 1] = figure;
  }

  dropBefore(time: number): void {
    const first = this.times.findIndex((known) => known >= time);
    const count = first < 0 ? this.times.length : first;
    if (count === 0) return;
    this.times.splice(0, count);
    for (const column of this.#figures.values()) column.splice(0, count);
  }

  /** A part's own figures, before they are stacked. */
  of({ metric = '', per, less }: Pick<PartInfo, 'metric' | 'per' | 'less'>): readonly number[] {
    const column = this.#figures.get(metric);
    if (column === undefined) return this.times.map(() => Number.NaN);
    const [divisors, contained] = [per, less].map((name) => (name === undefined ? undefined : this.#figures.get(name)));
    return column.map((figure, at) => {
      if (per !== undefined) return quotient(figure, divisors?.[at] ?? Number.NaN);
      const inside = contained?.[at] ?? Number.NaN;
      return Number.isNaN(inside) ? figure : Math.max(0, figure - inside);
    });
  }

  #append(time: number, look: ReadonlyMap<string, number>): void {
    this.times.push(time);
    for (const metric of look.keys()) this.#columnOf(metric);
    for (const [metric, column] of this.#figures) column[this.times.length - 1] = look.get(metric) ?? Number.NaN;
  }

  #columnOf(metric: string): number[] {
    let column = this.#figures.get(metric);
    if (column === undefined) {
      column = this.times.map(() => Number.NaN);
      this.#figures.set(metric, column);
    }
    return column;
  }
}

/** Nothing of nothing is nothing: a group that was not runnable was not throttled either. */
function quotient(figure: number, divisor: number): number {
  return figure === 0 ? 0 : divisor > 0 ? figure / divisor : Number.NaN;
}

export const numberOf = (figure: Figure): number => (figure === 'max' ? Number.POSITIVE_INFINITY : figure);

/** Each column on top of those before it; what is absent adds nothing, unless all are. */
export function stacked(columns: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const sums: (readonly number[])[] = [];
  for (const column of columns) {
    const below = sums.at(-1);
    sums.push(
      column.map((figure, at) => {
        const base = below?.[at] ?? Number.NaN;
        if (Number.isNaN(base)) return figure;
        return Number.isNaN(figure) ? base : base + figure;
      }),
    );
  }
  return sums;
}
