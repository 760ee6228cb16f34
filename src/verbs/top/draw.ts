/** The state as lines of a terminal. Pure. */
import { printable } from '../../parse/printable.ts';
import type { Cell, ColumnInfo } from '../../protocol/column.ts';
import { type Figures, shareOf } from '../../view/figures.ts';
import { clock, formatCell, shortName } from '../../view/format.ts';
import type { Change } from '../../view/table.ts';
import type { Memory, Line as TreeLine } from '../../view/tree.ts';
import { plural } from '../output.ts';
import { fit, textWidth } from '../width.ts';
import { paneLines } from './detail.ts';
import { type Edit, shown } from './edit.ts';
import { bar, spark } from './figure.ts';
import { briefTitle, type Layout, LEAST_COLUMNS, layOut } from './layout.ts';
import { ABOVE, BELOW, isCovered, type Mode, page, type State } from './model.ts';
import { type Hue, type Line, type Look, type Palette, painted, type Span } from './paint.ts';
import type { Frame } from './screen.ts';
import type { Machine } from './source.ts';

export interface Scene {
  readonly state: State;
  readonly machine: Machine;
  readonly intervalMs: number;
  readonly memory: Memory;
  readonly palette: Palette;
}

const HELP: readonly (readonly [keys: string, what: string])[] = [
  ['↑ ↓  j k', 'move'],
  ['PgUp PgDn Home End', 'move far'],
  ['← →  h l', 'fold, unfold; to the group above, below'],
  ['Enter', 'one group in depth; again or Esc: back'],
  ['/', 'only paths that contain a text; Esc: all'],
  ['1 … 9, 0', 'sort by that column, by name; again: the other way round'],
  ['Space', 'pause, go on'],
  ['f', 'freeze or thaw the group and what is below'],
  ['K', 'kill every process in it and below'],
  ['s', 'set limits: flags as of "cgctl set"'],
  ['Ctrl-L', 'draw anew'],
  ['q  Ctrl-C', 'quit'],
];

/** As many lines as the terminal has rows, each no wider than it. */
export function draw(scene: Scene): Frame {
  const { state, palette } = scene;
  const { columns, rows } = state.size;
  if (columns < LEAST_COLUMNS || rows < ABOVE + BELOW + 1) return tooSmall(state, palette);
  const body = page(state);
  const foot = footOf(state);
  const middle = bodyOf(scene, body);
  const lines = [
    painted(heading(scene), columns, palette),
    painted(fitting(strip(scene), columns), columns, palette),
    ...middle,
    painted(foot.line, columns, palette, foot.base),
  ];
  return { lines, cursor: foot.cursor === undefined ? undefined : { row: rows - 1, column: foot.cursor } };
}

function tooSmall({ size }: State, palette: Palette): Frame {
  const text = `cgctl top needs ${LEAST_COLUMNS} columns and ${ABOVE + BELOW + 1} rows; here are ${size.columns} and ${size.rows}. q quits.`;
  const words = text.split(' ');
  const lines: string[] = [''];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > size.columns) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return { lines: lines.slice(0, size.rows).map((line) => painted([{ text: line }], size.columns, palette)) };
}

function heading({ state, machine, intervalMs }: Scene): Line {
  const { figures, view, lines, paused, trouble, size } = state;
  const table = figures?.table;
  const [look, words]: [Look, string] =
    trouble !== undefined
      ? ['bad', `✖ ${printable(trouble)}`]
      : paused
        ? ['near', '⏸ paused']
        : ['good', `● live ${intervalMs / 1000} s`];
  const total = table?.rows.length ?? 0;
  const matches = view.filter.trim() === '' ? '' : `${lines.filter(({ context }) => !context).length} of `;
  const groups = table === undefined ? 'looking …' : `${matches}${plural(total, 'group')} · ${clock(table.time)}`;
  const left = `cgctl · ${printable(machine.title)}`;
  const right = `${words} · ${groups}`;
  const room = Math.max(1, size.columns - textWidth(right) - 1);
  return [
    { text: `${fit(left, room)} `, as: 'bold' },
    { text: words, as: look },
    { text: ` · ${groups}`, as: 'dim' },
  ];
}

/** As many of the parts as have room, two columns apart. */
function fitting(parts: readonly Line[], columns: number): Line {
  let left = columns;
  return parts.flatMap((part) => {
    const needed = part.reduce((sum, { text }) => sum + textWidth(text), 0);
    if (needed > left) return [];
    left -= needed + 2;
    return [...part, { text: '  ' }];
  });
}

/** The whole machine: the figures of the group above all, as far as it has some. */
function strip({ state, machine }: Scene): Line[] {
  const { figures, columns } = state;
  if (figures === undefined) return [];
  return columns.flatMap((column): Line[] => {
    const cell = figures.cell(column, 0);
    if (typeof cell !== 'number') return [];
    const whole =
      column.show === 'cores' ? machine.cpus : column.role === 'memory.usage' ? machine.memoryBytes : undefined;
    const end = whole === undefined ? '' : `/${column.show === 'cores' ? whole : formatCell(whole, column.show)}`;
    const line: Line = [
      { text: `${briefTitle(column)} `, as: 'dim' },
      ...(whole === undefined ? [] : [{ text: `${bar(cell / whole, 6)} `, as: hue(state, column) }]),
      { text: formatCell(cell, column.show), as: figures.level(column, 0) },
      { text: end, as: 'dim' },
    ];
    return [line];
  });
}

