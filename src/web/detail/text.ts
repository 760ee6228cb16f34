/** Values as people read and write them. */
import { formatCell } from '../../view/format.ts';

/** Names that somebody chose, without what would move or hide other text. */
export const visible = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');

const SUFFIXES = ['', 'k', 'm', 'g', 't', 'p', 'e'];

/** A value as the API has it, in one line. @param kind of its type */
export function valueText(value: unknown, kind: string): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') {
    return kind === 'bytes' && value >= 1024 ? `${formatCell(value, 'bytes')}` : String(value);
  }
  if (kind === 'list' && isNumbers(value)) return ranges(value);
  if (Array.isArray(value)) return value.map((item) => valueText(item, kind)).join(' ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, item]) => `${key}:${valueText(item, typeof item === 'number' && item >= 2 ** 20 ? 'bytes' : kind)}`)
      .join(' ');
  }
  return visible(String(value));
}

/** A value in a form that can be given back, exactly. */
export function editText(value: unknown, kind: string): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return kind === 'bytes' ? exactSize(value) : String(value);
  if (kind === 'list' && isNumbers(value)) return ranges(value);
  if (Array.isArray(value)) return value.join(' ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, item]) => `${key}:${isRecord(item) ? fieldsOf(item) : String(item)}`)
      .join(' ');
  }
  return String(value);
}

const fieldsOf = (record: Readonly<Record<string, unknown>>): string =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',');

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number');

function exactSize(bytes: number): string {
  let [rest, step] = [bytes, 0];
  while (rest > 0 && rest % 1024 === 0 && step < SUFFIXES.length - 1) {
    rest /= 1024;
    step += 1;
  }
  return `${rest}${SUFFIXES[step]}`;
}

/** `0-3,8` */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < numbers.length; ) {
    let end = at;
    while (numbers[end + 1] === (numbers[end] ?? 0) + 1) end += 1;
    parts.push(end === at ? String(numbers[at]) : `${numbers[at]}-${numbers[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}

/** How long ago: `12 s`, `3 min`, `5 h`, `12 d`. */
export function ageText(seconds: number): string {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
