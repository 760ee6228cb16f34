import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgeted, type Policy, selected } from '../../src/exporters/choice.ts';
import { type Family, pages } from '../../src/exporters/exposition.ts';
import { type Audience, subject, tail } from '../../src/exporters/parts.ts';
import { parseSelector } from '../../src/exporters/selector.ts';
import { glob } from '../../src/parse/pattern.ts';
import { snapshotOf } from '../monitor/support.ts';
import { viewOf, wishFor } from './support.ts';

/** `/`, `/a`, `/a/b`, `/a/b/c`, `/d`. */
const rows = [
  ['/', -1],
  ['/a', 0],
  ['/a/b', 1],
  ['/a/b/c', 2],
  ['/d', 0],
].map(([id, parent], at) => ({
  id: String(id),
  generation: String(at),
  parent: Number(parent),
  depth: id === '/' ? 0 : String(id).split('/').length - 1,
}));
const snapshot = snapshotOf(rows, {});

test('groups are chosen by pattern, depth, and what is below them', () => {
  const shown = (policy: Partial<Policy>, ...patterns: string[]) => {
    const { choice } = viewOf(snapshot, policy);
    return [...choice.rows(snapshot, wishFor({ groups: patterns.map(glob) }))].map((at) => rows[at]?.id);
  };
  assert.deepEqual(shown({}), ['/', '/a', '/a/b', '/a/b/c', '/d']);
  assert.deepEqual(shown({ include: [glob('/a/**')] }), ['/a', '/a/b', '/a/b/c']);
  assert.deepEqual(shown({ include: [glob('/a/**')], exclude: [glob('/a/b')] }), ['/a', '/a/b/c']);
  assert.deepEqual(shown({ include: [glob('/a/**')] }, '/', '/a'), ['/a']);
  assert.deepEqual(shown({ depth: 1 }), ['/', '/a', '/d']);
  assert.deepEqual(shown({ groups: 'leaves' }), ['/a/b/c', '/d']);
  // A group that has children is no leaf, though they are not shown.
  assert.deepEqual(shown({ groups: 'leaves', depth: 2 }), ['/d']);
  assert.deepEqual(shown({ groups: 'rollup', depth: 2 }), ['/a/b', '/d']);
  assert.deepEqual(shown({ groups: 'rollup', exclude: [glob('/a/b/c')] }), ['/a/b', '/d']);
});

const audience: Audience = {
  rows: Int32Array.from(rows.keys()),
  subjects: rows.map(({ id }) => subject({ cgroup: id })),
};
const families: readonly Family[] = [
  {
    name: 'a',
    kind: 'gauge',
    help: 'A',
    parts: [
      { values: Float64Array.of(1, 1, 1, 1, Number.NaN), tail: tail({}) },
      {
        values: Float64Array.of(1, 1, 1),
        row: Int32Array.of(2, 3, 3),
        tails: [tail({ x: '1' }), tail({ x: '2' })],
        which: Int32Array.of(0, 0, 1),
      },
    ],
  },
  { name: 'b', kind: 'gauge', help: 'B', singles: [{ labels: { x: '1' }, value: 1 }] },
];
const lines = (made: Iterable<Family>, shown = audience): string[] =>
  Buffer.concat([...pages(made, shown, 'text')])
    .toString()
    .split('\n')
    .filter((line) => /^[^#]/.test(line));

test('a budget leaves out whole groups, the deepest first, and says how many series', () => {
  const within = (budget: number) => {
    const { audience: kept, dropped } = budgeted(families, rows, audience, budget);
    const written = lines(families, kept);
    assert.equal(written.length + dropped, 8);
    return { groups: [...kept.rows].map((at) => rows[at]?.id), dropped };
  };
  assert.deepEqual(within(Number.POSITIVE_INFINITY), { groups: ['/', '/a', '/a/b', '/a/b/c', '/d'], dropped: 0 });
  assert.deepEqual(within(8).dropped, 0);
  assert.deepEqual(within(7), { groups: ['/', '/a', '/a/b', '/d'], dropped: 3 });
  assert.deepEqual(within(4), { groups: ['/', '/a', '/d'], dropped: 5 });
  // What does not fit ends it: a smaller group further down must not come and go.
  assert.deepEqual(within(2), { groups: ['/'], dropped: 6 });
  assert.deepEqual(within(0), { groups: [], dropped: 7 });
});

test('a series is shown when one of the selectors takes it', () => {
  const taken = (...selectors: string[]) => lines(selected(families, audience, selectors.map(parseSelector)));
  assert.deepEqual(taken('a{cgroup="/a"}'), ['a{cgroup="/a"} 1']);
  assert.deepEqual(taken('{x="1"}'), ['a{cgroup="/a/b",x="1"} 1', 'a{cgroup="/a/b/c",x="1"} 1', 'b{x="1"} 1']);
  assert.deepEqual(taken('a{x=""}', 'a{x="2",cgroup=~"/a/.*"}'), [
    'a{cgroup="/"} 1',
    'a{cgroup="/a"} 1',
    'a{cgroup="/a/b"} 1',
    'a{cgroup="/a/b/c"} 1',
    'a{cgroup="/a/b/c",x="2"} 1',
  ]);
  assert.deepEqual(taken('c'), []);
  assert.equal(lines(selected(families, audience, [])).length, 8);
});
