import { unacceptable, unreadable } from './fail.ts';
import { withoutNewline } from './scan.ts';

/** The digits of 2^64 - 1. */
const U64_DIGITS = 20;
/** So many digits always fit a double exactly. */
const EXACT_DIGITS = 15;
/** From here on a limit means none: v1 reads back LONG_MAX floored to a page, which of hugetlb's has up to 16 GiB. */
export const NO_LIMIT = 2 ** 63 - 2 ** 34;

/**
 * The decimal digits text[start, end) as a number, rounded to the nearest double above 2^53.
 * NaN when there are none, when something else is among them, or when there are more than a 64-bit number has.
 */
export function digitsAt(text: string, start: number, end: number): number {
  if (start >= end || end - start > U64_DIGITS) return Number.NaN;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return end - start <= EXACT_DIGITS ? value : Number(text.slice(start, end));
}

/** All of a text as digitsAt reads them. */
export function digits(text: string): number {
  return digitsAt(text, 0, text.length);
}

/** An integer text[start, end) with an optional minus; NaN when malformed. */
function integerAt(text: string, start: number, end: number): number {
  // not a unary minus: -0 is not 0 everywhere
  return text[start] === '-' ? 0 - digitsAt(text, start + 1, end) : digitsAt(text, start, end);
}

/** All of a text as an integer with an optional minus; NaN when malformed. */
export function integer(text: string): number {
  return integerAt(text, 0, text.length);
}

/** An integer or `max` text[start, end), where a value that only says "no limit" is Infinity; NaN when malformed. */
export function limitAt(text: string, start: number, end: number): number {
  const value = integerAt(text, start, end);
  if (value >= NO_LIMIT) return Number.POSITIVE_INFINITY;
  return Number.isNaN(value) && end - start === 3 && text.startsWith('max', start) ? Number.POSITIVE_INFINITY : value;
}

/** A non-negative integer from a kernel file (`memory.current`, `pids.current` …). @throws CgError PARSE */
export function parseCounter(text: string): number {
  const value = digits(withoutNewline(text));
  if (Number.isNaN(value)) throw unreadable('a counter', text);
  return value;
}

/** An integer from a kernel file where -1 is a number like any other (`cpu.weight.nice`, `cpuset.sched_relax_domain_level`). @throws CgError PARSE */
export function parseInteger(text: string): number {
  const value = integer(withoutNewline(text));
  if (Number.isNaN(value)) throw unreadable('an integer', text);
  return value;
}

/**
 * A limit from a kernel file (`memory.max`, `memory.limit_in_bytes`, `cpu.cfs_quota_us`): `max`, -1 and v1's page-rounded
 * "no limit" (from 2^63 - 2^34) are Infinity.
 * @param options.signed allows other negative numbers
 * @throws CgError PARSE
 */
export function parseLimit(text: string, options: { signed?: boolean } = {}): number {
  const body = withoutNewline(text);
  const value = limitAt(body, 0, body.length);
  if (value === -1) return Number.POSITIVE_INFINITY;
  if (Number.isNaN(value) || (value < 0 && !options.signed)) throw unreadable('a limit', text);
  return value;
}

/** What a person may enter for a whole number. */
export interface IntegerRange {
  /** what the number is, for the message */
  name: string;
  min: number;
  /** Infinity: no upper end but that of exact integers, 2^53 - 1 */
  max: number;
  unit?: string | undefined;
}

/** A whole number that a person entered: decimal digits with an optional minus. @throws CgError VALUE, naming range and unit */
export function parseIntStrict(text: string, { name, min, max, unit }: IntegerRange): number {
  const value = integer(text);
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.POSITIVE_INFINITY ? `from ${min} up` : `from ${min} to ${max}`;
  throw unacceptable(text, `a whole number ${range}${unit ? ` ${unit}` : ''} (${name})`);
}
