import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatSize, formatSizeExact, parseSize } from '../../src/parse/size.ts';
import { rejects, survives } from './hostile.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

test('sizes are read as Docker reads them, every suffix 1024-based', () => {
  const sizes = {
    '0': 0,
    '100': 100,
    '100b': 100,
    '64k': 65536,
    '512m': 512 * MiB,
    '30MB': 30 * MiB,
    '30MiB': 30 * MiB,
    '1.5g': 1.5 * GiB,
    '2GiB': 2 * GiB,
    '0.1g': 107374182,
    '1T': 1024 ** 4,
    '1pb': 1024 ** 5,
    '7e': 7 * 1024 ** 6,
    max: Number.POSITIVE_INFINITY,
    '-1': Number.POSITIVE_INFINITY,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseSize(text), bytes, text);
});

test('what is not a size is refused', () => {
  const wrong = [
    '',
    ' ',
    ' 1m',
    '1m ',
    '1 m',
    '-2',
    '-1m',
    '+1m',
    '1.m',
    '.5m',
    '1,5g',
    '1mm',
    '1bb',
    '1ib',
    '8e',
    '9223372036854775808',
    '1e30',
    '0x10',
    'm',
    `${'9'.repeat(400)}`,
  ];
  for (const text of wrong) rejects(() => parseSize(text), 'VALUE', /1024-based/);
});

test('an exact size is short and reads back to the same number', () => {
  assert.equal(formatSizeExact(256 * MiB), '256m');
  assert.equal(formatSizeExact(1073741825), '1073741825');
  assert.equal(formatSizeExact(1536 * MiB), '1536m');
  assert.equal(formatSizeExact(0), '0');
  assert.equal(formatSizeExact(Number.POSITIVE_INFINITY), 'max');
  assert.equal(formatSizeExact(2 ** 60 + 256), '1152921504606847232');
  const bytes = fc.oneof(
    fc.maxSafeNat(),
    fc.double({ min: 0, max: 2 ** 63, maxExcluded: true, noNaN: true }).map(Math.floor),
    fc.tuple(fc.nat(1023), fc.nat(6)).map(([count, power]) => (count % 8) * 1024 ** power),
    fc.constant(Number.POSITIVE_INFINITY),
  );
  fc.assert(fc.property(bytes, (value) => assert.equal(parseSize(formatSizeExact(value)), value)));
});

test('a size for people has one decimal at most', () => {
  const shown: [number, string][] = [
    [0, '0B'],
    [17, '17B'],
    [1023, '1023B'],
    [1024, '1KiB'],
    [256 * MiB, '256MiB'],
    [1.5 * GiB, '1.5GiB'],
    [MiB - 1, '1MiB'],
    [-1536, '-1.5KiB'],
    [2 ** 63, '8EiB'],
    [2 ** 74, '16384EiB'],
    [Number.POSITIVE_INFINITY, 'max'],
  ];
  for (const [bytes, text] of shown) assert.equal(formatSize(bytes), text);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2 ** 63, maxExcluded: true, noNaN: true }), (bytes) => {
      const text = formatSize(bytes);
      assert.match(text, /^\d{1,4}(\.\d)?([KMGTPE]i)?B$/);
      if (text !== '8EiB' && bytes >= 1024) assert.ok(Math.abs(parseSize(text) / bytes - 1) < 0.06);
    }),
  );
});

test('parseSize survives any text', () => survives(parseSize, 'VALUE', '1.5GiB', '512m', 'max'));
