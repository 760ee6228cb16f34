/** What verbs print: tables, JSON, and colour where a terminal wants it. */
import type { Context, Output } from './verb.ts';
import { textWidth } from './width.ts';

/** Colours, each the identity where they are not wanted. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
}

/** Colour only on a terminal, and never with NO_COLOR (https://no-color.org) or on a dumb one. */
export function style(out: Output, env: Context['env']): Style {
  const wanted = !env.NO_COLOR && env.TERM !== 'dumb' && out.isTTY;
  const sgr = (on: number, off: number) => (text: string) =>
    wanted && text !== '' ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return { bold: sgr(1, 22), dim: sgr(2, 22), red: sgr(31, 39), yellow: sgr(33, 39), green: sgr(32, 39) };
}

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

/** Rows under titles, in columns as wide as their widest cell. Cells may be coloured; they must be printable. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], bold = plain): string {
  const titles = columns.map(({ title }) => title);
  const lines = align(
    [titles, ...rows],
    columns.map(({ right = false }) => right),
  );
  return lines.map((line, i) => `${i === 0 ? bold(line) : line}\n`).join('');
}

/** Rows as lines with aligned cells, without blanks at the end. @param right by column: cells stand to the right */
export function align(rows: readonly (readonly string[])[], right: readonly boolean[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, width(cell));
    });
  const pad = (cell: string, i: number) => {
    const blanks = ' '.repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
    return right[i] ? blanks + cell : cell + blanks;
  };
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}

/** How many columns a text takes, colours apart. */
export function width(text: string): number {
  return textWidth(text.replace(/\x1b\[\d+m/g, ''));
}

/** One JSON document; maps are objects, `Infinity` is `"max"`, NaN is null, a bigint its digits. */
export function writeJson(out: Output, value: unknown): void {
  out.write(`${JSON.stringify(value, plainly, 2)}\n`);
}

/** For JSON.stringify. */
export function plainly(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (value === Number.POSITIVE_INFINITY) return 'max';
  return typeof value === 'bigint' ? value.toString() : value;
}

/** `1 cgroup`, `2 cgroups`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

function plain(text: string): string {
  return text;
}
