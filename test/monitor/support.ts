/** A snapshot made up of figures, for what works on snapshots. */
import type { KeyedColumn, Row, Snapshot } from '../../src/protocol/snapshot.ts';

const EMPTY: Omit<Snapshot, 'rows'> = {
  seq: 1,
  time: 1_700_000_000_000,
  monotonic: 100,
  columns: new Map(),
  keyed: new Map(),
  rates: new Map(),
  staleness: new Float64Array(0),
  errors: new Map(),
  durationSeconds: 0.01,
};

/** The root and groups below it. */
export function rowsOf(...ids: readonly string[]): Row[] {
  return ['/', ...ids].map((id, at) => ({
    id,
    generation: String(100 + at),
    parent: at === 0 ? -1 : 0,
    depth: at === 0 ? 0 : 1,
  }));
}

/** @param columns a figure a row, by metric */
export function snapshotOf(
  rows: readonly Row[],
  columns: Readonly<Record<string, readonly number[]>>,
  rest: Partial<Snapshot> = {},
): Snapshot {
  const map = new Map(Object.entries(columns).map(([name, values]) => [name, Float64Array.from(values)]));
  return { ...EMPTY, rows, columns: map, ...rest };
}

/** @param entries row, label, value */
export function keyedOf(...entries: readonly (readonly [row: number, label: string, value: number])[]): KeyedColumn {
  return {
    row: Int32Array.from(entries, ([row]) => row),
    label: entries.map(([, label]) => label),
    value: Float64Array.from(entries, ([, , value]) => value),
  };
}
