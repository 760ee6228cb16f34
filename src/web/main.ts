/** The live view: the stream in, rows out. */
import type { ColumnInfo } from '../protocol/column.ts';
import type { ServerMessage } from '../protocol/stream.ts';
import { MODES, readView, type ViewState, writeView } from '../view/address.ts';
import { AGE, Figures, Happenings, shownColumns } from '../view/figures.ts';
import { Lately } from '../view/lately.ts';
import { Memory } from '../view/memory.ts';
import type { Table } from '../view/table.ts';
import { type Line, linesOf, type Sort } from '../view/tree.ts';
import { Connection, type Info, type State } from './connection.ts';
import { Detail } from './detail/index.ts';
import { part, setAttribute, setFlag, setText } from './dom.ts';
import { EventList } from './events.ts';
import { Grid } from './grid.ts';
import { listen } from './keys.ts';
import { Past } from './past.ts';
import { save, share } from './save.ts';
import { capacityOf, Strip } from './strip.ts';
import { Timeline } from './timeline.ts';

/** So many intervals without a snapshot, and what is shown is old. */
const STALE_INTERVALS = 3;
const MINUTE_MS = 60_000;

const filter = part('filter', HTMLInputElement);
const pause = part('pause', HTMLButtonElement);
const pressure = part('pressure', HTMLButtonElement);
const gridNode = part('grid', HTMLElement);
const allEvents = part('all-events', HTMLInputElement);
const dialogs = ['keys', 'link', 'lock'].map((id) => part(id, HTMLDialogElement));
const [keys, , lock] = dialogs;

let view: ViewState = readView(location.hash.slice(1));
let folded: ReadonlySet<string> = new Set(view.folded);
let state: State = { kind: 'connecting' };
let info: Info | undefined;
let columns: readonly ColumnInfo[] = [];
/** As it came, and with what became of its rows. */
let newest: { readonly plain: Table; readonly told: Table } | undefined;
/** The table of the moment at which the page stands, while that is not now. */
let past: Table | undefined;
let moments: readonly number[] = [];
let arrived = 0;
/** Which life of the service it is. */
let instance = '';
let drawing = false;
/** The chosen group is to come into sight: the address names it, or what hid the others around it is gone. */
let sought = true;
let lines: readonly Line[] = [];
let figures: Figures | undefined;
let memory = new Memory();
let lately = new Lately();
let happenings = new Happenings();

const connection = new Connection({
  state(next) {
    state = next;
    if (next.kind === 'locked') askForToken(next.wrong);
    showState();
  },
  info(next) {
    info = next;
    const { host, version, machine } = next;
    document.title = `${host} · cgctl`;
    setText(part('host', HTMLElement), `${host} · ${machine.mode} · ${machine.kernel}`);
    setAttribute(part('host', HTMLElement), 'title', `cgctl ${version}`);
  },
  message: receive,
});
const get = (path: string): Promise<Response> => connection.get(path);
const before = new Past(get);
const detail = new Detail(part('detail', HTMLElement), get, {
  closed: () => {
    update({ open: false });
    gridNode.focus();
  },
});
const strip = new Strip(part('strip', HTMLElement));
const grid = new Grid(gridNode, part('nothing', HTMLElement), {
  sort: sortBy,
  fold: setFolded,
  choose,
  open,
});
const events = new EventList(part('events', HTMLElement), part('no-events', HTMLElement), open);
const timeline = new Timeline({ go: (time) => void goTo(time), step: (by) => void travel(by), live: goLive });

function receive(message: ServerMessage): void {
  switch (message.type) {
    case 'hello':
      columns = shownColumns(message.columns);
      grid.setColumns(columns);
      strip.setColumns(columns);
      if (message.instance !== instance) forget();
      instance = message.instance;
      break;
    case 'snapshot':
      take(message);
      break;
    case 'event':
      events.add(message.event);
      happenings.add(message.event);
      detail.add(message.event);
      break;
    case 'problem':
      // Frames that were left out show as a stale page; nothing that it sends can be refused.
      break;
  }
}

