import assert from 'node:assert/strict';
import { test } from 'node:test';
import { History } from '../../src/monitor/history.ts';
import type { Row } from '../../src/protocol/snapshot.ts';
import type { ColumnInfo } from '../../src/protocol/stream.ts';
import { rowsOf, snapshotOf } from './support.ts';

const column = (metric: string): ColumnInfo => ({ metric, title: metric, show: 'count', rate: false });
const START = 1_700_000_000_000;

/** A look at that second. */
function look(history: History, second: number, size: readonly number[], rows: readonly Row[] = rowsOf('/a')): void {
  const time = START + second * 1000;
  history.add(snapshotOf(rows, { size, other: size.map((value) => -value) }, { time }));
}
const points = (history: History, cgroup = '/a', metric = 'size', from = 0, to = Number.POSITIVE_INFINITY) =>
  history.series([metric], START + from * 1000, START + to * 1000, [cgroup]).flatMap((series) =>
    series.points.map((point) => ({
      ...point,
      from: (point.from - START) / 1000,
      to: (point.to - START) / 1000,
    })),
  );

test('looks are kept as they were for a while, then as minimum, mean and maximum, then not at all', () => {
  const history = new History([column('size'), column('other')], { seconds: 60, fineSeconds: 20 });
  const rows = rowsOf('/a');
  for (let second = 0; second <= 100; second++) look(history, second, [0, second], rows);
  const all = points(history);
  const fine = all.filter(({ from, to }) => from === to);
  assert.deepEqual(fine.at(-1), { from: 100, to: 100, min: 100, mean: 100, max: 100 });
  assert.equal(fine.length, 21);
  for (const { from, to, min, mean, max } of all.slice(0, -21)) {
    assert.deepEqual([min, mean, max], [from, (from + to) / 2, to]);
    assert.ok(to > from && to - from <= 10);
  }
  assert.ok(
    all.every(({ from }, i) => i === 0 || from > (all[i - 1]?.to ?? 0)),
    'without gap or overlap',
  );
  assert.ok((all[0]?.to ?? 0) >= 40 && (all[0]?.from ?? 0) < 50);
  assert.deepEqual(points(history, '/', 'other').at(-1)?.mean, -0);
});

test('a part of the time, of the columns, of the groups', () => {
  const history = new History([column('size'), column('other')]);
  for (let second = 0; second < 5; second++) look(history, second, [1, second]);
  assert.deepEqual(
    points(history, '/a', 'size', 1, 2).map(({ mean }) => mean),
    [1, 2],
  );
  assert.deepEqual(points(history, '/none'), []);
  assert.deepEqual(points(history, '/a', 'unknown'), []);
  assert.deepEqual(
    history
      .series(['other', 'size'], 0, Number.POSITIVE_INFINITY, ['/a', '/'])
      .map(({ id, metric }) => `${id} ${metric}`),
    ['/ other', '/ size', '/a other', '/a size'],
  );
});

test('absent figures are left out of all three; no limit stays none', () => {
  const history = new History([column('size')], { fineSeconds: 0 });
  const rows = rowsOf('/a');
  const values = [Number.NaN, 4, Number.NaN, 8, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const [second, value] of values.slice(0, 4).entries()) look(history, second, [value, value], rows);
  look(history, 30, [1, 1], rows);
  look(history, 60, [1, 1], rows);
  assert.deepEqual(points(history)[0], { from: 0, to: 3, min: 4, mean: 6, max: 8 });
  const unlimited = new History([column('size')], { fineSeconds: 0 });
  for (const second of [0, 1, 2, 30, 60]) look(unlimited, second, [0, Number.POSITIVE_INFINITY], rows);
  assert.deepEqual(points(unlimited)[0]?.mean, Number.POSITIVE_INFINITY);
});

test('a path that was made again is another series, also within a span', () => {
  const history = new History([column('size')], { fineSeconds: 0 });
  const [root, a] = rowsOf('/a');
  assert.ok(root && a);
  const again = { ...a, generation: '999' };
  look(history, 0, [0, 1], [root, a]);
  look(history, 1, [0, 1], [root, a]);
  look(history, 2, [0, 5, 1], [root, again, { ...a, id: '/b', generation: '1000' }]);
  look(history, 30, [0, 5], [root, again]);
  look(history, 60, [0, 5], [root, again]);
  const series = history.series(['size'], 0, Number.POSITIVE_INFINITY, ['/a', '/']);
  assert.deepEqual(
    series.map(({ id, generation }) => [id, generation]),
    [
      ['/', root.generation],
      ['/a', '999'],
    ],
  );
  assert.equal(series[0]?.points[0]?.to, START + 2000);
});

