import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import fc from 'fast-check';
import { type Family, pages } from '../../src/exporters/exposition.ts';
import { type Lines, linesFor } from '../../src/exporters/lines.ts';
import { type Audience, type Part, subject, tail } from '../../src/exporters/parts.ts';
import { nativeProblem } from '../../src/native.ts';
import { testUnless } from '../support/host.ts';
import { theNative } from './the-native.ts';

const addonTest = (name: string, fn: () => void) => testUnless(nativeProblem(), name, fn);

/** A part's lines as the addon writes them, and as JavaScript does. */
const both = (name: string, part: Part, audience: Audience): [Lines, Lines] => [
  linesFor(audience, { native: theNative() })(name, part),
  linesFor(audience, { native: undefined })(name, part),
];

/** The same pages come of both. */
function assertSamePages(families: readonly Family[], audience: Audience): number {
  const ours = [...pages(families, audience, 'text', { native: theNative() })];
  const plain = [...pages(families, audience, 'text', { native: undefined })];
  // Not deepEqual: it takes its time with large ones.
  assert.ok(ours.length === plain.length && ours.every((page, at) => page.equals(plain[at] ?? Buffer.alloc(0))));
  return ours.length;
}

const audienceOf = (ids: readonly (string | undefined)[]): Audience => ({
  rows: Int32Array.from([...ids.keys()].filter((at) => ids[at] !== undefined)),
  subjects: ids.map((id) => (id === undefined ? undefined : subject({ cgroup: id, pod: `of ${id}` }))),
});

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '/a"\\\n', '/säge/日本/🐳', '\ud800'));
const number = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.maxSafeInteger().map((nanos) => nanos / 1e9),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0),
);
const floats = (length: number) =>
  fc.array(number, { minLength: length, maxLength: length }).map((values) => Float64Array.from(values));
const audience = fc.array(fc.option(text, { nil: undefined }), { maxLength: 8 }).map(audienceOf);
const labels = fc.oneof(
  fc.constant({}),
  text.map((x) => ({ x })),
);
/** Rows and tails that are not there too. */
const somewhere = fc.integer({ min: -1, max: 9 });
const parts: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ values: fc.nat(10).chain(floats), tail: labels.map(tail) }),
  fc.array(fc.tuple(number, somewhere, somewhere), { maxLength: 20 }).chain((figures) =>
    fc.record({
      values: fc.constant(Float64Array.from(figures, ([value]) => value)),
      row: fc.constant(Int32Array.from(figures, ([, row]) => row)),
      which: fc.constant(Int32Array.from(figures, ([, , which]) => which)),
      tails: fc.array(labels.map(tail), { maxLength: 8 }),
    }),
  ),
);

addonTest('both writers write the same, whatever there is', () => {
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 5 }), audience, text, (all, shown, name) => {
      assertSamePages([{ name, kind: 'gauge', help: 'Help', parts: all }], shown);
    }),
    { numRuns: 500 },
  );
});

addonTest('a page is filled with whole lines, wherever it ends, and nothing is written beyond', () => {
  fc.assert(
    fc.property(parts, audience, fc.nat(400), fc.nat(20), fc.nat(50), (part, shown, room, from, to) => {
      const [ours, plain] = both('name', part, shown);
      const begin = Math.min(from, ours.length);
      const page = Buffer.alloc(to + room, 0xff);
      const place = Uint32Array.of(to, begin);
      ours.write(page, place);
      const [end = 0, at = 0] = place;
      const written = Array.from({ length: at - begin }, (_, nth) => plain.line(begin + nth)).join('');
      assert.equal(page.toString('latin1', to, end), written);
      assert.ok(
        page.subarray(0, to).every((byte) => byte === 0xff) && page.subarray(end).every((byte) => byte === 0xff),
      );
      // What is left does not fit with the longest numeral.
      if (at < ours.length) assert.ok(plain.line(at) !== '' && plain.line(at).length + 32 > page.length - end);
    }),
    { numRuns: 2000 },
  );
});

