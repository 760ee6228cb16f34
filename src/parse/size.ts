import { unacceptable } from './fail.ts';

/** k, m … e: each 1024 times the one before. */
const SUFFIXES = 'kmgtpe';
/** The first size that a signed 64-bit number cannot hold. */
const TOO_LARGE = 2 ** 63;

/**
 * A size in bytes as people write it: `512m`, `1.5g`, `2GiB`, `30MB`, `100`; `max` or `-1` is Infinity. Every suffix is
 * 1024-based, as Docker's and the kernel's are; a fraction is rounded to a whole byte.
 * @throws CgError VALUE on anything else, and on sizes above 2^63 - 1
 */
export function parseSize(text: string): number {
  const lower = text.toLowerCase();
  if (lower === 'max' || lower === '-1') return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d+)?)(?:b|([kmgtpe])(?:i?b)?)?$/.exec(lower);
  const bytes = match ? Math.round(Number(match[1]) * unitOf(match[2])) : Number.NaN;
  if (bytes < TOO_LARGE) return bytes;
  throw unacceptable(
    text,
    'a size from 0 to 2^63-1 bytes, such as 512m, 1.5g or 2GiB (suffixes are 1024-based), or max',
  );
}

/**
 * A size that parseSize reads back to the same number: `256m`, `1073741825`, `max`.
 * @param bytes a whole number from 0, or Infinity
 */
export function formatSizeExact(bytes: number): string {
  if (bytes === Number.POSITIVE_INFINITY) return 'max';
  const suffix = bytes > 0 ? [...SUFFIXES].reverse().find((letter) => bytes % unitOf(letter) === 0) : undefined;
  // BigInt, because a double above 2^53 prints rounded digits
  return suffix ? `${bytes / unitOf(suffix)}${suffix}` : BigInt(bytes).toString();
}

/** A size for people, to one decimal: `256MiB`, `1.5GiB`, `17B`, `max`. @param bytes any number; negative ones are differences */
export function formatSize(bytes: number): string {
  if (bytes === Number.POSITIVE_INFINITY) return 'max';
  let amount = bytes;
  let power = 0;
  // the rounded amount decides, so that no 1024KiB is shown
  while (Math.abs(oneDecimal(amount)) >= 1024 && power < SUFFIXES.length) {
    amount /= 1024;
    power++;
  }
  return power === 0 ? `${oneDecimal(amount)}B` : `${oneDecimal(amount)}${SUFFIXES.charAt(power - 1).toUpperCase()}iB`;
}

function unitOf(suffix: string | undefined): number {
  return suffix === undefined ? 1 : 1024 ** (SUFFIXES.indexOf(suffix) + 1);
}

function oneDecimal(amount: number): number {
  return Math.round(amount * 10) / 10;
}
