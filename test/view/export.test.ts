import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCsv, toJson } from '../../src/view/export.ts';
import { Figures } from '../../src/view/figures.ts';
import { linesOf } from '../../src/view/tree.ts';
import { columnOf, tableOf } from './support.ts';

const table = tableOf({ '/': 1.5, '/a,"b"': null, '/c': 0 }, '1', {
  columns: ['cpu', 'max'],
  values: [
    [1.5, null, 0],
    [null, 'max', 2],
  ],
});
const rows = table.rows.map((row) => (row.id === '/c' ? { ...row, name: '=HYPERLINK("x")' } : row));
const named = { ...table, rows };
const shown = {
  figures: new Figures(named),
  lines: linesOf(named, { sort: { descending: false }, filter: '', folded: new Set() }),
  columns: [columnOf('cpu', { limit: 'max', rate: true })],
};

test('CSV: absent is empty, zero is zero, no limit is max; no text is a formula', () => {
  assert.deepEqual(toCsv(shown).split('\r\n'), [
    'cgroup,name,cpu per second,max',
    '/,,1.5,',
    '"/a,""b""",,,max',
    `/c,"'=HYPERLINK(""x"")",0,2`,
    '',
  ]);
});

test('every beginning of a formula is quoted', () => {
  for (const start of ['=', '+', '-', '@', '\t', '\r']) {
    const [line] = shown.lines;
    assert.ok(line);
    const lines = [{ ...line, row: { ...line.row, name: `${start}1` } }];
    assert.match(toCsv({ ...shown, lines }), /\n\/,"?'[=+\-@\t\r]1"?,/);
  }
});

test('JSON: null, 0 and "max"', () => {
  const { time, groups } = JSON.parse(toJson(shown));
  assert.equal(time, '1970-01-01T00:00:00.000Z');
  assert.deepEqual(groups[1], { cgroup: '/a,"b"', generation: '1', figures: { cpu: null, max: 'max' } });
  assert.equal(groups[2].name, '=HYPERLINK("x")');
  assert.equal(groups[2].figures.cpu, 0);
});
