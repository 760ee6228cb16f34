/** One figure of one group: the number, a bar where it has an end, marks on the way there, and what is worse. */
import type { Cell, ColumnInfo } from '../protocol/column.ts';
import { type Level, shareOf } from '../view/figures.ts';
import { formatCell, unitOf } from '../view/format.ts';
import { element, setAttribute, setFlag, setShare, setText } from './dom.ts';
import { Spark } from './spark.ts';

/** What a cell shows. */
export interface Content {
  readonly cell: Cell;
  readonly limit: Cell;
  readonly worse: Cell;
  readonly marks: readonly Cell[];
  readonly level: Level;
  /** What the machine has of it: the end of a bar without a limit. */
  readonly whole: number | undefined;
  /** The last minute, for the column that is sorted by. */
  readonly trail: readonly number[] | undefined;
}

/** The resource whose colour it has. */
export function resourceOf({ role = '' }: ColumnInfo): string {
  return role.split('.')[0] ?? '';
}

export class FigureCell {
  readonly node: HTMLElement;
  readonly #column: ColumnInfo;
  readonly #value = element('span', { class: 'value' });
  readonly #beside = element('span', { class: 'beside' });
  readonly #bar = element('span', { class: 'bar' });
  readonly #ticks: readonly HTMLElement[];
  readonly #spark = new Spark();
  readonly #trailLength: number;
  #shown = '';

  constructor(column: ColumnInfo, trailLength: number) {
    this.#column = column;
    this.#trailLength = trailLength;
    this.node = element('div', { role: 'gridcell', class: 'cell figure', 'data-show': column.show });
    setAttribute(this.node, 'data-resource', resourceOf(column));
    this.#ticks = (column.marks ?? []).map(({ title }) => element('i', { class: 'tick', 'data-mark': title }));
    this.#bar.append(...this.#ticks);
    if (column.limit !== undefined && column.show === 'bytes') this.node.append(this.#bar);
    this.node.append(this.#spark.node, this.#value);
    if (hasBeside(column)) this.node.append(this.#beside);
  }

  show(content: Content): void {
    const { trail, cell, limit, worse, marks, level, whole } = content;
    setFlag(this.#spark.node, 'data-off', trail === undefined);
    if (trail !== undefined) this.#spark.draw(trail, this.#trailLength);
    // Most figures are what they were: the elements are not even looked at.
    const shown = `${cell} ${limit} ${worse} ${marks.join()} ${level} ${whole} ${trail === undefined}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const column = this.#column;
    setText(this.#value, formatCell(cell, column.show));
    setText(this.#beside, besideText(column, content));
    setAttribute(this.node, 'title', sentence(column, content));
    setAttribute(this.node, 'data-level', level);
    setFlag(this.node, 'data-quiet', cell === 0);
    setFlag(this.node, 'data-absent', cell === null);
    this.#showBar(content);
  }

  #showBar({ cell, limit, marks, whole }: Content): void {
    const numbers = marks.filter((mark) => typeof mark === 'number' && mark > 0);
    const end =
      [limit, ...numbers].filter((one) => typeof one === 'number').reduce((a, b) => Math.max(a, b), 0) || whole;
    setFlag(this.#bar, 'data-limited', typeof limit === 'number');
    setShare(this.#bar, end === undefined ? 0 : (shareOf(cell, end) ?? 0));
    for (const [at, tick] of this.#ticks.entries()) {
      const share = end === undefined ? undefined : shareOf(marks[at] ?? null, end);
      tick.hidden = share === undefined || share === 0;
      if (share !== undefined) setShare(tick, share);
    }
  }
}

/** Whether there is something to tell beside the figure. */
export function hasBeside({ limit, worse }: ColumnInfo): boolean {
  return limit !== undefined || worse !== undefined;
}

/** What is worse, the share of a quota, or the limit. */
function besideText({ show, worse: worseOf }: ColumnInfo, { cell, limit, worse }: Content): string {
  if (worseOf !== undefined) return cell === null ? '' : formatCell(worse, show);
  if (typeof limit !== 'number') return '';
  const share = shareOf(cell, limit);
  if (show === 'cores') return share === undefined ? '' : `${Math.round(share * 100)}%`;
  return `/ ${formatCell(limit, show)}`;
}

/** All that is known, in words. */
function sentence(column: ColumnInfo, { cell, limit, worse, marks, level }: Content): string {
  const { title, show, help, worse: worseOf } = column;
  if (cell === null) return `${title}: the kernel does not tell it for this group`;
  const unit = unitOf(show);
  const figure = (of: Cell): string => `${formatCell(of, show)}${unit === '' ? '' : ` ${unit}`}`;
  const told = (column.marks ?? []).flatMap((mark, at) =>
    marks[at] === null || marks[at] === 'max' || marks[at] === 0 ? [] : `${mark.title} ${figure(marks[at] ?? null)}`,
  );
  return [
    `${title}: ${figure(cell)}${limit === null ? '' : ` of ${limit === 'max' ? 'no limit' : figure(limit)}`}`,
    worseOf === undefined ? [] : `all of them: ${figure(worse)}`,
    told,
    level === 'bad' ? 'this is wrong now' : level === 'near' ? 'nearly too much' : [],
    help ?? [],
  ]
    .flat()
    .join('\n');
}
