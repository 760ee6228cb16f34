import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counter, gauge, percpu, scalar } from '../../src/controllers/controller.ts';
import type { Batch } from '../../src/monitor/batch.ts';
import { Slices } from '../../src/monitor/pause.ts';
import { Table } from '../../src/monitor/table.ts';
import { layoutOf, programmeOf } from './files.ts';
import { keyedOf } from './support.ts';

const NONE = Number.NaN;
const programme = programmeOf(layoutOf('/nowhere'), [
  gauge('size', 'bytes', 'Size', { v1: scalar('size') }),
  counter('count_total', 'count', 'Count', { v1: scalar('count') }),
  counter('each_total', 'count', 'Of each', { v1: percpu('each'), label: 'cpu' }),
]);
const [size, count, each] = programme.stepsFor([{ root: false, files: ['size', 'count', 'each'], signature: '' }]);
assert.ok(size && count && each);

function tableOf(rows: number): Table {
  const table = new Table(programme);
  table.rearrange(new Int32Array(rows).fill(-1));
  return table;
}

/** What a reader would have done. @param figures row, and what was read there at that time */
async function read(
  table: Table,
  time: number,
  ...figures: { row: number; count?: number; each?: Record<string, number> }[]
) {
  const columns = table.writable();
  const entries = figures.flatMap(({ row, ...rest }) => [
    ...(rest.count === undefined ? [] : [{ row, step: count?.index ?? -1 }]),
    ...(rest.each === undefined ? [] : [{ row, step: each?.index ?? -1 }]),
  ]);
  for (const figure of figures) {
    const column = columns[1];
    if (column && figure.count !== undefined) column[figure.row] = figure.count;
  }
  const batch: Batch = {
    groups: new Int32Array(entries.length),
    steps: Int32Array.from(entries, ({ step }) => step),
    rows: Int32Array.from(entries, ({ row }) => row),
    outcomes: new Uint8Array(entries.length),
    times: new Float64Array(entries.length).fill(time),
    columns,
    level: 0,
    spare: 0,
  };
  const lines = figures.flatMap((figure) =>
    Object.entries(figure.each ?? {}).map(([label, value]) => [figure.row, label, value] as const),
  );
  await table.absorb(batch, new Map([[2, keyedOf(...lines)]]), new Slices());
  return table.share();
}
const rate = ({ rates }: ReturnType<Table['share']>, metric = 'count_total') => [...(rates.get(metric) ?? [])];

test('a rate is counted between two reads of the same row, whenever they were', async () => {
  const table = tableOf(2);
  assert.deepEqual(rate(await read(table, 10, { row: 0, count: 100 }, { row: 1, count: 5 })), [NONE, NONE]);
  assert.deepEqual(rate(await read(table, 11, { row: 0, count: 150 })), [50, NONE]);
  assert.deepEqual(rate(await read(table, 20, { row: 1, count: 25 })), [50, 2]);
  assert.deepEqual(rate(await read(table, 21, { row: 0, count: 150 })), [0, 2]);
});

test('a counter that went down was reset; one that is absent has no rate, nor has its return', async () => {
  const table = tableOf(1);
  await read(table, 1, { row: 0, count: 100 });
  assert.deepEqual(rate(await read(table, 2, { row: 0, count: 10 })), [NONE]);
  assert.deepEqual(rate(await read(table, 3, { row: 0, count: 30 })), [20]);
  assert.deepEqual(rate(await read(table, 4, { row: 0, count: NONE })), [NONE]);
  assert.deepEqual(rate(await read(table, 5, { row: 0, count: 40 })), [NONE]);
  assert.deepEqual(rate(await read(table, 6, { row: 0, count: 41 })), [1]);
});

test('a look right after another one keeps the rate, and the next counts from the one before', async () => {
  const table = tableOf(1);
  await read(table, 1, { row: 0, count: 0 });
  assert.deepEqual(rate(await read(table, 1.1, { row: 0, count: 10 })).map(Math.round), [100], 'rather than none');
  await read(table, 2, { row: 0, count: 100 });
  assert.deepEqual(rate(await read(table, 2.01, { row: 0, count: 200 })), [100]);
  assert.deepEqual(rate(await read(table, 3, { row: 0, count: 300 })), [200]);
});

test('figures with labels are replaced row by row, and their rates are of their sum', async () => {
  const table = tableOf(3);
  await read(table, 1, { row: 0, each: { a: 1, b: 2 } }, { row: 2, each: { a: 5 } });
  const shared = await read(table, 2, { row: 1, each: { a: 9 } }, { row: 2, each: { a: 6, c: 2 } });
  assert.deepEqual(
    shared.keyed.get('each_total'),
    keyedOf([0, 'a', 1], [0, 'b', 2], [1, 'a', 9], [2, 'a', 6], [2, 'c', 2]),
  );
  assert.deepEqual(rate(shared, 'each_total'), [NONE, NONE, 3]);
  assert.deepEqual((await read(table, 3, { row: 0, each: {} })).keyed.get('each_total')?.label, ['a', 'a', 'c']);
});

test('what was shared never changes', async () => {
  const table = tableOf(2);
  const first = await read(table, 1, { row: 0, count: 1, each: { a: 1 } }, { row: 1, count: 1 });
  const copy = structuredClone(first);
  await read(table, 2, { row: 0, count: 2, each: { b: 1 } }, { row: 1, count: 9 });
  table.rearrange(Int32Array.of(1, -1, 0));
  await read(table, 3, { row: 2, count: 3, each: { a: 2 } });
  assert.deepEqual(first, copy);
});

test('rows move with all that is known of them', async () => {
  const table = tableOf(2);
  await read(table, 1, { row: 0, count: 10, each: { a: 1 } }, { row: 1, count: 20, each: { b: 4 } });
  await read(table, 2, { row: 0, count: 11 }, { row: 1, count: 22 });
  table.rearrange(Int32Array.of(1, -1));
  const moved = table.share();
  assert.deepEqual([...(moved.columns.get('count_total') ?? [])], [22, NONE]);
  assert.deepEqual(rate(moved), [2, NONE]);
  assert.deepEqual(moved.keyed.get('each_total'), keyedOf([0, 'b', 4]));
  assert.deepEqual(rate(await read(table, 3, { row: 0, count: 25 })), [3, NONE]);
});
