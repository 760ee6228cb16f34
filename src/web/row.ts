/** One line of the table. It is used for one group after the other, as the table is scrolled and sorted. */
import type { Cell, ColumnInfo } from '../protocol/column.ts';
import type { Figures } from '../view/figures.ts';
import { formatCell } from '../view/format.ts';
import { Memory } from '../view/memory.ts';
import { type Line, searched } from '../view/tree.ts';
import { type Content, FigureCell } from './cell.ts';
import { element, setAttribute, setFlag, setText } from './dom.ts';
import { nameOf, whoOf, write } from './label.ts';

/** Figures of groups in which nothing moves are read more seldom; beyond so many seconds it is told. */
const STALE_SECONDS = 15;

/** What all rows are drawn from. */
export interface Drawing {
  readonly figures: Figures;
  readonly lines: readonly Line[];
  /** The column whose last minute is drawn. */
  readonly spark: ColumnInfo | undefined;
  /** The chosen group's id. */
  readonly chosen: string | undefined;
  readonly memory: Memory;
  /** There is no tree around the rows: where they are is written beside them. */
  readonly flat: boolean;
  /** What the machine has of a column. */
  readonly wholeOf: (column: ColumnInfo) => number | undefined;
}

export interface RowActions {
  fold(id: string, folded: boolean): void;
  choose(id: string): void;
  open(id: string): void;
}

let made = 0;

export class RowView {
  readonly node: HTMLElement;
  readonly #columns: readonly ColumnInfo[];
  readonly #fold = element('span', { class: 'fold', 'aria-hidden': 'true' });
  readonly #label = element('span', { class: 'label' });
  readonly #who = element('span', { class: 'who' });
  readonly #badges = element('span', { class: 'badges' });
  readonly #name = element(
    'div',
    { role: 'rowheader', class: 'cell name' },
    this.#fold,
    this.#label,
    this.#who,
    this.#badges,
  );
  readonly #cells: readonly FigureCell[];
  #line: Line | undefined;
  #index = -1;
  #drawing: Drawing | undefined;

  constructor(columns: readonly ColumnInfo[], actions: RowActions) {
    this.#columns = columns;
    this.#cells = columns.map((column) => new FigureCell(column, Memory.length));
    made += 1;
    this.node = element('div', { role: 'row', class: 'row', id: `row-${made}` }, this.#name);
    this.node.append(...this.#cells.map(({ node }) => node));
    this.node.addEventListener('click', ({ target }) => {
      if (this.#line === undefined) return;
      const { row, expanded } = this.#line;
      if (target === this.#fold && expanded !== undefined) actions.fold(row.id, expanded);
      else actions.choose(row.id);
    });
    this.node.addEventListener('dblclick', () => this.#line && actions.open(this.#line.row.id));
  }

  get id(): string | undefined {
    return this.#line?.row.id;
  }

  /** @param index of the line, from 0. @param top in pixels */
  show(index: number, top: number, line: Line, drawing: Drawing): void {
    if (index === this.#index && drawing === this.#drawing) return;
    const { row, level, expanded, context, position, siblings } = line;
    this.#line = line;
    this.#index = index;
    this.#drawing = drawing;
    this.node.style.setProperty('transform', `translateY(${top}px)`);
    setAttribute(this.node, 'aria-rowindex', String(index + 2));
    setAttribute(this.node, 'aria-level', String(level));
    setAttribute(this.node, 'aria-posinset', String(position));
    setAttribute(this.node, 'aria-setsize', String(siblings));
    setAttribute(this.node, 'aria-expanded', expanded === undefined ? undefined : String(expanded));
    setAttribute(this.node, 'aria-selected', String(row.id === drawing.chosen));
    setFlag(this.node, 'data-context', context);
    setAttribute(this.node, 'data-id', row.id);
    this.#showName(line, drawing);
    for (const [i, cell] of this.#cells.entries()) {
      const column = this.#columns[i];
      if (column !== undefined) cell.show(this.#content(column, line, drawing));
    }
  }

  #showName({ at, row, level, expanded, match }: Line, { figures, flat }: Drawing): void {
    const { changes, stale, time } = figures.table;
    const change = changes?.get(at);
    this.#name.style.setProperty('--level', String(flat ? 0 : level - 1));
    setText(this.#fold, expanded === undefined ? '' : expanded ? '▾' : '▸');
    const found = match?.at ?? [];
    write(this.#label, nameOf(row.id), found);
    write(this.#who, whoOf(row, flat), found);
    setAttribute(this.#name, 'title', searched(row));
    setAttribute(this.node, 'data-change', change?.kind);
    const old = stale?.[at] ?? 0;
    const ago = change === undefined ? '' : formatCell(Math.max(0, time - change.time) / 1000, 'age');
    const badges = [
      row.frozen === true ? '❄ frozen' : [],
      change === undefined ? [] : `${CHANGES[change.kind]} ${ago}`,
      change === undefined && old > STALE_SECONDS ? `${formatCell(old, 'age')} old` : [],
    ].flat();
    setText(this.#badges, badges.join(' · '));
    setAttribute(
      this.#badges,
      'title',
      old > STALE_SECONDS ? 'Figures of groups in which nothing moves are read more seldom' : undefined,
    );
  }

  #content(column: ColumnInfo, { at, row, expanded }: Line, drawing: Drawing): Content {
    const { figures, memory, spark, wholeOf } = drawing;
    const beside = (metric: string): Cell => figures.beside(metric, at);
    // The past is kept of subtrees.
    const drawn = column === spark && (figures.extent === 'rollup' || expanded === undefined);
    return {
      cell: figures.cell(column, at),
      limit: figures.beside(column.limit, at),
      worse: figures.beside(column.worse, at),
      marks: (column.marks ?? []).map(({ metric }) => beside(metric)),
      level: figures.level(column, at),
      whole: wholeOf(column),
      trail: drawn ? memory.trail(row, column.metric, figures.table.time) : undefined,
    };
  }
}

const CHANGES = { gone: 'gone', anew: 'made anew', new: 'new' };
