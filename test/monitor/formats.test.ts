import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Format } from '../../src/controllers/controller.ts';
import { numberAt, parserOf, type Wanted } from '../../src/monitor/formats.ts';
import { parseFlat } from '../../src/parse/flat.ts';
import { parseNested, parseNumaV1, parseOps } from '../../src/parse/nested.ts';
import { parseLimit } from '../../src/parse/number.ts';
import { parsePressure } from '../../src/parse/psi.ts';
import { fixture } from '../support/files.ts';

type Found = [figure: number, value: number, label?: string];

/** What is found of a text, and whether all of it was well formed. */
function find(text: string, wanted: readonly Wanted[], parse = parserOf(wanted)): { found: Found[]; good: boolean } {
  const found: Found[] = [];
  const bytes = Buffer.from(text);
  // The buffer is reused in life: what lies behind the end must not matter.
  const dirty = Buffer.concat([bytes, Buffer.from('9 9999\nmax 7\n')]);
  const good = parse(dirty, bytes.length, (figure, value, label) =>
    found.push(label === undefined ? [figure, value] : [figure, value, label]),
  );
  return { found, good };
}
const one = (text: string, format: Format, rest: Omit<Wanted, 'format'> = {}) => find(text, [{ format, ...rest }]);

test('a scalar, its unit, its words for no limit', () => {
  const scalar = { at: 'scalar' } as const;
  assert.deepEqual(one('1500000\n', scalar, { per: 1e6 }), { found: [[0, 1.5]], good: true });
  assert.deepEqual(one(fixture('parse/v1/memory.limit_in_bytes'), scalar).found.length, 1);
  assert.deepEqual(one('9223372036854771712\n', scalar).found, [[0, Number.POSITIVE_INFINITY]]);
  assert.deepEqual(one('max\n', scalar, { per: 1e6 }).found, [[0, Number.POSITIVE_INFINITY]]);
  assert.deepEqual(one('-1\n', scalar).found, [[0, -1]]);
  assert.deepEqual(one('-1\n', scalar, { unlimited: '-1' }).found, [[0, Number.POSITIVE_INFINITY]]);
  assert.deepEqual(one('12.50\n', scalar).found, [[0, 12.5]]);
});

test('a text that means 1', () => {
  const frozen = { equals: 'FROZEN' };
  assert.deepEqual(one(fixture('monitor/freezer.state'), { at: 'scalar' }, frozen).found, [[0, 0]]);
  assert.deepEqual(one('FROZEN\n', { at: 'scalar' }, frozen).found, [[0, 1]]);
});

test('what is not in the shape that its format says is not guessed at', () => {
  for (const text of ['', '\n', 'abc\n', '12x\n', '1 2\n', '123456789012345678901\n', '-\n', '1.\n']) {
    assert.deepEqual(one(text, { at: 'scalar' }), { found: [], good: false }, JSON.stringify(text));
  }
  assert.deepEqual(one('a x\n', { at: 'flat', key: 'a' }), { found: [], good: false });
  assert.deepEqual(one('8:0\n', { at: 'keyed' }), { found: [], good: false });
  assert.deepEqual(one('some avg10=0.00\n', { at: 'psi', line: 'some' }), { found: [], good: false });
});

test('words of a line', () => {
  const words = [0, 1, 2].map((index): Wanted => ({ format: { at: 'word', index } }));
  assert.deepEqual(find(fixture('parse/v2/cpu.max'), words), {
    found: [
      [0, 50000],
      [1, 100000],
    ],
    good: false,
  });
  assert.deepEqual(find('max 100000\n', words.slice(0, 2)).found, [
    [0, Number.POSITIVE_INFINITY],
    [1, 100000],
  ]);
});

test('flat files: every key of every fixture as the text parser reads it', () => {
  for (const file of [
    'v1/cpu.stat',
    'v1/memory.stat',
    'v1/root-memory.stat',
    'v1/memory.oom_control',
    'v1/cpuacct.stat',
    'v2/cpu.stat',
    'v2/memory.stat',
    'v2/memory.events',
  ]) {
    const text = fixture(`parse/${file}`);
    const keys = [...parseFlat(text)];
    const { found, good } = find(
      text,
      keys.map(([key]): Wanted => ({ format: { at: 'flat', key } })),
    );
    assert.ok(good);
    assert.deepEqual(
      found,
      keys.map(([, value], figure) => [figure, value]),
    );
  }
});

test('flat files: an order that was learned is verified for each text', () => {
  const wanted = ['a', 'b', 'ab'].map((key): Wanted => ({ format: { at: 'flat', key } }));
  const parse = parserOf(wanted);
  const lines = fc.uniqueArray(fc.record({ key: fc.constantFrom('a', 'b', 'ab', 'abc', 'c'), value: fc.nat() }), {
    selector: ({ key }) => key,
  });
  fc.assert(
    fc.property(lines, (entries) => {
      const text = entries.map(({ key, value }) => `${key} ${value}\n`).join('');
      const { found, good } = find(text, wanted, parse);
      assert.ok(good);
      const expected = entries.flatMap(({ key, value }): Found[] => {
        const figure = ['a', 'b', 'ab'].indexOf(key);
        return figure < 0 ? [] : [[figure, value]];
      });
      assert.deepEqual(found, expected);
    }),
  );
});