addonTest('pages end at the same lines, and one that is longer than a page has its own', () => {
  const ids = Array.from({ length: 2500 }, (_, at) => `/${'x'.repeat(at === 1500 ? 100_000 : at % 40)}`);
  const shown = audienceOf(ids);
  const values = Float64Array.from(ids, (_, at) => at ** 3 / 7);
  for (let before = 0; before < 100; before++) {
    const singles = [{ labels: { x: 'x'.repeat(before) }, value: 1 }];
    const family: Family = { name: 'a', kind: 'gauge', help: 'A', singles, parts: [{ values, tail: tail({}) }] };
    assert.ok(assertSamePages([family, { ...family, name: 'b' }], shown) > 4);
  }
});

/** The doubles just below and above too. */
function around(value: number): number[] {
  const numbers = Float64Array.of(value, value, value);
  const bits = new BigInt64Array(numbers.buffer);
  bits[0] = (bits[0] ?? 0n) - 1n;
  bits[2] = (bits[2] ?? 0n) + 1n;
  return [...numbers];
}

addonTest('numbers are written as JavaScript writes them', () => {
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
  const random = (length: number) => new Float64Array(randomFillSync(new Uint8Array(8 * length)).buffer);
  const counts = Array.from(new BigUint64Array(random(100_000).buffer), (bits) => Number(bits >> (11n + (bits & 31n))));
  const values = [
    ...random(250_000),
    ...counts,
    // Nanoseconds, microseconds, pages, and one beside: whole, few, and more than doubles tell apart.
    ...counts.flatMap((count) => [count / 1e9, count / 1e6, count / 4096]),
    ...counts.slice(0, 50_000).flatMap((count) => [...around(count / 1e9), ...around(count / 1e6)]),
    ...range(-330, 310).flatMap((exponent) => [...around(Number(`1e${exponent}`)), ...around(Number(`9e${exponent}`))]),
    ...range(-1074, 1024).flatMap((exponent) => around(2 ** exponent)),
    ...range(0, 2000).map((least) => least * Number.MIN_VALUE),
    ...range(-2000, 2000).flatMap((more) => [2 ** 53 + more, 2 ** 52 / 1e9 + more / 1e9, 2 ** 52 / 1e6 + more / 1e6]),
    ...[0, -0, 0.1, 1 / 3, 1e-6, 1e-7, 1e21, Number.MAX_VALUE, Number.POSITIVE_INFINITY],
  ];
  const all = Float64Array.from(values.concat(values.slice(0, 100_000).map((value) => -value)));
  const part = { values: all, row: new Int32Array(all.length), tails: [tail({})], which: new Int32Array(all.length) };
  const [ours, plain] = both('', part, audienceOf(['/']));
  const page = Buffer.alloc(1 << 22);
  for (let at = 0; at < all.length; ) {
    const place = Uint32Array.of(0, at);
    ours.write(page, place);
    const [end = 0, next = 0] = place;
    assert.ok(next > at);
    const written = page.toString('latin1', 0, end).split('\n');
    for (const line of written.slice(0, -1)) {
      while (plain.line(at) === '') at++;
      if (`${line}\n` !== plain.line(at)) assert.equal(line, plain.line(at), `${all[at]}`);
      at++;
    }
    at = next;
  }
});

/** What putLines takes, and would write two lines of. */
function whole(): unknown[] {
  return [
    Buffer.alloc(200),
    Uint32Array.of(0, 0),
    Buffer.from('name'),
    Float64Array.of(1, 2),
    Int32Array.of(0, 1),
    Int32Array.of(0, 0),
    Buffer.from('{a="b"{a="c"'),
    Uint32Array.of(0, 6, 12),
    Buffer.from('} '),
    Uint32Array.of(0, 2),
  ];
}

