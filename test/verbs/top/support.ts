/** A small tree, as the sampler or the stream would tell it. */
import type { Cell, ColumnInfo } from '../../../src/protocol/column.ts';
import type { LiveRow } from '../../../src/protocol/stream.ts';
import { draw, type Scene } from '../../../src/verbs/top/draw.ts';
import { initial, type State, withFigures } from '../../../src/verbs/top/model.ts';
import { paletteOf } from '../../../src/verbs/top/paint.ts';
import { Figures } from '../../../src/view/figures.ts';
import type { Table } from '../../../src/view/table.ts';
import { Memory } from '../../../src/view/tree.ts';

export const COLUMNS: readonly ColumnInfo[] = [
  { metric: 'wound', title: 'Wound', show: 'cores', rate: true, role: 'cpu.usage', alarm: { near: 2, bad: 3 } },
  {
    metric: 'halted',
    title: 'Halted',
    brief: 'hlt%',
    show: 'ratio',
    rate: false,
    role: 'cpu.throttled',
    alarm: { near: 0.1, bad: 0.25 },
  },
  {
    metric: 'stored',
    title: 'Stored',
    show: 'bytes',
    rate: false,
    role: 'memory.usage',
    limit: 'most',
    alarm: { near: 0.75, bad: 0.9 },
  },
  {
    metric: 'waited',
    title: 'Waited',
    show: 'ratio',
    rate: true,
    role: 'pressure.cpu',
    worse: 'stood',
    alarm: { near: 0.05, bad: 0.1 },
  },
  { metric: 'members', title: 'Members', show: 'count', rate: false, role: 'pids.current', limit: 'seats' },
  { metric: 'heard', title: 'Heard', show: 'bytes/s', rate: true, role: 'io.read.bytes' },
  { metric: 'torn', title: 'Torn', show: 'count', rate: false },
];

/** Ids with figures by metric; parents are found by path. */
export function tableOf(
  groups: Readonly<Record<string, Readonly<Record<string, Cell>> & { readonly frozen?: never }>>,
  more: Readonly<Record<string, Partial<LiveRow>>> = {},
  seq = 1,
): Table {
  const ids = Object.keys(groups);
  const columns = [...COLUMNS.map(({ metric }) => metric), 'most', 'stood', 'seats'];
  const rows = ids.map(
    (id, at): LiveRow => ({
      id,
      generation: String(at),
      parent: id === '/' ? -1 : ids.indexOf(id.slice(0, id.lastIndexOf('/')) || '/'),
      depth: id === '/' ? 0 : id.split('/').length - 1,
      ...more[id],
    }),
  );
  return {
    seq,
    time: new Date(2026, 0, 2, 14, 3, seq).getTime(),
    columns,
    rows,
    values: columns.map((metric) => ids.map((id) => groups[id]?.[metric] ?? null)),
  };
}

export const TREE = tableOf(
  {
    '/': { wound: 3.5 },
    '/a': { wound: 1, stored: 2 ** 30, most: 2 ** 31, members: 3, seats: 'max', halted: 0 },
    '/a/x': { wound: 0.25, stored: 2 ** 29 },
    '/a/y': { wound: 0.75, halted: 0.5, stored: 1.9 * 2 ** 30, most: 2 ** 31 },
    '/b': { wound: 2.5, waited: 0.5, stood: 0.01 },
    '/b/日本': { wound: 0 },
  },
  { '/b': { frozen: true } },
);

export function showing(table = TREE, columns = 120, rows = 20): State {
  return withFigures(initial(COLUMNS, { columns, rows }, {}), new Figures(table));
}

export function sceneOf(state: State, env: Readonly<Record<string, string>> = { NO_COLOR: '1' }): Scene {
  const memory = new Memory();
  if (state.figures !== undefined) memory.add(state.figures.table);
  return {
    state,
    memory,
    machine: { title: 'host7 · hybrid', cpus: 8, memoryBytes: 2 ** 36 },
    intervalMs: 1000,
    palette: paletteOf(env),
  };
}

/** What one reads: without colours and blanks at the ends. */
export function textOf(state: State): string[] {
  return draw(sceneOf(state)).lines.map((line) => line.replace(/\x1b\[[\d;]*m/g, '').trimEnd());
}