test('pressure totals', () => {
  for (const file of ['v1/hybrid-cpu.pressure', 'v2/io.pressure', 'v2/memory.pressure']) {
    const text = fixture(`parse/${file}`);
    const { some, full } = parsePressure(text);
    const { found } = find(text, [
      { format: { at: 'psi', line: 'some' }, per: 1e6 },
      { format: { at: 'psi', line: 'full' }, per: 1e6 },
    ]);
    assert.deepEqual(found, [
      [0, (some?.totalUs ?? Number.NaN) / 1e6],
      [1, (full?.totalUs ?? Number.NaN) / 1e6],
    ]);
  }
});

test('lines are counted, one without its newline too', () => {
  assert.deepEqual(one('', { at: 'count' }).found, [[0, 0]]);
  assert.deepEqual(one('1\n22\n', { at: 'count' }).found, [[0, 2]]);
  assert.deepEqual(one('1\n22', { at: 'count' }).found, [[0, 2]]);
});

test('a line a key', () => {
  assert.deepEqual(one(fixture('parse/v1/blkio.throttle.read_bps_device'), { at: 'keyed' }).found.length, 1);
  assert.deepEqual(one('8:0 1\n8:16 2\n', { at: 'keyed' }).found, [
    [0, 1, '8:0'],
    [0, 2, '8:16'],
  ]);
  assert.deepEqual(one('res_a.max 3\nres_b.current 4\n', { at: 'keyed', suffix: '.max' }).found, [[0, 3, 'res_a']]);
});

test('fields of devices, and two devices on one line as some kernels print them', () => {
  const text = fixture('parse/v2/io.stat');
  const devices = [...parseNested(text)];
  assert.deepEqual(
    one(text, { at: 'nested', field: 'wbytes' }).found,
    devices.map(([device, fields]) => [0, Number(fields.get('wbytes')), device]),
  );
  assert.deepEqual(one(text, { at: 'nested', field: 'cost.usage' }).found.length, 1);
  assert.deepEqual(one('253:1 253:0 rbytes=5\n', { at: 'nested', field: 'rbytes' }).found, [[0, 5, '253:0']]);
  assert.deepEqual(one(fixture('parse/v2/io.max'), { at: 'nested', field: 'rbps' }).good, true);
});

test('v1 operations of devices, without the sum over all', () => {
  const text = fixture('parse/v1/blkio.throttle.io_service_bytes');
  for (const op of ['Read', 'Write', 'Total']) {
    assert.deepEqual(
      one(text, { at: 'ops', op }).found,
      [...parseOps(text)].map(([device, ops]) => [0, ops.get(op), device]),
    );
  }
});

test('a number a CPU', () => {
  const text = fixture('monitor/cpuacct.usage_percpu');
  assert.deepEqual(
    one(text, { at: 'percpu' }, { per: 1e9 }).found,
    text
      .trim()
      .split(' ')
      .map((value, cpu) => [0, Number(value) / 1e9, String(cpu)]),
  );
});

test('a number a node, of both dialects, and keys that begin alike', () => {
  const v1 = fixture('parse/v1/memory.numa_stat');
  assert.deepEqual(one(v1, { at: 'numa', key: 'hierarchical_anon' }).found, [
    [0, parseNumaV1(v1).get('hierarchical_anon')?.get('N0'), '0'],
  ]);
  assert.deepEqual(one(fixture('parse/v2/memory.numa_stat'), { at: 'numa', key: 'file' }).found, [
    [0, 0, '0'],
    [0, 314662912, '1'],
  ]);
});

test('formats that share a file', () => {
  const { found } = find('a 1\nb 2\n', [{ format: { at: 'count' } }, { format: { at: 'flat', key: 'b' } }]);
  assert.deepEqual(
    found.sort(([a], [b]) => a - b),
    [
      [0, 2],
      [1, 2],
    ],
  );
});

test('numbers are read as the text parser reads limits', () => {
  const text = fc.oneof(
    fc.bigInt({ min: 1n - 2n ** 64n, max: 2n ** 64n - 1n }).map(String),
    fc.constant('max'),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(text, (written) => {
      const bytes = Buffer.from(written, 'latin1');
      const value = numberAt(bytes, 0, bytes.length);
      let expected = Number.NaN;
      try {
        expected = parseLimit(written, { signed: true });
      } catch {
        // not a limit: NaN, or a number with a fraction
        if (/^-?\d+\.\d+$/.test(written)) expected = Number(written);
      }
      if (written !== '-1' && !written.endsWith('\n')) assert.equal(value, expected);
    }),
  );
});
