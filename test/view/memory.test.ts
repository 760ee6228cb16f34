import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lately } from '../../src/view/lately.ts';
import { Memory } from '../../src/view/memory.ts';
import { tableOf } from './support.ts';

const NONE = Number.NaN;

test('a group that was made anew has no past', () => {
  const memory = new Memory();
  memory.add(tableOf({ '/': 1 }));
  memory.add(tableOf({ '/': 2 }));
  const anew = tableOf({ '/': 3 }, '2');
  memory.add(anew);
  const [row] = anew.rows;
  assert.ok(row);
  assert.deepEqual(memory.trail(row, 'cpu'), [NONE, NONE, 3]);
});

test('a table is remembered as it was, the trail ends where it is asked for', () => {
  const memory = new Memory();
  for (let time = 1; time <= 200; time++)
    memory.add(tableOf({ '/': time, '/a': null, '/b': 'max' }, '1', { time, seq: time }));
  assert.deepEqual([memory.times.length, memory.times[0]], [120, 81]);
  const old = memory.at(100);
  assert.deepEqual(old?.values, [[100, null, 'max']]);
  assert.equal(memory.at(1), undefined);
  const [row] = old.rows;
  assert.ok(row);
  assert.deepEqual(
    memory.trail(row, 'cpu', 90),
    Array.from({ length: 10 }, (_, i) => 81 + i),
  );
  assert.equal(memory.trail(row, 'cpu').length, Memory.length);
  assert.deepEqual(memory.trail(row, 'other').slice(-1), [NONE]);
});

test('what was before the first table comes first, until there are enough', () => {
  const memory = new Memory();
  const first = tableOf({ '/': 7 });
  const [row] = first.rows;
  assert.ok(row);
  memory.add(first);
  assert.ok(!memory.recalls(row, 'cpu'));
  memory.recall(row, 'cpu', new Float32Array(Memory.length).fill(5));
  assert.ok(memory.recalls(row, 'cpu'));
  assert.deepEqual(memory.trail(row, 'cpu'), [...Array(59).fill(5), 7]);
  for (let i = 0; i < 60; i++) memory.add(first);
  assert.deepEqual(memory.trail(row, 'cpu'), Array(60).fill(7));
});

test('a group that is gone stays for a minute, with its last figures', () => {
  const lately = new Lately();
  lately.add(tableOf({ '/': 1, '/a': 2, '/a/x': 3 }, '1', { time: 0 }));
  const after = lately.add(tableOf({ '/': 1 }, '1', { time: 1000 }));
  assert.deepEqual(
    after.rows.map(({ id, parent }) => [id, parent]),
    [
      ['/', -1],
      ['/a', 0],
      ['/a/x', 1],
    ],
  );
  assert.deepEqual(after.values, [[1, 2, 3]]);
  assert.deepEqual(after.changes?.get(2), { kind: 'gone', time: 1000 });
  const still = lately.add({ ...tableOf({ '/': 5 }), rows: after.rows.slice(0, 1), time: 61_000 });
  assert.equal(still.rows.length, 3);
  const over = lately.add({ ...tableOf({ '/': 5 }), time: 61_001 });
  assert.deepEqual([over.rows.length, over.changes], [1, undefined]);
});

test('a path that is another group now says so, and the old one is not shown beside it', () => {
  const lately = new Lately();
  lately.add(tableOf({ '/': 1, '/a': 2 }, '1', { time: 0 }));
  const anew = tableOf({ '/': 1, '/a': 0, '/b': 0 }, '1', { time: 1000 });
  const rows = anew.rows.map((row) => (row.id === '/a' ? { ...row, generation: '2' } : row));
  const next = lately.add({ ...anew, rows });
  assert.equal(next.rows.length, 3);
  assert.deepEqual(
    [...(next.changes ?? [])].map(([at, { kind }]) => [next.rows[at]?.id, kind]),
    [
      ['/a', 'anew'],
      ['/b', 'new'],
    ],
  );
});

test('a group that was gone and is back is there once', () => {
  const lately = new Lately();
  lately.add(tableOf({ '/': 1, '/a': 2 }, '1', { time: 0 }));
  lately.add(tableOf({ '/': 1 }, '1', { time: 1000 }));
  const back = lately.add(tableOf({ '/': 1, '/a': 4 }, '2', { time: 2000 }));
  assert.deepEqual(
    back.rows.map(({ id }) => id),
    ['/', '/a'],
  );
  assert.equal(back.changes?.get(1)?.kind, 'anew');
});
