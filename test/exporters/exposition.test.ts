import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Family, pages } from '../../src/exporters/exposition.ts';
import { numeral } from '../../src/exporters/lines.ts';
import { escapeLabel, subject, tail } from '../../src/exporters/parts.ts';
import { written } from './support.ts';

/** Undoes what the format says about label values. */
const unescapeLabel = (value: string) => value.replace(/\\(.)/gs, (_, of: string) => (of === 'n' ? '\n' : of));

const NO_LABELS = tail({});

const families: readonly Family[] = [
  {
    name: 'a_bytes_total',
    kind: 'counter',
    unit: 'bytes',
    help: 'What \\ is\nit "said"',
    parts: [
      { values: Float64Array.of(1, Number.NaN), tail: NO_LABELS },
      { values: Float64Array.of(Number.NaN, 2.5), tail: tail({ x: '1' }) },
    ],
  },
  {
    name: 'none',
    kind: 'gauge',
    help: 'Nothing',
    parts: [{ values: Float64Array.of(Number.NaN, Number.NaN), tail: NO_LABELS }],
  },
  {
    name: 'b_failcnt',
    kind: 'counter',
    help: 'B',
    parts: [
      {
        values: Float64Array.of(Number.POSITIVE_INFINITY, -1e21, 3),
        row: Int32Array.of(1, 0, 7),
        tails: [NO_LABELS, tail({ y: '"' })],
        which: Int32Array.of(0, 1, 0),
      },
    ],
    singles: [{ labels: {}, value: 9 }],
  },
  {
    name: 'c_seconds',
    kind: 'histogram',
    unit: 'seconds',
    help: 'C',
    singles: [
      { name: 'c_seconds_bucket', labels: { le: '+Inf' }, value: 2 },
      { name: 'c_seconds_sum', labels: {}, value: 0.5 },
      { name: 'c_seconds_count', labels: {}, value: 2 },
    ],
  },
];

test('text: HELP and TYPE come once, before the first sample, and not at all without one', () => {
  assert.equal(
    written(families, ['/', '/b']),
    [
      '# HELP a_bytes_total What \\\\ is\\nit "said"',
      '# TYPE a_bytes_total counter',
      'a_bytes_total{cgroup="/"} 1',
      'a_bytes_total{cgroup="/b",x="1"} 2.5',
      '# HELP b_failcnt B',
      '# TYPE b_failcnt counter',
      'b_failcnt 9',
      'b_failcnt{cgroup="/b"} +Inf',
      'b_failcnt{cgroup="/",y="\\""} -1e+21',
      '# HELP c_seconds C',
      '# TYPE c_seconds histogram',
      'c_seconds_bucket{le="+Inf"} 2',
      'c_seconds_sum 0.5',
      'c_seconds_count 2',
      '',
    ].join('\n'),
  );
});

test('OpenMetrics: counters’ families lose _total, units are told, quotes in help are escaped, EOF ends it', () => {
  assert.equal(
    written(families, ['/', '/b'], 'openmetrics'),
    [
      '# TYPE a_bytes counter',
      '# UNIT a_bytes bytes',
      '# HELP a_bytes What \\\\ is\\nit \\"said\\"',
      'a_bytes_total{cgroup="/"} 1',
      'a_bytes_total{cgroup="/b",x="1"} 2.5',
      '# TYPE b_failcnt unknown',
      '# HELP b_failcnt B',
      'b_failcnt 9',
      'b_failcnt{cgroup="/b"} +Inf',
      'b_failcnt{cgroup="/",y="\\""} -1e+21',
      '# TYPE c_seconds histogram',
      '# UNIT c_seconds seconds',
      '# HELP c_seconds C',
      'c_seconds_bucket{le="+Inf"} 2',
      'c_seconds_sum 0.5',
      'c_seconds_count 2',
      '# EOF',
      '',
    ].join('\n'),
  );
  assert.equal(written([], [], 'openmetrics'), '# EOF\n');
  assert.equal(written([]), '');
});

test('label values are escaped to the letter', () => {
  assert.equal(escapeLabel('/a"b\\c\nd'), '/a\\"b\\\\c\\nd');
  assert.equal(escapeLabel('/plain'), '/plain');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const escaped = escapeLabel(value);
      assert.ok(!escaped.includes('\n') && !/(^|[^\\])(\\\\)*"/.test(escaped));
      assert.equal(unescapeLabel(escaped), value);
    }),
  );
});

test('names of any script are UTF-8, what is no character becomes U+FFFD', () => {
  const text = written(
    [{ name: 'a', kind: 'gauge', help: 'Größe', parts: [{ values: Float64Array.of(1, 2), tail: NO_LABELS }] }],
    ['/säge/日本/🐳', '/\ud800'],
  );
  assert.match(text, /^# HELP a Größe\n/);
  assert.ok(text.endsWith('a{cgroup="/säge/日本/🐳"} 1\na{cgroup="/\ufffd"} 2\n'));
});

test('a number reads back as it was, and is as short as JavaScript writes it', () => {
  const plain: [number, string][] = [
    [0, '0'],
    [-0, '0'],
    [7, '7'],
    [10, '10'],
    [99, '99'],
    [100, '100'],
    [4294967295, '4294967295'],
    [4294967296, '4294967296'],
    [100000000000, '100000000000'],
    [2 ** 53, '9007199254740992'],
    [2 ** 63, '9223372036854776000'],
    [0.1, '0.1'],
    [1.5, '1.5'],
    [12.000000001, '12.000000001'],
    [1e-9, '1e-9'],
    [1 / 3, '0.3333333333333333'],
    [-2.5, '-2.5'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [-Number.MAX_VALUE, '-1.7976931348623157e+308'],
  ];
  for (const [value, text] of plain) assert.equal(numeral(value), text);
  const nanoseconds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).map((count) => count / 1e9);
  const any = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.oneof(nanoseconds, any, fc.maxSafeInteger()), (value) => {
      assert.ok(Number(numeral(value)) === value, numeral(value));
    }),
  );
});

test('pages hold whole lines, in order, however many and however long', () => {
  const long = subject({ cgroup: `/${'x'.repeat(600_000)}` });
  const count = 100_000;
  const values = Float64Array.from({ length: count }, (_, at) => at);
  const subjects = Array.from(values, (at) => (at === 1_000 ? long : subject({ cgroup: `/${at}` })));
  const family: Family = { name: 'a', kind: 'gauge', help: 'A', parts: [{ values, tail: NO_LABELS }] };
  const made = [...pages([family, { ...family, name: 'b' }], { rows: Int32Array.from(values), subjects }, 'text')];
  assert.ok(made.length > 10);
  for (const page of made) assert.equal(page.at(-1), 10);
  const lines = Buffer.concat(made).toString().split('\n');
  assert.equal(lines.length, 2 * (count + 2) + 1);
  assert.ok(lines.slice(2, count + 2).every((line, at) => line.endsWith(` ${at}`)));
});

test('nothing is written before it is asked for', () => {
  let begun = 0;
  function* lazily(): Generator<Family> {
    for (;;) {
      begun += 1;
      yield {
        name: 'a',
        kind: 'gauge',
        help: 'A',
        singles: Array.from({ length: 9_000 }, () => ({ labels: {}, value: 1 })),
      };
    }
  }
  const making = pages(lazily(), { rows: new Int32Array(), subjects: [] }, 'text');
  assert.equal(begun, 0);
  making.next();
  const first = begun;
  assert.ok(first < 10);
  making.next();
  assert.ok(begun > first);
});
