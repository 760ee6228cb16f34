/** Numbers as the exposition formats want them, written as bytes: a text for each of them would cost more than all the rest. */

/** No numeral is longer. */
export const LONGEST_NUMERAL = 26;

const ZERO = 48;
const POINT = 46;
/** `00` to `99`. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, at) => ZERO + (at % 2 === 0 ? Math.floor(at / 20) : (at >> 1) % 10));
/** Sums of decimals stay exact up to here. */
const EXACT = 2 ** 53;
/** Most of the kernel's fractions are nanoseconds and microseconds. */
const NANO = 1e9;
const DECIMALS = 8;
const TEN_TO_8 = 1e8;

/**
 * The shortest numeral that reads back as the value; no limit is `+Inf`. NaN is no figure, and not for here.
 * @returns where the next byte goes
 */
export function putNumeral(out: Buffer, at: number, value: number): number {
  if (value >= 0 && value < EXACT && !Object.is(value, -0)) {
    const whole = Math.floor(value);
    if (whole === value) return putWhole(out, at, value);
    const nanos = Math.round(value * NANO);
    if (nanos < EXACT && nanos >= NANO / 1e6 && nanos / NANO === value) {
      const seconds = Math.floor(nanos / NANO);
      return putFraction(out, putWhole(out, at, seconds), nanos - seconds * NANO);
    }
  }
  return at + out.write(text(value), at, 'latin1');
}

function text(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function putWhole(out: Buffer, at: number, value: number): number {
  if (value <= 0xffffffff) return putSmall(out, at, value >>> 0);
  const upper = Math.floor(value / TEN_TO_8);
  return putPadded(out, putSmall(out, at, upper >>> 0), (value - upper * TEN_TO_8) >>> 0);
}

function putSmall(out: Buffer, at: number, value: number): number {
  const end = at + digitsOf(value);
  let rest = value;
  let to = end;
  while (rest >= 100) {
    const upper = (rest / 100) >>> 0;
    to -= 2;
    putPair(out, to, rest - upper * 100);
    rest = upper;
  }
  if (rest >= 10) putPair(out, to - 2, rest);
  else out[to - 1] = ZERO + rest;
  return end;
}

function digitsOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 1e8) return value < 1e6 ? (value < 1e5 ? 5 : 6) : value < 1e7 ? 7 : 8;
  return value < 1e9 ? 9 : 10;
}

/** Eight digits, zeros in front. */
function putPadded(out: Buffer, at: number, value: number): number {
  let rest = value;
  for (let to = at + DECIMALS - 2; to >= at; to -= 2) {
    const upper = (rest / 100) >>> 0;
    putPair(out, to, rest - upper * 100);
    rest = upper;
  }
  return at + DECIMALS;
}

function putPair(out: Buffer, at: number, value: number): void {
  out[at] = PAIRS[2 * value] ?? 0;
  out[at + 1] = PAIRS[2 * value + 1] ?? 0;
}

/** A point and nine digits, without the zeros at the end. */
function putFraction(out: Buffer, at: number, nanos: number): number {
  const first = Math.floor(nanos / TEN_TO_8);
  out[at] = POINT;
  out[at + 1] = ZERO + first;
  let end = putPadded(out, at + 2, (nanos - first * TEN_TO_8) >>> 0);
  while (out[end - 1] === ZERO) end--;
  return end;
}
