import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flatValue, parseFlat } from '../../src/parse/flat.ts';
import { parseFixture, rejects, survives } from './hostile.ts';

const FILES = [
  'v1/cpu.stat',
  'v1/cpuacct.stat',
  'v1/memory.oom_control',
  'v1/memory.stat',
  'v1/root-memory.stat',
  'v1/hybrid-cpu.stat',
  'v1/hybrid-cgroup.events',
  'v1/hybrid-cgroup.stat',
  'v2/cgroup.events',
  'v2/cgroup.stat',
  'v2/cpu.stat',
  'v2/hugetlb.2MB.events',
  'v2/memory.events',
  'v2/memory.stat',
  'v2/memory.swap.events',
  'v2/pids.events',
];

test('flat-keyed files of both dialects', () => {
  assert.deepEqual(Object.fromEntries(parseFlat(parseFixture('v1/cpu.stat'))), {
    nr_periods: 45,
    nr_throttled: 27,
    throttled_time: 1159346155,
    nr_bursts: 0,
    burst_time: 0,
  });
  const v1 = parseFlat(parseFixture('v1/memory.stat'));
  assert.equal(v1.get('cache'), 405073920);
  assert.equal(v1.get('hierarchical_memory_limit'), Number.POSITIVE_INFINITY);
  assert.equal(v1.size, 42);
  assert.equal(parseFlat(parseFixture('v2/memory.stat')).get('file'), 314662912);
  assert.equal(parseFlat(parseFixture('v2/memory.events')).get('high'), 2081);
});

test('values may be max or negative, and the last newline may be missing', () => {
  assert.deepEqual(
    [...parseFlat('sev max\nb -3\nc 1')],
    [
      ['sev', Number.POSITIVE_INFINITY],
      ['b', -3],
      ['c', 1],
    ],
  );
  assert.equal(parseFlat('').size, 0);
  for (const text of ['\n', 'a', 'a\n', 'a \n', ' 1\n', 'a 1 2\n', 'a 1\n\n', 'a x', 'cpu user system\n']) {
    rejects(() => parseFlat(text), 'PARSE', /key value/);
  }
});

test('one value is found by its whole key', () => {
  for (const name of FILES) {
    const text = parseFixture(name);
    const values = parseFlat(text);
    assert.ok(values.size > 0);
    for (const [key, value] of values) assert.equal(flatValue(text, key), value, `${name}: ${key}`);
  }
  assert.equal(flatValue('total_rss 5\nrss 3\n', 'rss'), 3);
  assert.equal(flatValue('rss_huge 5\n', 'rss'), undefined);
  assert.equal(flatValue('', 'rss'), undefined);
  rejects(() => flatValue('rss x\n', 'rss'), 'PARSE', /rss x/);
});

test('flat parsers survive any text', () => {
  survives(parseFlat, 'PARSE', ...FILES.map(parseFixture));
  survives((text) => flatValue(text, 'cache'), 'PARSE', parseFixture('v1/memory.stat'));
});