/** The service was started again: it counts anew. */
function forget(): void {
  events.restart();
  [memory, lately, happenings] = [new Memory(), new Lately(), new Happenings()];
  void recallEvents(happenings);
}

async function recallEvents(into: Happenings): Promise<void> {
  const kinds = columns.flatMap(({ event }) => event ?? []);
  if (kinds.length === 0) return;
  for (const event of await before.events(kinds)) into.add(event);
  draw();
}

function take(plain: Table): void {
  const isFirst = newest === undefined;
  newest = { plain, told: lately.add(plain) };
  arrived = Date.now();
  memory.add(plain);
  if (isFirst && view.time !== undefined) void goTo(view.time);
  draw();
  showState();
}

/** At most once a frame, however much comes. */
function draw(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (newest === undefined || info === undefined) return;
    drawTable(view.time === undefined ? newest.told : (past ?? newest.told), newest.plain, info);
  });
}

function drawTable(shown: Table, current: Table, facts: Info): void {
  const sort = view.sort ?? { metric: columns[0]?.metric, descending: true };
  const sorted = columns.find(({ metric }) => metric === sort.metric);
  const rollup = new Figures(shown, 'rollup', happenings);
  figures = view.mode === 'self' ? new Figures(shown, 'self', happenings) : rollup;
  const troubled = rollup.troubled(columns);
  lines = linesOf(
    shown,
    {
      sort,
      filter: view.filter,
      folded,
      leaves: view.mode === 'leaf',
      ...(view.pressure && { only: (at) => troubled[at] === 1 }),
    },
    sorted && figures.all(sorted),
  );
  const spark = sorted === undefined || sorted === AGE || sorted.event !== undefined ? columns[0] : sorted;
  const { chosen, mode } = view;
  grid.show({
    figures,
    lines,
    sort,
    spark,
    chosen,
    memory,
    flat: mode === 'leaf',
    wholeOf: (column) => capacityOf(column, facts),
    nothing: nothingWords(),
  });
  if (sought) revealChosen();
  sought = false;
  strip.show(rollup, memory, facts);
  detail.update(current);
  if (view.open && chosen !== undefined && detail.id !== chosen) detail.open(chosen);
  timeline.show(moments, view.time === undefined ? undefined : shown.time, current.time);
  showCounts(current, troubled);
  void recall(shown, spark, facts);
}

function showCounts({ rows }: Table, troubled: Uint8Array): void {
  const some = view.filter.trim() !== '' || view.pressure;
  const found = some ? `${lines.filter(({ context }) => !context).length.toLocaleString('en')} of ` : '';
  setText(part('count', HTMLElement), `${found}${rows.length.toLocaleString('en')} groups`);
  const wrong = troubled.reduce((sum, one) => sum + one, 0);
  setText(pressure, wrong === 0 ? 'Pressure' : `▲ ${wrong} under pressure`);
  setFlag(pressure, 'data-wrong', wrong > 0);
}

function nothingWords(): string {
  if (view.filter.trim() !== '') return 'No path has these letters in this order. Esc clears the filter.';
  if (view.pressure) return 'Nothing is wrong with any group now. p shows them all.';
  return 'There are no groups.';
}

/** The minute before the page was opened, of what can be seen. */
async function recall(shown: Table, spark: ColumnInfo | undefined, { interval }: Info): Promise<void> {
  const [root] = shown.rows;
  if (memory.times.length >= Memory.length || spark === undefined || root === undefined) return;
  const machine = columns.filter((column) => column !== AGE).map((column) => ({ row: root, column }));
  const seen = grid.seen.map(({ row }) => ({ row, column: spark }));
  const wanted = machine.some(({ row, column }) => !memory.recalls(row, column.metric)) ? machine : seen;
  if (await before.recall(wanted, memory, interval * 1000)) draw();
}