/** Of each of them. */
const KINDS = [
  ...[Uint8Array, Uint32Array, Uint8Array, Float64Array, Int32Array, Int32Array],
  ...[Uint8Array, Uint32Array, Uint8Array, Uint32Array],
] as const;
const putLines = (args: readonly unknown[]): unknown => Reflect.apply(theNative().putLines, undefined, args);
const instead = (args: readonly unknown[], at: number, value: unknown) =>
  args.map((was, i) => (i === at ? value : was));

addonTest('what is no array of its kind is refused', () => {
  const args = whole();
  putLines(args);
  const written = 'name{a="b"} 1\nname{a="c"} 2\n';
  assert.deepEqual(args[0], Buffer.from(written.padEnd(200, '\0')));
  assert.deepEqual(args[1], Uint32Array.of(written.length, 2));
  for (const at of KINDS.keys()) {
    const others = [null, 1, 'a', {}, [], new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), new Float32Array(2)];
    for (const other of others) assert.throws(() => putLines(instead(whole(), at, other)), TypeError);
    if (at !== 5) assert.throws(() => putLines(instead(whole(), at, undefined)), TypeError);
    assert.throws(() => putLines(whole().slice(0, at === 5 ? 4 : at)), TypeError);
  }
});

addonTest('no place, row or text is taken from outside of what was given', () => {
  const place = (...numbers: number[]) => instead(whole(), 1, Uint32Array.from(numbers));
  for (const wrong of [place(), place(0), place(0, 0, 0), place(201, 0), place(0, 3), place(2 ** 32 - 1, 0)])
    assert.throws(() => putLines(wrong), RangeError);
  for (const at of [3, 5]) {
    const Kind = at === 3 ? Float64Array : Int32Array;
    for (const length of [0, 1, 3]) assert.throws(() => putLines(instead(whole(), at, new Kind(length))), RangeError);
  }
  for (const at of [7, 9]) {
    for (const starts of [
      [0, 100, 100],
      [6, 0, 6],
      [2 ** 32 - 1, 5, 5],
      [13, 13 + 6, 2],
    ])
      assert.throws(() => putLines(instead(whole(), at, Uint32Array.from(starts))), RangeError);
  }
  // What is not there is not shown; nothing is written then.
  const nothing = [
    instead(whole(), 4, Int32Array.of(-1, 2)),
    instead(whole(), 4, Int32Array.of(2 ** 31 - 1, -(2 ** 31))),
    instead(whole(), 5, Int32Array.of(-1, 1)),
    instead(whole(), 7, Uint32Array.of(0)),
    instead(whole(), 7, new Uint32Array()),
    instead(whole(), 7, Uint32Array.of(6, 6, 6)),
    instead(whole(), 9, new Uint32Array()),
    instead(instead(whole(), 3, new Float64Array()), 5, undefined),
  ];
  for (const args of nothing) {
    putLines(args);
    assert.deepEqual(args[1], Uint32Array.of(0, 2));
    assert.deepEqual(args[0], Buffer.alloc(200));
  }
});

addonTest('arrays whose memory was taken away do no harm, nor do those that share it', () => {
  for (const [at, Kind] of KINDS.entries()) {
    const args = whole();
    const array = Kind.from(args[at] as Iterable<number>);
    const moved = instead(args, at, array);
    structuredClone(0, { transfer: [array.buffer as ArrayBuffer] });
    try {
      putLines(moved);
    } catch (error) {
      assert.ok(error instanceof RangeError, String(error));
    }
  }
  const memory = new ArrayBuffer(4096);
  for (let round = 0; round < 2000; round++) {
    randomFillSync(new Uint8Array(memory));
    // Small numbers are within reach.
    new Uint32Array(memory, 0, 512).forEach((bits, at, all) => {
      all[at] = bits % (round % 2 === 0 ? 16 : 512);
    });
    const args = KINDS.map((Kind, at) =>
      at === 1 ? Uint32Array.of(round % 64, 0) : new Kind(memory, 8 * (round % 64), at === 0 ? 2000 : 100),
    );
    try {
      putLines(args);
    } catch (error) {
      assert.ok(error instanceof RangeError, String(error));
    }
  }
});