/** One hue a resource, everywhere. */
function hue({ columns }: State, { role }: ColumnInfo): Look | undefined {
  const at = [...new Set(columns.map((column) => resourceOf(column.role)))].indexOf(resourceOf(role));
  return role === undefined ? undefined : HUES[at % HUES.length];
}
const HUES: readonly Hue[] = ['hue0', 'hue1', 'hue2', 'hue3'];

const resourceOf = (role = ''): string | undefined => role.split('.')[0];

/** Titles and table, or what stands in its place or beside it. */
function bodyOf(scene: Scene, rows: number): string[] {
  const { state, palette } = scene;
  const { mode, pane, size } = state;
  const full = (lines: readonly Line[]): string[] =>
    Array.from({ length: rows + 1 }, (_, i) => painted(lines[i] ?? [], size.columns, palette));
  if (mode.kind === 'help') return full(helpLines());
  if (mode.kind === 'read')
    return full([[{ text: printable(mode.title), as: 'bold' }], [], ...mode.lines.map(textLine)]);
  if (pane === undefined) return tableLines(scene, size.columns, rows);
  const beside = !isCovered(state);
  const width = beside ? Math.floor(size.columns * 0.45) : size.columns;
  const lines = paneLines({ ...state, ...scene, id: pane.id, detail: pane.detail }, width);
  const top = Math.min(pane.top, Math.max(0, lines.length - rows - 1));
  const inSight = Array.from({ length: rows + 1 }, (_, i) => lines[top + i] ?? []);
  if (!beside) return inSight.map((line) => painted(line, width, palette));
  const left = tableLines(scene, size.columns - width - 3, rows);
  return left.map(
    (line, i) =>
      `${line} ${painted([{ text: '│', as: 'dim' }], 1, palette)} ${painted(inSight[i] ?? [], width, palette)}`,
  );
}

const textLine = (text: string): Line => [{ text: printable(text) }];

function helpLines(): Line[] {
  return [
    [{ text: 'Keys', as: 'bold' }],
    [],
    ...HELP.map(([keys, what]): Line => [{ text: `  ${fit(keys, 22)}`, as: 'bold' }, { text: what }]),
    [],
    [
      {
        text: 'A figure stands for the group and everything below it. – is what the kernel does not give, which is not 0.',
      },
    ],
    [{ text: 'Orange is near to trouble, red and bold is trouble now.' }],
  ];
}

function tableLines(scene: Scene, width: number, rows: number): string[] {
  const { state, palette } = scene;
  const { view, lines, top, figures } = state;
  const layout = layOut(state.columns, width, view.sort.metric);
  const body = lines.slice(top, top + rows).map((line) => {
    const isChosen = line.row.id === state.chosen;
    const spans = figures === undefined ? [] : rowLine(line, figures, layout, scene);
    return padded(spans, width, palette, isChosen ? 'chosen' : undefined);
  });
  const empty = figures !== undefined && lines.length === 0 ? 'No path contains that. Esc shows all.' : '';
  while (body.length < rows) body.push(padded([{ text: body.length === 0 ? empty : '', as: 'dim' }], width, palette));
  return [padded(titles(layout, state), width, palette), ...body];
}

/** Something may stand to the right of it. */
function padded(line: Line, width: number, palette: Palette, base?: Look): string {
  const used = line.reduce((sum, { text }) => sum + textWidth(text), 0);
  return painted([...line, { text: ' '.repeat(Math.max(0, width - used)) }], width, palette, base);
}

function titles({ name, placed }: Layout, { view: { sort } }: State): Line {
  const arrow = (metric: string | undefined): string => (sort.metric === metric ? (sort.descending ? '▾' : '▴') : '');
  return [
    { text: fit(`group${arrow(undefined)}`, name), as: 'title' },
    ...placed.flatMap((one): Span[] => {
      const { column, figure, limit, bar: bars, spark: sparks } = one;
      const title = fit(briefTitle(column) + arrow(column.metric), figure, true);
      return [
        {
          text: ` ${' '.repeat(sparks + (sparks && 1) + bars + (bars && 1))}${title}${' '.repeat(limit)}`,
          as: 'title',
        },
      ];
    }),
  ];
}

