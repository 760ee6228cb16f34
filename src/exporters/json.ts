/** A snapshot as columnar JSON: rows once, then a list of figures for each metric. */
import type { Snapshot } from '../protocol/snapshot.ts';

/** A list of figures as JSON: null is absent, "max" no limit. */
export function figuresJson(values: Float64Array): string {
  let text = '';
  for (let at = 0; at < values.length; at++) {
    const cell = cellJson(values[at]);
    text += at === 0 ? cell : `,${cell}`;
  }
  return `[${text}]`;
}

/** Those at some places. */
export function someFiguresJson(values: Float64Array, places: readonly number[]): string {
  return `[${places.map((at) => cellJson(values[at])).join(',')}]`;
}

function cellJson(value = Number.NaN): number | string {
  return Number.isFinite(value) ? value : Number.isNaN(value) ? 'null' : '"max"';
}

/** The whole snapshot. `keyed` columns hold the index of the row, the label and the value of each figure. */
export function snapshotJson(snapshot: Snapshot): Buffer {
  const { columns, keyed, rates, staleness, errors, ...rest } = snapshot;
  const members = [
    JSON.stringify(rest).slice(1, -1),
    `"columns":${object(columns, figuresJson)}`,
    `"keyed":${object(keyed, ({ row, label, value }) => `{"row":[${row.join(',')}],"label":${JSON.stringify(label)},"value":${figuresJson(value)}}`)}`,
    `"rates":${object(rates, figuresJson)}`,
    `"staleness":${figuresJson(staleness)}`,
    `"errors":${object(errors, String)}`,
  ];
  return Buffer.from(`{${members.join(',')}}`);
}

function object<T>(map: ReadonlyMap<string, T>, encode: (value: T) => string): string {
  return `{${[...map].map(([name, value]) => `${JSON.stringify(name)}:${encode(value)}`).join(',')}}`;
}
