/** From the lines that are on a terminal to those that shall be, in as few bytes as whole lines allow. Pure. */

const ESC = '\x1b[';
/** DECSET 2026: the terminal shows all at once what stands between the two; others ignore it. */
const [HOLD, SHOW] = [`${ESC}?2026h`, `${ESC}?2026l`];

/** The other screen, cleared, without a cursor; a line that is too long is cut, whatever the terminal thinks of its width. */
export const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`;
/** All of that undone. */
export const LEAVE = `${ESC}0m${ESC}?2026l${ESC}?7h${ESC}?25h${ESC}?1049l`;

export interface Frame {
  /** From the top, a row each, with their colours, which end with the line. */
  readonly lines: readonly string[];
  /** Where something is typed; counted from 0. */
  readonly cursor?: { readonly row: number; readonly column: number } | undefined;
}

/** @param before what the terminal shows; undefined for nobody knows what */
export function update(before: Frame | undefined, after: Frame): string {
  const old = before?.lines ?? [];
  const changed = after.lines.flatMap((line, row) => (before && old[row] === line ? [] : [at(row, 0) + erase + line]));
  const gone = old.slice(after.lines.length).map((_, i) => at(after.lines.length + i, 0) + erase);
  const cursor = cursorOf(after.cursor);
  const moved = cursor !== cursorOf(before?.cursor) || changed.length > 0;
  if (before !== undefined && changed.length + gone.length === 0 && !moved) return '';
  const blank = before === undefined ? `${ESC}0m${ESC}2J` : '';
  return `${HOLD}${blank}${changed.join('')}${gone.join('')}${moved ? cursor : ''}${SHOW}`;
}

const erase = `${ESC}0m${ESC}2K`;

function at(row: number, column: number): string {
  return `${ESC}${row + 1};${column + 1}H`;
}

function cursorOf(cursor: Frame['cursor']): string {
  return cursor === undefined ? `${ESC}?25l` : `${at(cursor.row, cursor.column)}${ESC}?25h`;
}