function rowLine(line: TreeLine, figures: Figures, layout: Layout, { state, memory }: Scene): Line {
  const { at, row } = line;
  return [
    ...nameSpans(line, layout.name, figures.table.changes?.get(at)),
    ...layout.placed.flatMap(({ column, figure, limit, bar: bars, spark: sparks }): Span[] => {
      const cell = figures.cell(column, at);
      const end = figures.beside(column.limit, at);
      const level = figures.level(column, at);
      const look = level ?? (cell === 0 || cell === null ? 'dim' : undefined);
      return [
        ...(sparks > 0
          ? [{ text: ` ${spark(memory.trail(row, column.metric), sparks)}`, as: hue(state, column) }]
          : []),
        ...(bars > 0 ? [{ text: ` ${shareBar(cell, end, bars)}`, as: level ?? hue(state, column) }] : []),
        { text: ` ${fit(formatCell(cell, column.show), figure, true)}`, as: look },
        ...(limit > 0
          ? [
              {
                text: fit(typeof end === 'number' ? `/${formatCell(end, column.show)}` : '', limit),
                as: 'dim' as const,
              },
            ]
          : []),
      ];
    }),
  ];
}

function shareBar(cell: Cell, end: Cell, columns: number): string {
  const share = shareOf(cell, end);
  return share === undefined ? ' '.repeat(columns) : bar(share, columns);
}

const CHANGES: Readonly<Record<Change['kind'], string>> = { gone: '✖ gone', anew: '↻ made anew', new: '✚ new' };

/** The name below its group, with what is told in words beside it. */
function nameSpans({ row, level, expanded, context }: TreeLine, width: number, change: Change | undefined): Span[] {
  const fold = expanded === undefined ? ' ' : expanded ? '▾' : '▸';
  const indent = ' '.repeat(Math.min(2 * (level - 1), Math.floor(width / 2)));
  const { frozen, name: called } = row;
  const words = [
    frozen ? '❄ frozen' : '',
    change === undefined ? '' : CHANGES[change.kind],
    called === undefined ? '' : printable(called),
  ];
  const marks = words.map((word) => (word === '' ? '' : ` ${word}`)).join('');
  const lead = `${indent}${fold} `;
  const name = printable(shortName(row.id));
  const room = width - textWidth(lead);
  const beside = textWidth(name) + textWidth(marks) <= room ? marks : frozen ? ' ❄' : '';
  const shownName = fit(name, Math.min(textWidth(name), Math.max(1, room - textWidth(beside))));
  const rest = Math.max(0, room - textWidth(shownName) - textWidth(beside));
  return [
    { text: lead, as: 'dim' },
    { text: shownName, as: context ? 'dim' : undefined },
    { text: beside, as: frozen ? 'spark' : 'dim' },
    { text: ' '.repeat(rest) },
  ];
}

interface Foot {
  readonly line: Line;
  readonly base?: Look;
  readonly cursor?: number;
}

function footOf(state: State): Foot {
  const { mode, notice, size } = state;
  switch (mode.kind) {
    case 'filter':
      return prompt('/', mode.edit, size.columns);
    case 'set':
      return prompt(
        `set ${fit(printable(mode.id), Math.min(textWidth(printable(mode.id)), 30))} `,
        mode.edit,
        size.columns,
      );
    case 'ask':
      return question(mode);
    case 'read':
      return mode.order === undefined
        ? { line: [{ text: 'any key goes back' }], base: 'chosen' }
        : { line: [{ text: 'do this? y: yes, any other key: no' }], base: 'chosen' };
    case 'wait':
      return { line: [{ text: printable(mode.text) }], base: 'chosen' };
    case 'help':
      return { line: [{ text: 'any key goes back' }], base: 'chosen' };
    case 'table':
      if (notice !== undefined) return { line: [{ text: printable(notice.text), as: notice.bad ? 'bad' : 'good' }] };
      return { line: keysLine(state) };
  }
}

function question({ question: text }: Extract<Mode, { kind: 'ask' }>): Foot {
  return { line: [{ text: `${printable(text)} y: yes, any other key: no` }], base: 'chosen' };
}

function prompt(label: string, line: Edit, columns: number): Foot {
  const room = columns - textWidth(label);
  const { text, cursor } = shown(line, room);
  return { line: [{ text: label, as: 'bold' }, { text }], cursor: textWidth(label) + cursor };
}

function keysLine(state: State): Line {
  const { view, single, size } = state;
  const covered = isCovered(state);
  const filter = printable(view.filter);
  const keys: readonly (readonly [string, string])[] = covered
    ? [
        ['j k', 'scroll'],
        ...(single === undefined ? [['Esc', 'back'] as const] : [['Space', 'pause'] as const]),
        ['f', 'freeze'],
        ['K', 'kill'],
        ['s', 'set'],
        ['?', 'help'],
        ['q', 'quit'],
      ]
    : [
        ['/', filter === '' ? 'filter' : fit(filter, Math.min(textWidth(filter), 16))],
        ['1–9', 'sort'],
        ['h l', 'fold'],
        ['↵', 'detail'],
        ['f', 'freeze'],
        ['K', 'kill'],
        ['s', 'set'],
        ['?', 'help'],
        ['q', 'quit'],
      ];
  return fitting(
    keys.map(([key, what]) => [
      { text: `${key} `, as: 'bold' },
      { text: what, as: 'dim' },
    ]),
    size.columns,
  );
}
