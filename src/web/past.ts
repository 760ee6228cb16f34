/** The way back: the tables that the page remembers, and those that the service does. */
import type { ColumnInfo } from '../protocol/column.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import type { LiveRow } from '../protocol/stream.ts';
import { Memory } from '../view/memory.ts';
import { figures, keyOf, shapeOf, type Table } from '../view/table.ts';

type Get = (path: string) => Promise<Response>;

/** The service is asked again which moments it remembers, after so long. */
const FRESH_MS = 5_000;
/** How many groups' last minute is asked for at once. */
const ASKED = 40;

export class Past {
  readonly #get: Get;
  #moments: readonly number[] = [];
  #asked = 0;
  #asking = false;

  constructor(get: Get) {
    this.#get = get;
  }

  /** The moments of which there is a table, oldest first. */
  async moments(memory: Memory): Promise<readonly number[]> {
    if (Date.now() - this.#asked > FRESH_MS) {
      this.#asked = Date.now();
      const answer = await this.#ask<{ moments: readonly (readonly [number, number])[] }>('/api/v1/history/moments');
      if (answer !== undefined) this.#moments = answer.moments.map(([, to]) => to);
    }
    return [...new Set([...this.#moments, ...memory.times])].sort((a, b) => a - b);
  }

  /** The table at a moment; undefined where nothing is kept of it. @param newest fills in what the service does not keep */
  async table(time: number, memory: Memory, newest: Table): Promise<Table | undefined> {
    const own = memory.at(time);
    if (own !== undefined) return own;
    const kept = await this.#ask<Omit<Table, 'seq'>>(`/api/v1/history/table?at=${time}`);
    return kept && completed({ ...kept, seq: 0 }, newest);
  }

  /** Asks for the last minute of groups that it is not known of. @returns whether there is something new to draw */
  async recall(
    wanted: readonly { readonly row: LiveRow; readonly column: ColumnInfo }[],
    memory: Memory,
    intervalMs: number,
  ): Promise<boolean> {
    const first = memory.times[0];
    const unknown = wanted.filter(({ row, column }) => !memory.recalls(row, column.metric)).slice(0, ASKED);
    if (this.#asking || first === undefined || unknown.length === 0) return false;
    this.#asking = true;
    const words = new URLSearchParams({ from: String(first - Memory.length * intervalMs), to: String(first - 1) });
    for (const id of new Set(unknown.map(({ row }) => row.id))) words.append('cgroup', id);
    for (const metric of new Set(unknown.map(({ column }) => column.metric))) words.append('metric', metric);
    const answer = await this.#ask<{ series: readonly Series[] }>(`/api/v1/history?${words}`);
    this.#asking = false;
    const known = new Map(
      answer?.series.map((series) => [`${series.metric} ${keyOf({ ...series, parent: -1, depth: 0 })}`, series]),
    );
    for (const { row, column } of unknown) {
      const points = known.get(`${column.metric} ${keyOf(row)}`)?.points ?? [];
      memory.recall(row, column.metric, placed(points, first, intervalMs));
    }
    return known.size > 0;
  }

  /** What happened of some kinds, as far as the service remembers: a new client is told the last of all kinds only. */
  async events(kinds: readonly string[]): Promise<readonly CgroupEvent[]> {
    const words = new URLSearchParams({ type: kinds.join(), limit: '10000' });
    const answer = await this.#ask<{ events: readonly CgroupEvent[] }>(`/api/v1/events?${words}`);
    return answer?.events ?? [];
  }

  /** Undefined where the service does not answer: the connection tells of that. */
  async #ask<T>(path: string): Promise<T | undefined> {
    try {
      const response = await this.#get(path);
      return response.ok ? await response.json() : undefined;
    } catch (error) {
      // A lost connection (fetch) or a half answer (JSON).
      if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}

interface Series {
  readonly id: string;
  readonly generation: string;
  readonly metric: string;
  readonly points: readonly Point[];
}

type Point = readonly [from: number, to: number, min: number | 'max', mean: number | 'max', max: number | 'max'];

/** Points at even distances before a moment. */
function placed(points: readonly Point[], end: number, step: number): Float32Array {
  const figures = new Float32Array(Memory.length).fill(Number.NaN);
  for (const [from, to, , mean] of points) {
    if (typeof mean !== 'number') continue;
    const [first, last] = [from, to].map((time) => Memory.length - Math.round((end - time) / step));
    figures.fill(mean, Math.max(0, first ?? 0), Math.max(0, (last ?? 0) + 1));
  }
  return figures;
}

/** What is set changes seldom: where the past has no such column, it is as now. */
function completed(past: Table, newest: Table): Table {
  const missing = newest.columns.filter((metric) => !past.columns.includes(metric));
  if (missing.length === 0) return past;
  const { index } = shapeOf(newest.rows);
  const places = past.rows.map((row) => index.get(keyOf(row)) ?? -1);
  const values = missing.map((metric) => {
    const cells = figures(newest, metric);
    return places.map((at) => cells?.[at] ?? null);
  });
  return { ...past, columns: [...past.columns, ...missing], values: [...past.values, ...values] };
}