test('looks in quick succession are left out', () => {
  const history = new History([column('size')]);
  for (let tenth = 0; tenth < 30; tenth++) look(history, tenth / 10, [0, tenth]);
  assert.deepEqual(
    points(history).map(({ mean }) => mean),
    [0, 8, 16, 24],
  );
});

test('memory is bounded: what is old becomes coarser first, and is dropped then', () => {
  const rows = rowsOf(...Array.from({ length: 99 }, (_, i) => `/g${i}`));
  const sizes = (second: number) => rows.map((_, i) => i + second);
  const frame = rows.length * 4;
  const bytes = 30 * frame + 6 * 3.5 * frame;
  const history = new History([column('size')], { fineSeconds: 20, bytes });
  for (let second = 0; second < 300; second++) {
    look(history, second, sizes(second), rows);
    assert.ok(history.bytes <= bytes, `${history.bytes} at ${second}`);
  }
  const all = points(history, '/g1');
  assert.ok((all[0]?.from ?? 300) < 30, `it reaches back to ${all[0]?.from}`);
  assert.ok(all.some(({ from, to }) => to - from > 10));
  // Looks of the last minutes alone would fill it: they are folded sooner, so that there is a past at all.
  const crowded = new History([column('size')], { bytes: 40 * frame });
  for (let second = 0; second < 300; second++) look(crowded, second, sizes(second), rows);
  assert.ok((points(crowded, '/g1')[0]?.from ?? 300) < 100);
  assert.ok(crowded.bytes <= 40 * frame);
  const tiny = new History([column('size')], { bytes: 3 * frame });
  for (let second = 0; second < 50; second++) look(tiny, second, sizes(second), rows);
  assert.ok(tiny.bytes <= 3 * frame);
  assert.equal(points(tiny, '/g1').at(-1)?.to, 49);
});

test('what stays the same is kept once', () => {
  const rows = rowsOf(...Array.from({ length: 99 }, (_, i) => `/g${i}`));
  const history = new History([column('size')], { fineSeconds: 20 });
  const sizes = rows.map((_, i) => i);
  for (let second = 0; second < 100; second++) look(history, second, sizes, rows);
  assert.ok(history.bytes <= 2 * rows.length * 4, `${history.bytes}`);
  // What moves then is told with what was before.
  for (let second = 100; second < 130; second++) look(history, second, [7, ...sizes.slice(1)], rows);
  const all = points(history, '/');
  assert.deepEqual(
    all.map(({ mean }) => mean >= 0 && mean <= 7),
    all.map(() => true),
  );
  const across = all.find(({ min, max }) => min !== max);
  assert.ok(across);
  const [before, after] = [100 - across.from, across.to - 99];
  assert.deepEqual([across.min, across.max], [0, 7]);
  assert.ok(Math.abs(across.mean - (7 * after) / (before + after)) < 1e-5);
  assert.ok(points(history, '/g5').every(({ min, mean, max }) => min === 6 && mean === 6 && max === 6));
});

test('the table at a moment: what was last kept by then, else what is oldest', () => {
  const history = new History([column('size'), column('other')], { seconds: 60, fineSeconds: 5 });
  assert.equal(history.table(START, ['size']), undefined);
  const rows = rowsOf('/a');
  for (let second = 0; second <= 20; second++) look(history, second, [Number.NaN, second], rows);
  const moments = history.moments.map(([from, to]) => [(from - START) / 1000, (to - START) / 1000]);
  assert.deepEqual(moments.at(-1), [20, 20]);
  assert.deepEqual(moments[0]?.[0], 0);
  const fine = history.table(START + 18_400, ['other', 'nonsense']);
  assert.deepEqual(fine?.columns, ['other']);
  assert.deepEqual([fine?.to, fine?.rows], [START + 18_000, rows]);
  assert.deepEqual([...(fine?.values[0] ?? [])], [Number.NaN, -18]);
  assert.equal(history.table(0, ['size'])?.from, START);
});
