import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KnobInfo, Machine, Series } from '../../src/web/detail/facts.ts';
import { Past, stacked } from '../../src/web/detail/past.ts';
import { ageText, editText, ranges, valueText, visible } from '../../src/web/detail/text.ts';
import { mistakeIn, payloadOf } from '../../src/web/detail/validate.ts';

const series = (metric: string, points: readonly (readonly [number, number | 'max'])[]): Series => ({
  generation: '1',
  metric,
  points: points.map(([time, value]) => [time, time, value, value, value]),
});

test('figures of several metrics are on one axis; what is known already stays', () => {
  const past = new Past();
  past.add([
    series('a', [
      [1000, 1],
      [2000, 2],
    ]),
    series('b', [[2000, 4]]),
  ]);
  past.add([
    series('a', [
      [1000, 9],
      [2000, 9],
      [3000, 3],
    ]),
  ]);
  assert.deepEqual(past.times, [1000, 2000, 3000]);
  assert.deepEqual(past.of({ metric: 'a' }), [1, 2, 3]);
  assert.deepEqual(past.of({ metric: 'b' }), [Number.NaN, 4, Number.NaN]);
  assert.deepEqual(past.of({ metric: 'none' }), [Number.NaN, Number.NaN, Number.NaN]);
  assert.deepEqual(past.of({ metric: 'a', per: 'b' }), [Number.NaN, 0.5, Number.NaN]);
  assert.deepEqual(past.of({ metric: 'b', less: 'a' }), [Number.NaN, 2, Number.NaN]);
  past.dropBefore(2000);
  assert.deepEqual(
    [past.times, past.of({ metric: 'a' })],
    [
      [2000, 3000],
      [2, 3],
    ],
  );
});

test('a line is broken where nothing is known for long; no limit is no number', () => {
  const past = new Past();
  past.add([
    series('a', [
      [0, 1],
      [10_000, 1],
    ]),
  ]);
  past.add([series('a', [[500_000, 'max']])]);
  assert.deepEqual(past.times, [0, 10_000, 10_001, 500_000]);
  assert.deepEqual(past.of({ metric: 'a' }), [1, 1, Number.NaN, Number.POSITIVE_INFINITY]);
  assert.deepEqual(past.of({ metric: 'a', per: 'b' }), [Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
});

test('stacks grow upwards, and stand on what is there', () => {
  const figure = fc.option(fc.nat(1000), { nil: Number.NaN });
  const columns = fc.array(fc.array(figure, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(columns, (parts) => {
      const sums = stacked(parts);
      for (let at = 0; at < 5; at++) {
        const known = parts.map((part) => part[at] ?? Number.NaN).filter((value) => !Number.isNaN(value));
        const total = known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0);
        assert.ok(Object.is(sums.at(-1)?.[at], total));
      }
    }),
  );
});

const machine: Machine = {
  onlineCpus: [0, 1, 2, 3],
  nodes: [{ node: 0, cpus: [0, 1, 2, 3], memoryBytes: 2 ** 30 }],
};
const knob = (type: KnobInfo['type'], means: readonly string[] = []): KnobInfo => ({ key: 'k', help: '', means, type });
const shares = knob(
  { kind: 'int', about: '2..262144 shares', schema: { type: 'integer', minimum: 2, maximum: 262144 } },
  ['0'],
);
const limit = knob({
  kind: 'bytes',
  about: 'bytes or max',
  schema: { anyOf: [{ type: 'integer', minimum: 0 }, { const: 'max' }] },
});
const nice = knob({ kind: 'int', about: '-20..19', schema: { type: 'integer', minimum: -20, maximum: 19 } });
const cpus = knob({ kind: 'list', about: 'CPU numbers', of: 'cpu', schema: { type: 'array' } });
const devices = knob({ kind: 'map', about: 'DEVICE:VALUE', schema: { type: 'object' } });

test('what cannot be right is told before it is sent', () => {
  const right: [KnobInfo, string[]][] = [
    [shares, ['2', '0', '512', '+10%', '-5']],
    [limit, ['0', '64m', '1.5GiB', 'max', '-1', '+64m']],
    [nice, ['-20', '0', '19']],
    [cpus, ['0', '0-3', '0,2-3']],
    [devices, ['8:0:1m', '/dev/vda:max 8:16:5']],
  ];
  for (const [info, texts] of right)
    for (const text of texts) assert.equal(mistakeIn(text, info, machine), undefined, `${info.type.kind} ${text}`);
  const wrong: [KnobInfo, string[]][] = [
    [shares, ['1', '', 'many', '2.5', 'max', '262145']],
    [limit, ['-2x', '', '5 MB x', 'maximum']],
    [nice, ['-21', '20', '+x']],
    [cpus, ['', '4', '0-', 'a']],
    [devices, ['', 'x', '8:0: ']],
  ];
  for (const [info, texts] of wrong)
    for (const text of texts) assert.notEqual(mistakeIn(text, info, machine), undefined, `${info.type.kind} ${text}`);
  assert.deepEqual(payloadOf(' 8:0:1m  8:16:2m ', devices.type), ['8:0:1m', '8:16:2m']);
  assert.equal(payloadOf(' 64m ', limit.type), '64m');
});

test('values as text, short to be read and exact to be given back', () => {
  assert.equal(valueText(64 * 2 ** 20, 'bytes'), '64.0M');
  assert.equal(editText(64 * 2 ** 20, 'bytes'), '64m');
  assert.equal(editText(1_000_001, 'bytes'), '1000001');
  assert.equal(editText([0, 1, 2, 5], 'list'), '0-2,5');
  assert.equal(
    editText({ '8:0': 'max', '8:16': { enable: 1, ctrl: 'user' } }, 'map'),
    '8:0:max 8:16:enable=1,ctrl=user',
  );
  assert.equal(ranges([]), '');
  assert.deepEqual([5, 150, 7200, 200_000].map(ageText), ['5 s', '3 min', '2 h', '56 h'].with(3, '2 d'));
  assert.equal(visible('a\u202eb\u001b[2J'), 'a�b�[2J');
});
