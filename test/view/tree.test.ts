import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzy } from '../../src/view/fuzzy.ts';
import type { Table } from '../../src/view/table.ts';
import { linesOf, type View } from '../../src/view/tree.ts';
import { tableOf } from './support.ts';

const view: View = { sort: { metric: 'cpu', descending: true }, filter: '', folded: new Set() };
const ids = (table: Table, changed: Partial<View> = {}): string[] =>
  linesOf(table, { ...view, ...changed }).map(({ row }) => row.id);

const tree = tableOf({ '/': 5, '/a': 1, '/a/x': 1, '/b': 4, '/b/y': 1, '/b/z': 3, '/c': null });

test('sorted, with ancestors above their descendants', () => {
  assert.deepEqual(ids(tree), ['/', '/b', '/b/z', '/b/y', '/a', '/a/x', '/c']);
  assert.deepEqual(ids(tree, { sort: { metric: 'cpu', descending: false } }), [
    '/',
    '/c',
    '/a',
    '/a/x',
    '/b',
    '/b/y',
    '/b/z',
  ]);
  assert.deepEqual(ids(tree, { sort: { descending: false } }), ['/', '/a', '/a/x', '/b', '/b/y', '/b/z', '/c']);
});

test('a hot leaf lifts the groups above it, though their own figures are low', () => {
  assert.deepEqual(ids(tableOf({ '/': 0, '/a': 2, '/b': 0, '/b/hot': 9 })), ['/', '/b', '/b/hot', '/a']);
});

test('what looks equal keeps its place', () => {
  assert.deepEqual(ids(tableOf({ '/': 1, '/a': 0.0001, '/b': 0.0004 })), ['/', '/a', '/b']);
});

test('a filter shows matches under their ancestors, also folded ones', () => {
  const lines = linesOf(tree, { ...view, filter: 'Z', folded: new Set(['/b']) });
  assert.deepEqual(
    lines.map(({ row, context }) => [row.id, context]),
    [
      ['/', true],
      ['/b', true],
      ['/b/z', false],
    ],
  );
  assert.deepEqual(ids(tree, { filter: 'nothing' }), []);
});

test('what holds the filter comes first, then what has its letters', () => {
  const groups = tableOf({ '/': 9, '/web': 0, '/w-e-b': 5, '/wide.ebb': 7, '/other': 8 });
  assert.deepEqual(ids(groups, { filter: 'web' }), ['/', '/web', '/wide.ebb', '/w-e-b']);
});

test('a filter finds names, and letters in order', () => {
  const named = tableOf({ '/': 1, '/docker': 1, '/docker/0123': 1 });
  const rows = named.rows.map((row) => (row.depth === 2 ? { ...row, name: 'Shop' } : row));
  assert.deepEqual(ids({ ...named, rows }, { filter: 'shop' }), ['/', '/docker', '/docker/0123']);
  assert.deepEqual(fuzzy('/system.slice/sshd.service', 'syssh'), { whole: false, at: [1, 2, 3, 14, 16] });
  assert.deepEqual(fuzzy('/system.slice/sshd.service', 'SSHD'.toLowerCase()), { whole: true, at: [14, 15, 16, 17] });
  assert.equal(fuzzy('/system.slice/sshd.service', 'hss'), undefined);
  assert.equal(fuzzy('/a/b', 'bb'), undefined);
});

test('a letter that is left out is found nevertheless, far apart ones are not', () => {
  assert.ok(fuzzy('/postgres', 'postgrs'));
  assert.equal(fuzzy('/pxxxxxxo', 'po'), undefined);
});

test('whatever is found stands in the text, in order', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', '/', '.') }),
      fc.string({ unit: fc.constantFrom('a', 'b', '/'), minLength: 1 }),
      (text, wanted) => {
        const match = fuzzy(text, wanted);
        assert.equal(match?.whole ?? false, text.includes(wanted));
        if (match === undefined) return;
        assert.equal(match.at.map((at) => text[at]).join(''), wanted);
        assert.ok(match.at.every((at, i) => i === 0 || at > (match.at[i - 1] ?? at)));
      },
    ),
  );
});

test('leaves stand beside one another, whatever is above them', () => {
  const lines = linesOf(tree, { ...view, leaves: true });
  assert.deepEqual(
    lines.map(({ row, level, expanded }) => [row.id, level, expanded]),
    [
      ['/b/z', 1, undefined],
      ['/a/x', 1, undefined],
      ['/b/y', 1, undefined],
      ['/c', 1, undefined],
    ],
  );
  assert.deepEqual(ids(tree, { leaves: true, filter: 'b/' }), ['/b/z', '/b/y']);
});

test('only some rows, with those above them', () => {
  const only = (at: number): boolean => tree.rows[at]?.id === '/b/y';
  assert.deepEqual(ids(tree, { only }), ['/', '/b', '/b/y']);
  assert.deepEqual(ids(tree, { only, filter: 'z' }), []);
});

test('siblings are numbered as they are shown', () => {
  assert.deepEqual(
    linesOf(tree, view).map(({ row, position, siblings }) => [row.id, position, siblings]),
    [
      ['/', 1, 1],
      ['/b', 1, 3],
      ['/b/z', 1, 2],
      ['/b/y', 2, 2],
      ['/a', 2, 3],
      ['/a/x', 1, 1],
      ['/c', 3, 3],
    ],
  );
});

test('folding hides what is below', () => {
  const lines = linesOf(tree, { ...view, folded: new Set(['/b']) });
  assert.deepEqual(
    lines.map(({ row, expanded }) => [row.id, expanded]),
    [
      ['/', true],
      ['/b', false],
      ['/a', true],
      ['/a/x', undefined],
      ['/c', undefined],
    ],
  );
});

test('whatever the figures, every row is there once and below its parent', () => {
  const cell = fc.oneof(fc.double({ min: 0, noNaN: true }), fc.constant(null), fc.constant('max' as const));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), cell), { maxLength: 50 }), fc.boolean(), (given, descending) => {
      const paths = ['/'];
      for (const [at, [pick]] of given.entries()) {
        const above = paths[pick % paths.length] ?? '/';
        paths.push(`${above === '/' ? '' : above}/${at}`);
      }
      const groups = Object.fromEntries(paths.map((path, at) => [path, given[at - 1]?.[1] ?? null]));
      const shown = linesOf(tableOf(groups), { ...view, sort: { metric: 'cpu', descending } });
      assert.deepEqual(shown.map(({ row }) => row.id).sort(), [...paths].sort());
      for (const [at, { level }] of shown.entries()) {
        const before = shown[at - 1];
        assert.ok(before === undefined ? level === 1 : level <= before.level + 1);
      }
    }),
  );
});
