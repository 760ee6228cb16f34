/** Figures as people read them, on the page and on a terminal: short, of even width, an absent one told apart from zero. */
import type { Cell, Show } from '../protocol/stream.ts';

export const ABSENT = '–';
const NO_LIMIT = '∞';
const STEPS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** A figure of a column; bytes are 1024-based. */
export function formatCell(cell: Cell | undefined, show: Show): string {
  if (cell === null || cell === undefined) return ABSENT;
  if (cell === 'max') return NO_LIMIT;
  switch (show) {
    case 'cores':
      return cell.toFixed(2);
    case 'bytes':
      return scaled(cell, 1024);
    case 'bytes/s':
      return scaled(cell, 1024);
    case 'count':
      return cell < 10_000 ? String(Math.round(cell)) : scaled(cell, 1000);
    case 'rate':
      return cell < 10 ? cell.toFixed(1) : scaled(cell, 1000);
    case 'ratio':
      return `${(cell * 100).toFixed(cell < 0.0995 ? 1 : 0)}%`;
    case 'age':
      return ageText(cell);
  }
}

/** What stands behind the figures of a column, said once. */
export function unitOf(show: Show): string {
  return { cores: 'cores', bytes: 'B', 'bytes/s': 'B/s', count: '', rate: '/s', ratio: '', age: '' }[show];
}

const SPANS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
] as const;

/** The largest unit alone: `12s`, `3m`, `5h`, `40d`. */
function ageText(seconds: number): string {
  const [length, letter] = SPANS.find(([span]) => seconds >= span) ?? [1, 's'];
  return `${Math.floor(Math.max(0, seconds) / length)}${letter}`;
}

/** Three digits and a letter: `0`, `12.0K`, `9.10G`. */
function scaled(value: number, base: number): string {
  let step = 0;
  let rest = Math.abs(value);
  // What would be rounded to 1000 belongs to the next letter.
  while (rest >= 999.5 && step < STEPS.length - 1) {
    rest /= base;
    step += 1;
  }
  const digits = step === 0 ? String(Math.round(rest)) : rest.toFixed(rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0);
  return `${value < 0 ? '-' : ''}${digits}${STEPS[step]}`;
}

/** The last component; a container's 64 digits by their first 12. */
export function shortName(id: string): string {
  const name = id.slice(id.lastIndexOf('/') + 1);
  return name.replace(/[0-9a-f]{64}/g, (digits) => `${digits.slice(0, 12)}…`) || '/';
}

/** `14:03:07` in local time. */
export function clock(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
