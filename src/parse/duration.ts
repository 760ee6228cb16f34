import { unacceptable } from './fail.ts';

/** Microseconds in each unit, largest first. */
const UNITS = { h: 3_600_000_000, m: 60_000_000, s: 1_000_000, ms: 1000, us: 1 };
const SECOND = UNITS.s;

/** Seconds from `500ms`, `2s`, `1.5m`, `1h`, `250us`; a plain number is seconds. Rounded to a microsecond. @throws CgError VALUE */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(h|m|s|ms|us)?$/.exec(text);
  const unit = UNITS[(match?.[2] ?? 's') as keyof typeof UNITS];
  const seconds = match ? Math.round(Number(match[1]) * unit) / SECOND : Number.NaN;
  if (Number.isFinite(seconds)) return seconds;
  throw unacceptable(text, 'a duration such as 250us, 500ms, 2s, 1.5m or 1h');
}

/**
 * A duration that parseDuration reads back, in the largest unit that needs at most one decimal: `1.5m`, `100s`, `250ms`.
 * @param seconds finite and not negative; rounded to a microsecond
 */
export function formatDuration(seconds: number): string {
  const micros = Math.round(seconds * SECOND);
  for (const [name, unit] of Object.entries(UNITS)) {
    if (micros >= unit && (micros * 10) % unit === 0) return `${micros / unit}${name}`;
  }
  return `${micros / SECOND}s`;
}
