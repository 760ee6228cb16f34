/** One group in depth: what stands in the pane, as lines. Pure. */

import { printable } from '../../parse/printable.ts';
import { formatSize } from '../../parse/size.ts';
import type { ColumnInfo } from '../../protocol/column.ts';
import type { CgroupEvent } from '../../protocol/event.ts';
import type { Figures } from '../../view/figures.ts';
import { clock, formatCell, unitOf } from '../../view/format.ts';
import type { Memory } from '../../view/tree.ts';
import { fit, textWidth } from '../width.ts';
import { spark } from './figure.ts';
import type { Line } from './paint.ts';

export interface Detail {
  readonly id: string;
  readonly knobs: readonly KnobText[];
  readonly processes: readonly ProcessText[];
  /** All there are; not all are listed. */
  readonly total: number;
  /** Why there is nothing. */
  readonly problem?: string;
}

/** Raw texts: they are made printable where they are drawn. */
export interface KnobText {
  readonly key: string;
  readonly asked: string | undefined;
  readonly kernel: string;
}

export interface ProcessText {
  readonly pid: number;
  readonly state: string;
  readonly rssBytes: number;
  readonly command: string;
}

export interface Pane {
  readonly id: string;
  readonly detail: Detail | undefined;
  readonly columns: readonly ColumnInfo[];
  readonly figures: Figures | undefined;
  readonly memory: Memory;
  readonly events: readonly CgroupEvent[];
}

/** Columns of a setting's name and value; how many events are listed. */
const [KNOB, VALUE, EVENTS] = [26, 16, 10];

/** Every line of the pane, whatever is in sight. */
export function paneLines(pane: Pane, width: number): Line[] {
  const { id, detail } = pane;
  const at = pane.figures?.table.rows.findIndex((row) => row.id === id) ?? -1;
  const lines: Line[] = [[{ text: printable(id), as: 'bold' }]];
  if (isGone(pane.figures, at)) lines.push([{ text: 'this group is gone', as: 'bad' }]);
  lines.push([], ...figureLines(pane, at, width), ...eventLines(pane));
  if (detail === undefined) return [...lines, [], [{ text: 'looking …', as: 'dim' }]];
  if (detail.problem !== undefined) return [...lines, [], [{ text: printable(detail.problem), as: 'bad' }]];
  return [...lines, ...processLines(detail), ...knobLines(detail)];
}

/** Rows of groups that went lately are still told. */
function isGone(figures: Figures | undefined, at: number): boolean {
  return figures !== undefined && (at < 0 || figures.table.changes?.get(at)?.kind === 'gone');
}

function processLines({ processes, total }: Detail): Line[] {
  const more =
    total > processes.length ? [[{ text: `         and ${total - processes.length} more`, as: 'dim' } as const]] : [];
  return [
    [],
    [
      { text: 'PROCESSES', as: 'title' },
      { text: ` ${total}`, as: 'dim' },
    ],
    ...processes.map(
      ({ pid, state, rssBytes, command }): Line => [
        {
          text: `${String(pid).padStart(8)} ${printable(state)} ${formatSize(rssBytes).padStart(8)} ${printable(command)}`,
        },
      ],
    ),
    ...more,
  ];
}

function knobLines({ knobs }: Detail): Line[] {
  return [
    [],
    [{ text: `${fit('SETTING', KNOB)} ${fit('KERNEL', VALUE)} ASKED`, as: 'title' }],
    ...knobs.map(
      ({ key, asked, kernel }): Line => [
        { text: `${fit(key, KNOB)} ` },
        { text: fit(printable(kernel), VALUE), as: asked === undefined ? 'dim' : undefined },
        { text: asked === undefined ? '' : ` ${printable(asked)}`, as: asked === kernel ? undefined : 'near' },
      ],
    ),
  ];
}

function figureLines({ columns, figures, memory }: Pane, at: number, width: number): Line[] {
  const row = figures?.table.rows[at];
  if (figures === undefined || row === undefined) return [];
  const titles = Math.max(0, ...columns.map(({ title }) => textWidth(title)));
  const room = Math.max(0, Math.min(60, width - titles - 22));
  return columns.flatMap((column): Line[] => {
    const limit = figures.beside(column.limit, at);
    const end = typeof limit === 'number' ? ` of ${formatCell(limit, column.show)}` : '';
    const cell = figures.cell(column, at);
    // What the kernel does not give is told in the table.
    if (cell === null) return [];
    const line: Line = [
      { text: `${fit(column.title, titles)}  `, as: 'dim' },
      { text: fit(formatCell(cell, column.show) + end, 13, true), as: figures.level(column, at) },
      { text: ` ${fit(unitOf(column.show), 5)} `, as: 'dim' },
      { text: spark(memory.trail(row, column.metric), room), as: 'spark' },
    ];
    return [line];
  });
}

function eventLines({ id, events }: Pane): Line[] {
  const own = events.filter((event) => concerns(event, id));
  const last = own.slice(-EVENTS).reverse();
  return [
    [],
    [
      { text: 'EVENTS', as: 'title' },
      { text: last.length === 0 ? ' none since this began' : '', as: 'dim' },
    ],
    ...last.map(
      ({ time, kind, cgroup, text }): Line => [
        { text: `${clock(time)} `, as: 'dim' },
        { text: kind, as: 'bold' },
        { text: ` ${cgroup === id ? '' : `${printable(cgroup)}: `}${printable(text)}` },
      ],
    ),
  ];
}

/** Whether something happened in the group or below, or by its limits. */
export function concerns({ cgroup, ancestor }: CgroupEvent, id: string): boolean {
  return cgroup === id || ancestor === id || cgroup.startsWith(id === '/' ? id : `${id}/`);
}
