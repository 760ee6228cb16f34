/** The tree as a table. Only what can be seen exists as elements, so that thousands of groups scroll smoothly. */
import type { ColumnInfo } from '../protocol/column.ts';
import { unitOf } from '../view/format.ts';
import type { Line, Sort } from '../view/tree.ts';
import { hasBeside, resourceOf } from './cell.ts';
import { element, setAttribute, setFlag, setText } from './dom.ts';
import { type Drawing, type RowActions, RowView } from './row.ts';

/** As --row in the style sheet, in pixels. */
const ROW = 26;
/** What the last minute needs, in pixels. */
const SPARK = 50;
/** Rows beyond the visible ones, so that scrolling does not show gaps. */
const MARGIN = 6;

export interface Actions extends RowActions {
  /** @param metric undefined for the name */
  sort(metric: string | undefined): void;
}

export interface Content extends Drawing {
  readonly sort: Sort;
  /** What to say where there are no lines. */
  readonly nothing: string;
}

export class Grid {
  readonly #root: HTMLElement;
  readonly #actions: Actions;
  readonly #head = element('div', { role: 'row', class: 'head', 'aria-rowindex': '1' });
  readonly #heads = element('div', { role: 'rowgroup', class: 'heads' }, this.#head);
  readonly #body = element('div', { role: 'rowgroup', class: 'body' });
  readonly #empty: HTMLElement;
  #columns: readonly ColumnInfo[] = [];
  /** In the order in which they are seen. */
  #rows: RowView[] = [];
  /** The line that the first of them shows. */
  #first = 0;
  #content: Content | undefined;
  /** Asking the browser in the midst of writing would make it lay out twice. */
  #scrolled = 0;
  #height = 0;
  #tracks = '';

