import { unreadable } from './fail.ts';
import { limitAt } from './number.ts';

/**
 * A flat-keyed file (cpu.stat, memory.stat, memory.events, memory.oom_control): one `key value` a line, in the file's
 * order. `max` and v1's page-rounded "no limit" are Infinity.
 * @throws CgError PARSE
 */
export function parseFlat(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = lineEnd(text, start);
    const blank = text.indexOf(' ', start);
    if (blank <= start || blank >= end) throw unreadable('a "key value" line', text.slice(start, end));
    values.set(text.slice(start, blank), valueAt(text, start, blank + 1, end));
  }
  return values;
}

/** One value of a flat-keyed file, without reading the rest of it; undefined when the key is not there. @throws CgError PARSE */
export function flatValue(text: string, key: string): number | undefined {
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = lineEnd(text, start);
    const blank = start + key.length;
    if (text[blank] === ' ' && text.startsWith(key, start)) return valueAt(text, start, blank + 1, end);
  }
  return undefined;
}

function lineEnd(text: string, start: number): number {
  const newline = text.indexOf('\n', start);
  return newline < 0 ? text.length : newline;
}

function valueAt(text: string, line: number, start: number, end: number): number {
  const value = limitAt(text, start, end);
  if (Number.isNaN(value)) throw unreadable('a "key value" line', text.slice(line, end));
  return value;
}
