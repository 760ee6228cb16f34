import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { Afterlife } from '../../src/exporters/afterlife.ts';
import type { EventTotal } from '../../src/monitor/journal.ts';
import { rowsOf, snapshotOf } from '../monitor/support.ts';

const KEEP = 1000;
const kills = (cgroup: string, count: number): EventTotal => ({ kind: 'oom_kill', cgroup, count });

/** @param groups with the kernel's count of kills in each */
function look(seq: number, groups: Readonly<Record<string, number>>) {
  const rows = rowsOf(...Object.keys(groups));
  return snapshotOf(rows, { memory_oom_kills_total: [Number.NaN, ...Object.values(groups)] }, { seq });
}

test('a group that is gone keeps its last count, and what events added to it', () => {
  const after = new Afterlife(defaultRegistry);
  assert.deepEqual(after.see(look(1, { '/a': 5, '/b': 0, '/c': 1 }), [kills('/a', 2)], KEEP, 0), []);
  // Two more in /a, one in /b, and then both went; so did /c, in which nothing more happened.
  const gone = after.see(look(2, {}), [kills('/a', 4), kills('/b', 1)], KEEP, 10);
  const stat = 'memory_oom_kills_total';
  const expected = [
    { id: '/a', stat, value: 7 },
    { id: '/c', stat, value: 1 },
    { id: '/b', stat, value: 1 },
  ];
  assert.deepEqual(gone, expected);
  // The same look again, and a later one.
  assert.deepEqual(after.see(look(2, {}), [kills('/a', 4), kills('/b', 1)], KEEP, 20), expected);
  assert.deepEqual(after.see(look(3, {}), [kills('/a', 4), kills('/b', 1)], KEEP, 1009), expected);
  // Its time is over, though the totals are still there; a kill that was found late counts anew.
  assert.deepEqual(after.see(look(4, {}), [kills('/a', 4), kills('/b', 1)], KEEP, 1010), []);
  assert.deepEqual(after.see(look(5, {}), [kills('/a', 4), kills('/b', 1)], KEEP, 1020), []);
});

test('a group that came and went between two looks is known by its events alone', () => {
  const after = new Afterlife(defaultRegistry);
  after.see(look(1, {}), [], KEEP, 0);
  const events = [kills('/short', 3), kills('unattributed', 1), { kind: 'created', cgroup: '/short', count: 1 }];
  assert.deepEqual(after.see(look(2, {}), events, KEEP, 1), [
    { id: '/short', stat: 'memory_oom_kills_total', value: 3 },
  ]);
});

test('a path that is there again has the new group’s figures', () => {
  const after = new Afterlife(defaultRegistry);
  after.see(look(1, { '/a': 5 }), [], KEEP, 0);
  assert.equal(after.see(look(2, {}), [], KEEP, 1).length, 1);
  assert.deepEqual(after.see(look(3, { '/a': 0 }), [], KEEP, 2), []);
});
