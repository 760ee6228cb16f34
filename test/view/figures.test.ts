import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupEvent } from '../../src/protocol/event.ts';
import { AGE, Figures, Happenings, levelOf, shareOf, shownColumns } from '../../src/view/figures.ts';
import type { Table } from '../../src/view/table.ts';
import { columnOf, rowsOf } from './support.ts';

const ids = ['/', '/a', '/a/x', '/a/y', '/b'];
const table: Table = {
  seq: 1,
  time: 1_000_000,
  columns: ['used', 'wait', 'kills', 'max'],
  rows: rowsOf(ids, '1', { created: 400_000 }),
  values: [
    [10, 7, 2, 3, null],
    [0.5, 0.4, 0.3, null, 0],
    [null, 0, 0, 0, 0],
    [null, 'max', 2.1, 4, 8],
  ],
};
const used = columnOf('used', { limit: 'max', alarm: { near: 0.75, bad: 0.9 } });
const wait = columnOf('wait', { show: 'ratio', alarm: { near: 0.1, bad: 0.25 } });
const kills = columnOf('kills', { local: true, event: 'kill', alarm: { near: 1, bad: 1 } });
const cells = (figures: Figures, column: typeof used) => ids.map((_, at) => figures.cell(column, at));

const event = (seq: number, cgroup: string, time: number, count?: number): CgroupEvent => ({
  seq,
  time,
  kind: 'kill',
  cgroup,
  text: '',
  ...(count !== undefined && { count }),
});

test('a group alone: its subtree’s figure less its children’s; waiting does not add up', () => {
  assert.deepEqual(cells(new Figures(table), used), [10, 7, 2, 3, null]);
  const self = new Figures(table, 'self');
  assert.deepEqual(cells(self, used), [3, 2, 2, 3, null]);
  assert.deepEqual(cells(self, wait), [null, null, 0.3, null, 0]);
  assert.deepEqual(self.all(used), [3, 2, 2, 3, null]);
});

test('what is counted in groups alone is added up', () => {
  const local = columnOf('used', { local: true });
  assert.deepEqual(cells(new Figures(table), local), [22, 12, 2, 3, null]);
  assert.deepEqual(cells(new Figures(table, 'self'), local), [10, 7, 2, 3, null]);
});

test('a child that is gone is no part of its parent', () => {
  const changes = new Map([[3, { kind: 'gone', time: 0 } as const]]);
  assert.equal(new Figures({ ...table, changes }, 'self').cell(used, 1), 5);
});

test('what happened in the last quarter of an hour, in the group and below; absent where nothing is known', () => {
  const happenings = new Happenings();
  happenings.add(event(1, '/a/x', 50_000));
  happenings.add(event(2, '/a/x', 500_000, 2));
  happenings.add(event(3, '/a', 900_000));
  happenings.add(event(4, '/a', 1_000_001));
  assert.deepEqual(cells(new Figures(table, 'rollup', happenings), kills), [3, 3, 2, 0, 0]);
  assert.deepEqual(cells(new Figures(table, 'self', happenings), kills), [null, 1, 2, 0, 0]);
});

test('wrong is what crosses its alarm: the worse part, the share of the limit, or the figure', () => {
  assert.equal(levelOf(wait, 0.09, undefined), undefined);
  assert.equal(levelOf(wait, 0.1, undefined), 'near');
  assert.equal(levelOf(wait, 0.25, undefined), 'bad');
  assert.equal(levelOf({ ...wait, worse: 'full' }, 0.9, undefined, 0.1), 'near');
  assert.equal(levelOf({ ...wait, worse: 'full' }, 0.9, undefined, null), undefined);
  assert.equal(levelOf(used, 100, undefined), undefined);
  assert.equal(levelOf(used, 100, 0.9), 'bad');
  assert.equal(levelOf(columnOf('any'), 100, 1), undefined);
  assert.equal(shareOf(5, 'max'), undefined);
  assert.equal(shareOf(5, 10), 0.5);
});

test('trouble is of a group whatever figures are shown, and not of one that is gone', () => {
  const happenings = new Happenings();
  happenings.add(event(1, '/b', 999_000));
  const figures = new Figures(table, 'self', happenings);
  assert.deepEqual([...figures.troubled([used, wait, kills])], [1, 1, 1, 0, 1]);
  const changes = new Map([[2, { kind: 'gone', time: 0 } as const]]);
  assert.equal(new Figures({ ...table, changes }).troubled([used, wait])[2], 0);
});

test('limits, marks and worse parts stand within their columns; age behind all', () => {
  const column = columnOf('used', { limit: 'max', worse: 'worst', marks: [{ metric: 'low', title: 'low' }] });
  const all = [column, ...['max', 'worst', 'low', 'other'].map((metric) => columnOf(metric))];
  assert.deepEqual(
    shownColumns(all).map(({ metric }) => metric),
    ['used', 'other', 'age'],
  );
  assert.equal(new Figures(table).cell(AGE, 1), 600);
  assert.equal(new Figures({ ...table, rows: rowsOf(ids) }).cell(AGE, 1), null);
});
