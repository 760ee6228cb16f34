/** The whole machine in a line: a tile for each column that the root group, or the groups below it, have figures for. */
import type { Cell, ColumnInfo } from '../protocol/column.ts';
import { AGE, type Figures, levelOf, shareOf } from '../view/figures.ts';
import { formatCell, unitOf } from '../view/format.ts';
import { Memory } from '../view/memory.ts';
import { shapeOf } from '../view/table.ts';
import { resourceOf } from './cell.ts';
import type { Info } from './connection.ts';
import { element, setAttribute, setShare, setText } from './dom.ts';
import { Spark } from './spark.ts';

export class Strip {
  readonly #root: HTMLElement;
  #tiles: readonly Tile[] = [];

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  setColumns(columns: readonly ColumnInfo[]): void {
    this.#tiles = columns.filter((column) => column !== AGE).map((column) => new Tile(column));
    this.#root.replaceChildren(...this.#tiles.map(({ node }) => node));
  }

  show(figures: Figures, memory: Memory, info: Info): void {
    for (const tile of this.#tiles) tile.show(figures, memory, info);
  }
}

class Tile {
  readonly node: HTMLElement;
  readonly #column: ColumnInfo;
  readonly #value = element('span', { class: 'value' });
  readonly #of = element('span', { class: 'beside' });
  readonly #bar = element('span', { class: 'bar', 'data-limited': '' });
  readonly #spark = new Spark();

  constructor(column: ColumnInfo) {
    this.#column = column;
    const head = element('span', { class: 'title' }, column.title);
    const figure = element('span', { class: 'figure' }, this.#value, this.#of);
    this.node = element('div', { class: 'tile', 'data-resource': resourceOf(column), title: column.help ?? '' });
    this.node.append(this.#spark.node, head, figure, this.#bar);
  }

  /** @param figures of subtrees */
  show(figures: Figures, memory: Memory, info: Info): void {
    const column = this.#column;
    const { show, metric } = column;
    const [root] = figures.table.rows;
    const cell = wholeOf(figures, column);
    this.node.hidden = typeof cell !== 'number' || root === undefined;
    if (root === undefined || typeof cell !== 'number') return;
    const worse = figures.beside(column.worse, 0);
    const whole = capacityOf(column, info);
    setText(this.#value, formatCell(cell, show));
    setText(this.#of, besideText(column, worse, whole));
    this.#bar.hidden = whole === undefined;
    if (whole !== undefined) setShare(this.#bar, cell / whole);
    const level = levelOf(column, cell, shareOf(cell, whole ?? null), worse);
    setAttribute(this.node, 'data-level', level);
    this.#spark.draw(memory.trail(root, metric, figures.table.time), Memory.length, whole ?? 0);
  }
}

function besideText({ show, worse: worseOf, event }: ColumnInfo, worse: Cell, whole: number | undefined): string {
  if (worseOf !== undefined) return worse === null ? '' : `full ${formatCell(worse, show)}`;
  if (event !== undefined) return 'in 15 min';
  if (whole === undefined) return unitOf(show);
  return `/ ${show === 'cores' ? `${whole} ${unitOf(show)}` : formatCell(whole, show)}`;
}

/** The root's own figure; where the kernel has none (as on v2), the sum over the groups below it. */
function wholeOf(figures: Figures, column: ColumnInfo): Cell {
  const own = figures.cell(column, 0);
  if (own !== null || column.show === 'ratio') return own;
  const below = (shapeOf(figures.table.rows).children[0] ?? []).map((at) => figures.cell(column, at));
  const numbers = below.filter((cell) => typeof cell === 'number');
  return numbers.length === 0 ? null : numbers.reduce((sum, cell) => sum + cell, 0);
}

/** What the machine has of it: the root group has no limit of its own. */
export function capacityOf({ show, limit }: ColumnInfo, { machine }: Info): number | undefined {
  if (show === 'cores') return machine.onlineCpus.length;
  if (show !== 'bytes' || limit === undefined) return undefined;
  return machine.nodes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) || undefined;
}