/** The address holds the view, so that it can be kept and shared. */
function update(change: Partial<ViewState>): void {
  view = { ...view, ...change };
  sought ||= change.filter === '';
  history.replaceState(null, '', `#${writeView(view)}`);
  showControls();
  draw();
}

function showControls(): void {
  if (filter.value !== view.filter) filter.value = view.filter;
  for (const button of part('mode', HTMLElement).querySelectorAll('button'))
    setAttribute(button, 'aria-pressed', String(button.value === view.mode));
  setAttribute(pressure, 'aria-pressed', String(view.pressure));
  setAttribute(pause, 'aria-pressed', String(view.time !== undefined));
  setText(pause, view.time === undefined ? 'Pause' : 'Go on');
  allEvents.checked = view.allEvents;
  events.showAll(view.allEvents);
  if (!view.open && detail.id !== undefined) detail.close();
  showState();
}

function showState(): void {
  const age = (Date.now() - arrived) / 1000;
  const stale = arrived > 0 && age > STALE_INTERVALS * (info?.interval ?? 1);
  const [kind, text] = stateWords(age, stale);
  const node = part('state', HTMLElement);
  // For those who hear the page: what it has become, not how the seconds go by.
  if (node.getAttribute('data-kind') !== kind) setText(part('said', HTMLElement), text);
  setAttribute(node, 'data-kind', kind);
  setText(node, text);
  setFlag(document.body, 'data-old', ['lost', 'stale'].includes(kind));
}

function stateWords(age: number, stale: boolean): [kind: string, text: string] {
  switch (state.kind) {
    case 'connecting':
      return ['connecting', 'connecting …'];
    case 'locked':
      return ['lost', 'token needed'];
    case 'lost':
      return ['lost', `disconnected, again in ${Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000))} s`];
    case 'open':
      if (view.time !== undefined) return ['paused', 'paused'];
      if (stale) return ['stale', `stale for ${age.toFixed(0)} s`];
      return ['live', `live ${info?.interval.toFixed(1)} s`];
  }
}

function sortBy(metric: string | undefined): void {
  const current: Sort = view.sort ?? { metric: columns[0]?.metric, descending: true };
  const descending = current.metric === metric ? !current.descending : metric !== undefined;
  grid.toTop();
  update({ sort: { metric, descending } });
}

function setFolded(id: string, fold: boolean): void {
  const next = new Set(folded);
  if (fold) next.add(id);
  else next.delete(id);
  folded = next;
  update({ folded: [...next] });
}

function choose(id: string): void {
  update({ chosen: id });
  revealChosen();
}

function revealChosen(): void {
  const line = lines.findIndex(({ row }) => row.id === view.chosen);
  if (line >= 0) grid.reveal(line);
}

function open(id: string): void {
  detail.open(id, lines.find(({ row }) => row.id === id)?.row.generation);
  choose(id);
  update({ open: true });
}

async function goTo(time: number): Promise<void> {
  update({ time });
  if (newest === undefined) return;
  moments = await before.moments(memory);
  const table = await before.table(time, memory, newest.plain);
  // Somebody may have gone on meanwhile.
  if (view.time !== time) return;
  past = table ?? past ?? newest.plain;
  detail.showTime(past.time);
  draw();
}

function goLive(): void {
  past = undefined;
  detail.showTime(undefined);
  update({ time: undefined });
}

/** Stands still, or goes on. */
function stop(): void {
  if (view.time !== undefined) goLive();
  else if (newest !== undefined) void goTo(newest.plain.time);
}

/** To another of the moments that are remembered; beyond the last it is live. @param span at least so far, in milliseconds */
async function travel(by: number, span = 0): Promise<void> {
  if (newest === undefined) return;
  const known = await before.moments(memory);
  const here = view.time ?? newest.plain.time;
  const next =
    by < 0
      ? (known.findLast((time) => time < here && time <= here - span) ?? known[0])
      : known.find((time) => time > here && time >= here + span);
  if (next !== undefined) await goTo(next);
  else goLive();
}

