/** What is shown, as a file for other programs. Figures are in base units, whole: what is rounded is rounded for people. */
import type { Cell, ColumnInfo } from '../protocol/column.ts';
import type { Figures } from './figures.ts';
import type { Line } from './tree.ts';

export interface Shown {
  readonly figures: Figures;
  readonly lines: readonly Line[];
  readonly columns: readonly ColumnInfo[];
}

/** A line a group after one of names (RFC 4180); absent is empty, no limit is `max`. */
export function toCsv({ figures, lines, columns }: Shown): string {
  const parts = columns.flatMap((column) => partsOf(column));
  const head = ['cgroup', 'name', ...parts.map(({ title }) => title)];
  const rows = lines.map(({ at, row }) => [
    textCell(row.id),
    textCell(row.name ?? ''),
    ...parts.map(({ read }) => String(read(figures, at) ?? '')),
  ]);
  return [head.map(textCell), ...rows].map((cells) => `${cells.join(',')}\r\n`).join('');
}

/** Metrics by name, null where there is no figure. */
export function toJson({ figures, lines, columns }: Shown): string {
  const parts = columns.flatMap((column) => partsOf(column));
  const groups = lines.map(({ at, row: { id, generation, name } }) => ({
    cgroup: id,
    generation,
    ...(name !== undefined && { name }),
    figures: Object.fromEntries(parts.map(({ metric, read }) => [metric, read(figures, at)])),
  }));
  return `${JSON.stringify({ time: new Date(figures.table.time).toISOString(), groups }, null, 2)}\n`;
}

interface Part {
  readonly metric: string;
  readonly title: string;
  readonly read: (figures: Figures, at: number) => Cell;
}

/** A column, and what is told beside it. */
function partsOf(column: ColumnInfo): Part[] {
  const { metric, rate, limit, worse, marks = [] } = column;
  const own: Part = {
    metric,
    title: rate ? `${metric} per second` : metric,
    read: (figures, at) => figures.cell(column, at),
  };
  const further = [limit, worse, ...marks.map((mark) => mark.metric)].filter((other) => other !== undefined);
  return [
    own,
    ...further.map((other) => ({
      metric: other,
      title: other,
      read: (figures: Figures, at: number) => figures.beside(other, at),
    })),
  ];
}

/** A text that a spreadsheet would take for a formula is told from one by an apostrophe: whoever makes a group chooses its name. */
function textCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
