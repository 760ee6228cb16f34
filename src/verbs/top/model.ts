/** What the terminal view shows, and what each key makes of it. Pure. */
import type { ColumnInfo } from '../../protocol/column.ts';
import type { CgroupEvent } from '../../protocol/event.ts';
import type { Figures } from '../../view/figures.ts';
import { type Line, linesOf, type View } from '../../view/tree.ts';
import type { Detail } from './detail.ts';
import { type Edit, edit, typed } from './edit.ts';
import type { Key } from './keys.ts';

/** What is to be done to a group: words of a command line, after the verb. */
export interface Order {
  readonly verb: 'freeze' | 'thaw' | 'kill' | 'set';
  readonly id: string;
  readonly words: readonly string[];
  /** Only say what would be done. */
  readonly dryRun: boolean;
}

/** What came of an order. */
export interface Outcome {
  readonly order: Order;
  /** As the verb told it; may be of any length. */
  readonly lines: readonly string[];
  readonly failed: boolean;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export type Mode =
  | { readonly kind: 'table' }
  | { readonly kind: 'filter'; readonly edit: Edit; readonly before: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'ask'; readonly question: string; readonly order: Order }
  | { readonly kind: 'set'; readonly id: string; readonly edit: Edit }
  /** A plan or a mistake that is read before one goes on; with an order, which is done on yes. */
  | { readonly kind: 'read'; readonly title: string; readonly lines: readonly string[]; readonly order?: Order }
  | { readonly kind: 'wait'; readonly text: string };

export interface Notice {
  readonly text: string;
  readonly bad: boolean;
}

export interface State {
  readonly columns: readonly ColumnInfo[];
  readonly size: Size;
  /** What is shown. */
  readonly figures: Figures | undefined;
  /** What would be shown but for {@link paused}. */
  readonly newest: Figures | undefined;
  readonly lines: readonly Line[];
  readonly view: View;
  readonly chosen: string | undefined;
  /** Only this group's pane is shown, whatever is chosen in the table. */
  readonly single: string | undefined;
  /** The first line that is in sight. */
  readonly top: number;
  readonly paused: boolean;
  readonly mode: Mode;
  /** The pane beside or instead of the table. */
  readonly pane: { readonly id: string; readonly top: number; readonly detail: Detail | undefined } | undefined;
  readonly events: readonly CgroupEvent[];
  readonly notice: Notice | undefined;
  /** Why there is nothing new, where there is not. */
  readonly trouble: string | undefined;
}

/** What the state alone cannot do. */
export type Effect =
  | { readonly kind: 'quit' | 'suspend' | 'redraw' }
  | { readonly kind: 'look'; readonly id: string }
  | { readonly kind: 'order'; readonly order: Order };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** Lines around the table: the heading, the machine, the titles; the foot. */
export const [ABOVE, BELOW] = [3, 1];
/** From here on the pane stands beside the table. */
export const WIDE = 150;
const KEPT_EVENTS = 500;

/** @param single the only group that is shown, in depth */
export function initial(columns: readonly ColumnInfo[], size: Size, view: Partial<View>, single?: string): State {
  return {
    columns,
    size,
    figures: undefined,
    newest: undefined,
    lines: [],
    view: { sort: { metric: columns[0]?.metric, descending: true }, filter: '', folded: new Set(), ...view },
    chosen: undefined,
    single,
    top: 0,
    paused: false,
    mode: { kind: 'table' },
    pane: single === undefined ? undefined : { id: single, top: 0, detail: undefined },
    events: [],
    notice: undefined,
    trouble: undefined,
  };
}

/** How many lines of the table are in sight. */
export function page({ size }: Pick<State, 'size'>): number {
  return Math.max(1, size.rows - ABOVE - BELOW);
}

/** A new look at the tree. */
export function withFigures(state: State, figures: Figures): State {
  const next = { ...state, newest: figures, trouble: undefined };
  return state.paused ? next : arranged({ ...next, figures });
}

export function withTrouble(state: State, trouble: string): State {
  return { ...state, trouble };
}

export function withSize(state: State, size: Size): State {
  return arranged({ ...state, size });
}

export function withEvent(state: State, event: CgroupEvent): State {
  return { ...state, events: [...state.events.slice(1 - KEPT_EVENTS), event] };
}

/** What was looked up for the pane, if it is still open on that group. */
export function withDetail(state: State, detail: Detail): State {
  return state.pane?.id === detail.id ? { ...state, pane: { ...state.pane, detail } } : state;
}

/** What came of an order: a plan is shown and asked about, a mistake in a line takes one back to it. */
export function withOutcome(state: State, { order, lines, failed }: Outcome): State {
  if (order.dryRun && !failed) {
    const title = `${order.verb} ${order.id}: this will be done`;
    const { dryRun: _, ...rest } = order;
    return { ...state, mode: { kind: 'read', title, lines, order: { ...rest, dryRun: false } } };
  }
  if (lines.length > 1 || (failed && order.verb === 'set')) {
    const title = `${order.verb} ${order.id}: ${failed ? 'this was not done' : 'done'}`;
    return { ...state, mode: { kind: 'read', title, lines } };
  }
  return { ...state, mode: { kind: 'table' }, notice: { text: lines[0] ?? 'done', bad: failed } };
}

/** A key was hit. */
export function step(state: State, key: Key): Step {
  if (key === 'ctrl-z') return { state, effects: [{ kind: 'suspend' }] };
  if (key === 'ctrl-c') return { state, effects: [{ kind: 'quit' }] };
  if (key === 'ctrl-l') return { state, effects: [{ kind: 'redraw' }] };
  const quiet = state.notice === undefined ? state : { ...state, notice: undefined };
  switch (state.mode.kind) {
    case 'table':
      return inTable(quiet, key);
    case 'filter':
      return only(inFilter(quiet, state.mode, key));
    case 'help':
      return only({ ...quiet, mode: { kind: 'table' } });
    case 'ask':
      return answered(quiet, state.mode.order, key, 'y');
    case 'set':
      return inSet(quiet, state.mode, key);
    case 'read':
      return state.mode.order === undefined
        ? only({ ...quiet, mode: { kind: 'table' } })
        : answered(quiet, state.mode.order, key, 'y');
    case 'wait':
      return only(state);
  }
}

/** Whether the pane stands in the table's place. */
export function isCovered({ pane, single, size }: State): boolean {
  return pane !== undefined && (single !== undefined || size.columns < WIDE);
}

const only = (state: State): Step => ({ state, effects: [] });

/** In the pane of the only group nothing leads to a table. */
const TABLE_KEYS: ReadonlySet<Key> = new Set(['/', 'enter', 'escape', 'h', 'left', 'l', 'right']);

function inTable(state: State, key: Key): Step {
  if (state.single !== undefined && TABLE_KEYS.has(key)) return only(state);
  const { pane } = state;
  const column = /^[1-9]$/.test(key) ? state.columns[Number(key) - 1] : undefined;
  if (column !== undefined) return only(sorted(state, column.metric));
  // A pane that covers the table is read with the keys that move in it.
  const covered = isCovered(state);
  switch (key) {
    case 'q':
      return { state, effects: [{ kind: 'quit' }] };
    case 'j':
    case 'down':
      return covered ? only(scrolled(state, 1)) : moved(state, 1);
    case 'k':
    case 'up':
      return covered ? only(scrolled(state, -1)) : moved(state, -1);
    case 'pagedown':
      return pane === undefined ? moved(state, page(state)) : only(scrolled(state, page(state)));
    case 'pageup':
      return pane === undefined ? moved(state, -page(state)) : only(scrolled(state, -page(state)));
    case 'home':
    case 'g':
      return covered ? only(scrolled(state, Number.NEGATIVE_INFINITY)) : moved(state, Number.NEGATIVE_INFINITY);
    case 'end':
    case 'G':
      return covered ? only(scrolled(state, Number.POSITIVE_INFINITY)) : moved(state, Number.POSITIVE_INFINITY);
    case 'h':
    case 'left':
      return covered ? only({ ...state, pane: undefined }) : across(state, true);
    case 'l':
    case 'right':
      return covered ? only(state) : across(state, false);
    case '0':
      return only(sorted(state, undefined));
    case '/':
      return only({
        ...state,
        pane: covered ? undefined : pane,
        mode: { kind: 'filter', edit: typed(state.view.filter), before: state.view.filter },
      });
    case ' ':
      return only(paused(state));
    case '?':
      return only({ ...state, mode: { kind: 'help' } });
    case 'enter':
      return pane === undefined ? opened(state, state.chosen) : only({ ...state, pane: undefined });
    case 'escape':
      if (pane !== undefined) return only({ ...state, pane: undefined });
      return only(filtered(state, ''));
  }
  const id = state.single ?? state.chosen;
  return id === undefined ? only(state) : only(asking(state, id, key));
}

/** Keys that change a group: each asks first. */
function asking(state: State, id: string, key: Key): State {
  const ask = (question: string, order: Omit<Order, 'id' | 'words' | 'dryRun'>): State => ({
    ...state,
    mode: { kind: 'ask', question, order: { ...order, id, words: [], dryRun: false } },
  });
  switch (key) {
    case 'f':
      return state.figures?.table.rows.find((row) => row.id === id)?.frozen
        ? ask(`thaw ${id} and what is below?`, { verb: 'thaw' })
        : ask(`freeze ${id}: stop every process in it and below?`, { verb: 'freeze' });
    case 'K':
      return ask(`KILL every process in ${id} and below?`, { verb: 'kill' });
    case 's':
      return { ...state, mode: { kind: 'set', id, edit: typed('') } };
  }
  return state;
}

function answered(state: State, order: Order, key: Key, yes: Key): Step {
  if (key.toLowerCase() !== yes)
    return only({ ...state, mode: { kind: 'table' }, notice: { text: 'nothing was done', bad: false } });
  return ordered(state, order);
}

function ordered(state: State, order: Order): Step {
  const doing = { freeze: 'freezing', thaw: 'thawing', kill: 'killing', set: 'setting' }[order.verb];
  const text = order.dryRun ? `planning for ${order.id} …` : `${doing} ${order.id} …`;
  return { state: { ...state, mode: { kind: 'wait', text } }, effects: [{ kind: 'order', order }] };
}

function inSet(state: State, mode: Extract<Mode, { kind: 'set' }>, key: Key): Step {
  if (key === 'escape') return only({ ...state, mode: { kind: 'table' } });
  if (key !== 'enter') return only({ ...state, mode: { ...mode, edit: edit(mode.edit, key) } });
  const words = splitWords(mode.edit.text);
  if (words.length === 0) return only({ ...state, mode: { kind: 'table' } });
  return ordered(state, { verb: 'set', id: mode.id, words, dryRun: true });
}

function inFilter(state: State, mode: Extract<Mode, { kind: 'filter' }>, key: Key): State {
  if (key === 'escape') return filtered({ ...state, mode: { kind: 'table' } }, mode.before);
  if (['enter', 'down', 'up'].includes(key)) return { ...state, mode: { kind: 'table' } };
  const line = edit(mode.edit, key);
  return filtered({ ...state, mode: { ...mode, edit: line } }, line.text);
}

function filtered(state: State, filter: string): State {
  return arranged({ ...state, view: { ...state.view, filter } });
}

function sorted(state: State, metric: string | undefined): State {
  const { sort } = state.view;
  const descending = sort.metric === metric ? !sort.descending : metric !== undefined;
  return arranged({ ...state, view: { ...state.view, sort: { metric, descending } } });
}

function paused(state: State): State {
  return state.paused ? arranged({ ...state, paused: false, figures: state.newest }) : { ...state, paused: true };
}

function opened(state: State, id: string | undefined): Step {
  if (id === undefined) return only(state);
  return { state: { ...state, pane: { id, top: 0, detail: undefined } }, effects: [{ kind: 'look', id }] };
}

/** The choice moves, and with it what the pane shows. */
function chosen(state: State, id: string | undefined): Step {
  const next = inSight({ ...state, chosen: id });
  return state.pane === undefined || id === undefined || id === state.pane.id ? only(next) : opened(next, id);
}

function moved(state: State, by: number): Step {
  const at = indexOf(state);
  const to = at < 0 ? 0 : Math.min(state.lines.length - 1, Math.max(0, at + by));
  return chosen(state, state.lines[to]?.row.id ?? state.chosen);
}

/** Left folds, or goes to the group above; right unfolds, or goes to the first below. */
function across(state: State, left: boolean): Step {
  const line = state.lines[indexOf(state)];
  if (line === undefined) return moved(state, 0);
  if (line.expanded === left) return only(folded(state, line.row.id, left));
  if (!left) return line.expanded ? moved(state, 1) : only(state);
  return chosen(state, state.figures?.table.rows[line.row.parent]?.id ?? line.row.id);
}

function folded(state: State, id: string, fold: boolean): State {
  const next = new Set(state.view.folded);
  if (fold) next.add(id);
  else next.delete(id);
  return arranged({ ...state, view: { ...state.view, folded: next } });
}

/** The pane's lines are counted where they are drawn, which keeps this within them. */
function scrolled(state: State, by: number): State {
  if (state.pane === undefined) return state;
  const top = by === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : Math.max(0, state.pane.top + by);
  return { ...state, pane: { ...state.pane, top } };
}

/** The lines anew; what was chosen stays so, or what now stands in its place. */
function arranged(state: State): State {
  const { figures, columns, view } = state;
  if (figures === undefined) return state;
  const before = indexOf(state);
  const column = columns.find(({ metric }) => metric === view.sort.metric);
  const lines = linesOf(figures.table, view, column && figures.all(column));
  const stays = lines.some(({ row }) => row.id === state.chosen);
  const instead = lines[Math.min(lines.length - 1, Math.max(0, before))]?.row.id;
  return inSight({ ...state, lines, chosen: stays ? state.chosen : instead });
}

function inSight(state: State): State {
  const at = Math.max(0, indexOf(state));
  const rows = page(state);
  const last = Math.max(0, state.lines.length - rows);
  const top = Math.min(last, Math.max(at - rows + 1, Math.min(at, state.top)));
  return { ...state, top };
}

function indexOf({ lines, chosen: id }: State): number {
  return lines.findIndex(({ row }) => row.id === id);
}

/** Words as a shell splits them, with quotes and backslashes, and nothing else of a shell. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [piece] of text.matchAll(/'[^']*'?|"(?:\\.|[^"\\])*"?|\\.|\s+|[^\s'"\\]+|\\$/g)) {
    if (/^\s/.test(piece)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + unquoted(piece);
  }
  return word === undefined ? words : [...words, word];
}

function unquoted(piece: string): string {
  if (piece.startsWith("'")) return piece.replaceAll("'", '');
  return piece.replace(/^"|(?<!\\)"$/g, '').replace(/\\(.)/g, '$1');
}