function step(by: number): void {
  const at = lines.findIndex(({ row }) => row.id === view.chosen);
  // From nowhere, the first one down is the first.
  const from = at < 0 && by <= 0 ? 0 : at;
  const next = lines[Math.min(lines.length - 1, Math.max(0, from + by))];
  if (next === undefined) return;
  if (view.open) open(next.row.id);
  else choose(next.row.id);
}

/** Left folds, or goes to the group above; right unfolds, or goes to the first below. */
function across(fold: boolean): void {
  const at = lines.findIndex(({ row }) => row.id === view.chosen);
  const line = lines[at];
  if (line === undefined) step(0);
  else if (line.expanded === fold) setFolded(line.row.id, fold);
  else if (!fold && line.expanded) step(1);
  else if (fold) {
    const above = lines.slice(0, at).findLast(({ level }) => level < line.level);
    if (above !== undefined) choose(above.row.id);
  }
}

function nextMode(): void {
  update({ mode: MODES[(MODES.indexOf(view.mode) + 1) % MODES.length] ?? 'rollup' });
}

function back(): void {
  if (view.open) update({ open: false });
  else if (view.filter !== '') update({ filter: '' });
  else if (view.time !== undefined) goLive();
}

const KEYS: Readonly<Record<string, () => void>> = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  h: () => across(true),
  ArrowLeft: () => across(true),
  l: () => across(false),
  ArrowRight: () => across(false),
  PageDown: () => step(grid.page),
  PageUp: () => step(-grid.page),
  Home: () => step(-lines.length),
  End: () => step(lines.length),
  Enter: () => view.chosen !== undefined && open(view.chosen),
  ' ': stop,
  '[': () => void travel(-1),
  ']': () => void travel(1),
  '{': () => void travel(-1, MINUTE_MS),
  '}': () => void travel(1, MINUTE_MS),
  '/': () => filter.focus(),
  '?': () => keys?.showModal(),
  '0': () => sortBy(undefined),
  m: nextMode,
  p: () => update({ pressure: !view.pressure }),
  Escape: back,
};

listen(
  (key) => {
    const column = /^[1-9]$/.test(key) ? columns[Number(key) - 1] : undefined;
    return column === undefined ? KEYS[key] : () => sortBy(column.metric);
  },
  () => dialogs.some((dialog) => dialog.open),
);
filter.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') update({ filter: '' });
  if (['Escape', 'Enter', 'ArrowDown'].includes(key)) gridNode.focus();
});
filter.addEventListener('input', () => update({ filter: filter.value }));
part('mode', HTMLElement).addEventListener('click', ({ target }) => {
  if (target instanceof HTMLButtonElement) update({ mode: MODES.find((mode) => mode === target.value) ?? 'rollup' });
});
pressure.addEventListener('click', () => update({ pressure: !view.pressure }));
allEvents.addEventListener('change', () => update({ allEvents: allEvents.checked }));
pause.addEventListener('click', stop);
part('state', HTMLElement).addEventListener('click', goLive);
const shareButton = part('share', HTMLButtonElement);
shareButton.addEventListener('click', () => void share(shareButton));
const files = part('files', HTMLElement);
files.addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement) || figures === undefined) return;
  save(target.value, { figures, lines, columns });
  files.hidePopover();
});
part('help', HTMLButtonElement).addEventListener('click', () => keys?.showModal());
part('unlock', HTMLFormElement).addEventListener('submit', () => {
  const token = part('token', HTMLInputElement);
  connection.unlock(token.value);
  token.value = '';
});
// Another address was put in by hand.
window.addEventListener('hashchange', () => {
  view = readView(location.hash.slice(1));
  folded = new Set(view.folded);
  sought = true;
  if (view.time === undefined) goLive();
  else void goTo(view.time);
});

function askForToken(wrong: boolean): void {
  setText(
    part('lock-problem', HTMLElement),
    wrong ? 'That was not the token.' : 'It is in the service’s readTokenFile.',
  );
  if (lock?.open === false) lock.showModal();
}

showControls();
setInterval(showState, 1000);
void connection.open();
