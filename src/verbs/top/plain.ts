/** The view where there is no terminal: a table a look, or a line of JSON. */
import { printable } from '../../parse/printable.ts';
import type { ColumnInfo } from '../../protocol/column.ts';
import type { Figures } from '../../view/figures.ts';
import { formatCell } from '../../view/format.ts';
import { type Line, linesOf, type View } from '../../view/tree.ts';
import { style, table } from '../output.ts';
import type { Context, Output } from '../verb.ts';

/** One table, of whole ids: indented names would say little in a log. */
export function tableText(
  figures: Figures,
  columns: readonly ColumnInfo[],
  view: View,
  out: Output,
  env: Context['env'],
): string {
  const rows = shown(figures, columns, view).map(({ at, row }) => [
    printable(row.id),
    ...columns.map((column) => {
      const end = figures.beside(column.limit, at);
      const text = formatCell(figures.cell(column, at), column.show);
      return typeof end === 'number' ? `${text}/${formatCell(end, column.show)}` : text;
    }),
  ]);
  const titles = [{ title: 'CGROUP' }, ...columns.map(({ title }) => ({ title: title.toUpperCase(), right: true }))];
  return table(titles, rows, style(out, env).bold);
}

/** One line: absent figures are left out, no limit is "max". */
export function tableJson(figures: Figures, columns: readonly ColumnInfo[], view: View): string {
  const cgroups = shown(figures, columns, view).map(({ at, row: { parent: _, ...row } }) => ({
    ...row,
    figures: Object.fromEntries(
      figures.table.columns.flatMap((metric) => {
        const cell = figures.beside(metric, at);
        return cell === null ? [] : [[metric, cell]];
      }),
    ),
  }));
  return `${JSON.stringify({ seq: figures.table.seq, time: figures.table.time, cgroups })}\n`;
}

function shown(figures: Figures, columns: readonly ColumnInfo[], view: View): readonly Line[] {
  const column = columns.find(({ metric }) => metric === view.sort.metric);
  return linesOf(figures.table, view, column && figures.all(column)).filter(({ context }) => !context);
}
