import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCpuList, isSubset, parseCpuList, union } from '../../src/parse/cpulist.ts';
import { parseFixture, rejects, survives } from './hostile.ts';

const numbers = fc.uniqueArray(fc.nat(300)).map((list) => list.sort((a, b) => a - b));

test('the kernel’s list format', () => {
  assert.deepEqual(parseCpuList(parseFixture('v2/cpuset.cpus')), [0, 2, 3]);
  assert.deepEqual(parseCpuList(parseFixture('v1/cpuset.cpus')), [0, 1]);
  assert.deepEqual(parseCpuList(''), []);
  assert.deepEqual(parseCpuList('\n'), []);
  assert.deepEqual(parseCpuList('3,0-1,1'), [0, 1, 3]);
  assert.deepEqual(parseCpuList('0-1023:2/256'), [0, 1, 256, 257, 512, 513, 768, 769]);
  assert.deepEqual(parseCpuList('10-14:1/2'), [10, 12, 14]);
  assert.equal(parseCpuList('0-65535').length, 65536);
});

test('what is not a list is refused, with work that is bounded', () => {
  for (const text of [
    ',',
    '1,',
    ',1',
    '1,,2',
    '1-',
    '-1',
    '3-1',
    '1-2-3',
    '1 2',
    ' 1',
    'all',
    '0-3:1',
    '0-3:3/2',
    '0-3:0/0',
    '1:1/1',
    '1.5',
  ]) {
    rejects(() => parseCpuList(text), 'VALUE', /is not a list/);
  }
  for (const text of ['0-4294967295', '65536', '0-65535,0', `0-${'9'.repeat(400)}`, '0-60000:0/1,0-60000:0/1']) {
    rejects(() => parseCpuList(text), 'VALUE', /below 65536/);
  }
  rejects(() => parseCpuList('x', 'PARSE'), 'PARSE');
});

test('lists read back', () => {
  assert.equal(formatCpuList([3, 0, 1, 1]), '0-1,3');
  assert.equal(formatCpuList([]), '');
  fc.assert(fc.property(numbers, (list) => assert.deepEqual(parseCpuList(formatCpuList(list)), list)));
});

test('subsets and unions', () => {
  assert.ok(isSubset([], []));
  assert.ok(isSubset([1], [0, 1]));
  assert.ok(!isSubset([2], [0, 1]));
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const both = union(a, b);
      assert.ok(isSubset(a, both) && isSubset(b, both));
      assert.deepEqual(both, parseCpuList([formatCpuList(a), formatCpuList(b)].filter(Boolean).join(',')));
    }),
  );
});

test('parseCpuList survives any text', () => survives(parseCpuList, 'VALUE', '0,2-3', '0-1023:2/256'));
