import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ABSENT, formatCell, shortName } from '../../src/view/format.ts';

test('absent, zero and no limit are three things', () => {
  assert.equal(formatCell(null, 'bytes'), ABSENT);
  assert.equal(formatCell(undefined, 'count'), ABSENT);
  assert.equal(formatCell(0, 'bytes'), '0');
  assert.equal(formatCell('max', 'bytes'), '∞');
});

test('figures have three digits and a letter', () => {
  const bytes = [1, 999, 1000, 1023, 1024, 1536, 10 * 1024, 999 * 1024, 1023.9 * 1024, 2 ** 30, 9.996 * 2 ** 30];
  const texts = ['1', '999', '0.98K', '1.00K', '1.00K', '1.50K', '10.0K', '999K', '1.00M', '1.00G', '10.0G'];
  assert.deepEqual(
    bytes.map((value) => formatCell(value, 'bytes')),
    texts,
  );
  assert.equal(formatCell(1.2345, 'cores'), '1.23');
  assert.equal(formatCell(0.0312, 'ratio'), '3.1%');
  assert.equal(formatCell(0.0996, 'ratio'), '10%');
  assert.equal(formatCell(1, 'ratio'), '100%');
  assert.deepEqual(
    [0, 59.9, 60, 7200, 86_400 * 40].map((age) => formatCell(age, 'age')),
    ['0s', '59s', '1m', '2h', '40d'],
  );
  assert.equal(formatCell(12, 'count'), '12');
  assert.equal(formatCell(123_456, 'count'), '123K');
  assert.equal(formatCell(3.21, 'rate'), '3.2');
});

test('a container’s digits are cut as people know them', () => {
  assert.equal(shortName('/'), '/');
  assert.equal(shortName('/a/b.service'), 'b.service');
  assert.equal(shortName(`/docker/${'0123456789abcdef'.repeat(4)}`), '0123456789ab…');
});
