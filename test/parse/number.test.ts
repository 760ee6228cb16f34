import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCounter, parseInteger, parseIntStrict, parseLimit } from '../../src/parse/number.ts';
import { parseFixture, rejects, survives } from './hostile.ts';

test('a counter is a non-negative decimal integer', () => {
  assert.equal(parseCounter('0\n'), 0);
  assert.equal(parseCounter('123'), 123);
  assert.equal(parseCounter('18446744073709551615\n'), 2 ** 64);
  for (const text of ['', '\n', '-1', '+1', '1.5', '1e3', '0x10', ' 1', '1 ', '1\n\n', '1'.repeat(21), 'max']) {
    rejects(() => parseCounter(text), 'PARSE');
  }
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      assert.equal(parseCounter(`${value}\n`), Number(value), 'the nearest double');
    }),
  );
});

test('a limit that means none is Infinity', () => {
  assert.equal(parseLimit(parseFixture('v1/memory.limit_in_bytes')), Number.POSITIVE_INFINITY);
  assert.equal(parseLimit(parseFixture('v1/pids.max')), Number.POSITIVE_INFINITY);
  assert.equal(parseLimit(parseFixture('v2/memory.max')), 512 * 1024 ** 2);
  assert.equal(parseLimit(parseFixture('v1/cpu.cfs_quota_us')), 20000);
  for (const text of [
    'max',
    'max\n',
    '-1\n',
    '9223372036854775807',
    '9223372036854710272',
    '9223372035781033984',
    '18446744073709551615',
  ]) {
    assert.equal(parseLimit(text), Number.POSITIVE_INFINITY, text);
  }
  assert.equal(parseLimit(`${2n ** 63n - 2n ** 35n}`), 2 ** 63 - 2 ** 35, 'a real limit, if a large one');
  for (const text of ['-2', 'MAX', 'maxx', '', '-', '--1', '-max']) rejects(() => parseLimit(text), 'PARSE');
  assert.equal(parseLimit('-2\n', { signed: true }), -2);
  assert.equal(parseLimit('-1\n', { signed: true }), Number.POSITIVE_INFINITY);
});

test('an integer keeps -1 as it is', () => {
  assert.equal(parseInteger('-1\n'), -1);
  assert.equal(parseInteger('-20'), -20);
  assert.equal(parseInteger('-0'), 0);
  rejects(() => parseInteger('max'), 'PARSE');
});

test('a number that a person entered is checked against its range', () => {
  const shares = { name: '--cpu-shares', min: 2, max: 262144, unit: 'shares' };
  assert.equal(parseIntStrict('512', shares), 512);
  assert.equal(parseIntStrict('-5', { name: 'nice', min: -20, max: 19 }), -5);
  rejects(
    () => parseIntStrict('1', shares),
    'VALUE',
    /^"1" is not a whole number from 2 to 262144 shares \(--cpu-shares\)$/,
  );
  rejects(() => parseIntStrict('-1', { name: 'n', min: 0, max: Number.POSITIVE_INFINITY }), 'VALUE', /from 0 up/);
  for (const text of ['', '5x', ' 5', '5\n', '1e3', '+5', '5.0', '0x5', '٥'])
    rejects(() => parseIntStrict(text, shares), 'VALUE');
  rejects(() => parseIntStrict('9007199254740993', { name: 'n', min: 0, max: Number.POSITIVE_INFINITY }), 'VALUE');
});

test('number parsers survive any text', () => {
  survives(parseCounter, 'PARSE', '123\n');
  survives(parseInteger, 'PARSE', '-123\n');
  survives(parseLimit, 'PARSE', 'max\n', '-1\n', '9223372036854771712\n');
  survives((text) => parseIntStrict(text, { name: 'n', min: 0, max: 10 }), 'VALUE', '5');
});