  /** @param empty what is shown where there are no lines */
  constructor(root: HTMLElement, empty: HTMLElement, actions: Actions) {
    this.#root = root;
    this.#empty = empty;
    this.#actions = actions;
    root.append(this.#heads, this.#body);
    const measure = (): void => {
      this.#scrolled = root.scrollTop;
      this.#height = root.clientHeight;
      this.#draw();
    };
    root.addEventListener('scroll', measure, { passive: true });
    new ResizeObserver(measure).observe(root);
  }

  setColumns(columns: readonly ColumnInfo[]): void {
    this.#columns = columns;
    this.#rows = [];
    this.#body.replaceChildren();
    this.#head.replaceChildren(this.#title(undefined, 0), ...columns.map((column, at) => this.#title(column, at + 1)));
    setAttribute(this.#root, 'aria-colcount', String(columns.length + 1));
  }

  show(content: Content): void {
    this.#content = content;
    const { lines, sort, spark } = content;
    this.#body.style.setProperty('height', `${lines.length * ROW}px`);
    this.#layOut(spark);
    setAttribute(this.#root, 'aria-rowcount', String(lines.length + 1));
    for (const [at, title] of [...this.#head.children].entries()) {
      const sorted = this.#columns[at - 1]?.metric === sort.metric;
      setAttribute(title, 'aria-sort', sorted ? (sort.descending ? 'descending' : 'ascending') : 'none');
    }
    this.#empty.hidden = lines.length > 0;
    setText(this.#empty, content.nothing);
    this.#draw();
  }

  /** Scrolls so that a line is in sight. */
  reveal(line: number): void {
    const { scrollTop, clientHeight } = this.#root;
    const top = line * ROW;
    const room = clientHeight - this.#heads.offsetHeight;
    if (top < scrollTop) this.#root.scrollTop = top;
    else if (top + ROW > scrollTop + room) this.#root.scrollTop = top + ROW - room;
  }

  toTop(): void {
    this.#root.scrollTop = 0;
  }

  /** How many lines fit. */
  get page(): number {
    return Math.max(1, Math.floor((this.#root.clientHeight - this.#heads.offsetHeight) / ROW) - 1);
  }

  /** The lines that can be seen. */
  get seen(): readonly Line[] {
    const first = Math.floor(this.#scrolled / ROW);
    return this.#content?.lines.slice(first, first + Math.ceil(this.#height / ROW)) ?? [];
  }

  /** The column that is drawn with the last minute is wider. */
  #layOut(spark: ColumnInfo | undefined): void {
    const widths = this.#columns.map((column) => widthOf(column) + (column === spark ? SPARK : 0));
    const tracks = widths.map((width) => `minmax(${width}px, ${width}fr)`).join(' ');
    if (tracks === this.#tracks) return;
    this.#tracks = tracks;
    this.#root.style.setProperty('--columns', `minmax(var(--name), 900fr) ${tracks}`);
    this.#root.style.setProperty('--figures', `${widths.reduce((sum, width) => sum + width, 0)}px`);
  }

  #title(column: ColumnInfo | undefined, at: number): HTMLElement {
    const { title = 'Group', help = 'The group’s path' } = column ?? {};
    const unit = column === undefined ? '' : unitWords(column);
    const button = element('button', { type: 'button', tabindex: '-1' }, title);
    if (unit !== '') button.append(element('span', { class: 'unit' }, ` ${unit}`));
    button.addEventListener('click', () => this.#actions.sort(column?.metric));
    const node = element(
      'div',
      { role: 'columnheader', class: `cell ${column === undefined ? 'name' : 'figure'}` },
      button,
    );
    setAttribute(node, 'title', `${help}${at < 10 ? `\nKey ${at}: sort` : ''}`);
    setFlag(node, 'data-beside', column !== undefined && hasBeside(column));
    setAttribute(node, 'data-show', column?.show);
    setAttribute(node, 'data-resource', column && resourceOf(column));
    return node;
  }

  #draw(): void {
    const content = this.#content;
    if (content === undefined) return;
    const first = Math.max(0, Math.floor(this.#scrolled / ROW) - MARGIN);
    const count = Math.max(0, Math.min(content.lines.length - first, Math.ceil(this.#height / ROW) + 2 * MARGIN));
    this.#turn(first);
    while (this.#rows.length < count) {
      const row = new RowView(this.#columns, this.#actions);
      this.#rows.push(row);
      this.#body.append(row.node);
    }
    for (const row of this.#rows.splice(count)) row.node.remove();
    for (const [slot, row] of this.#rows.entries()) {
      const line = content.lines[first + slot];
      if (line !== undefined) row.show(first + slot, (first + slot) * ROW, line, content);
    }
    const chosen = this.#rows.find(({ id }) => id === content.chosen);
    setAttribute(this.#root, 'aria-activedescendant', chosen?.node.id);
  }

  /** What is scrolled out at one end comes in at the other: the rows between stay as they are. */
  #turn(first: number): void {
    const by = first - this.#first;
    this.#first = first;
    if (by === 0 || Math.abs(by) >= this.#rows.length) return;
    const moved = by > 0 ? this.#rows.splice(0, by) : this.#rows.splice(by);
    const nodes = moved.map(({ node }) => node);
    if (by > 0) {
      this.#rows.push(...moved);
      this.#body.append(...nodes);
    } else {
      this.#rows.unshift(...moved);
      this.#body.prepend(...nodes);
    }
  }
}

function unitWords({ show, worse, limit, event }: ColumnInfo): string {
  if (worse !== undefined) return 'some, full';
  if (event !== undefined) return '15 m';
  if (show === 'cores' && limit !== undefined) return `${unitOf(show)}, quota`;
  return unitOf(show);
}

/** What a column needs, in pixels: the figure, and a bar and what is told beside it. */
function widthOf(column: ColumnInfo): number {
  const { show, limit } = column;
  const figure = { cores: 43, bytes: 50, 'bytes/s': 50, count: 40, rate: 50, ratio: 49, age: 38 }[show];
  if (!hasBeside(column)) return Math.max(figure, 10 + Math.ceil(6.3 * column.title.length));
  if (limit === undefined) return figure + 36;
  return figure + (show === 'bytes' ? 94 : 35);
}
