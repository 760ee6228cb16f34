/** One group: who it is, what it uses and used, what happened to it, its processes and settings, and what can be done about it. */
import 'uplot/dist/uPlot.min.css';
import './detail.css';
import type { CgroupEvent } from '../../protocol/event.ts';
import type { LiveRow } from '../../protocol/stream.ts';
import { clock } from '../../view/format.ts';
import { element, setAttribute, setText } from '../dom.ts';
import { Access } from './access.ts';
import { Actions } from './actions.ts';
import { Api, type Get, ServiceError } from './api.ts';
import { Changes } from './change.ts';
import { keyOf, type Level } from './chart.ts';
import { Charts } from './charts.ts';
import type { Description, Facts } from './facts.ts';
import { Marks } from './marks.ts';
import { numberOf, Past } from './past.ts';
import { Placement } from './placement.ts';
import { ASKED, ProcessList } from './processes.ts';
import { Settings } from './settings.ts';
import { ageText, isRecord, visible } from './text.ts';

const REFRESH_MS = 5_000;
const KEPT_MS = 15 * 60_000;

/** What the pane needs of the page's table. */
interface Table {
  readonly time: number;
  readonly rows: readonly LiveRow[];
}

export interface DetailOptions {
  /** The pane was closed by somebody in it. */
  readonly closed?: () => void;
}

/** Why what is shown is not what is. */
type Trouble =
  | { readonly kind: 'gone'; readonly since: number }
  | { readonly kind: 'again'; readonly generation: string }
  | { readonly kind: 'lost'; readonly since: number }
  | { readonly kind: 'refused'; readonly error: ServiceError };

export class Detail {
  readonly #root: HTMLElement;
  readonly #api: Api;
  readonly #options: DetailOptions;
  readonly #title = element('h2');
  readonly #identity = element('p', { class: 'identity' });
  readonly #badges = element('ul', { class: 'traits', 'aria-label': 'State' });
  readonly #trouble = element('div', { class: 'trouble', role: 'status' });
  readonly #marks = new Marks((time) => this.#charts.pin(time ?? this.#scrubbed));
  readonly #charts = new Charts(this.#marks);
  readonly #settings: Settings;
  readonly #changes: Changes;
  readonly #actions: Actions;
  readonly #processes = new ProcessList();
  readonly #placement = new Placement();
  readonly #processPart = fold('Processes', this.#processes.node, true);
  #past = new Past();
  #id: string | undefined;
  #generation: string | undefined;
  #facts: Facts | undefined;
  #description: Description | undefined;
  #row: Table['rows'][number] | undefined;
  #found: Trouble | undefined;
  #scrubbed: number | undefined;
  #timer = 0;
  #asking = false;
  /** Grows with each opening: answers to an older one are dropped. */
  #opening = 0;
  /** By metric and label, the counter as it was. */
  #counters = new Map<string, { readonly time: number; readonly value: number }>();
  #labels = new Map<string, readonly string[]>();

  constructor(root: HTMLElement, get: Get, options: DetailOptions = {}) {
    this.#root = root;
    this.#options = options;
    const access = new Access(root);
    this.#api = new Api(get, access);
    this.#settings = new Settings((submit) => {
      if (submit) void this.#changes.plan();
      else this.#changes.pending();
    });
    const done = () => void this.#refresh();
    this.#changes = new Changes(this.#api, this.#settings, done);
    this.#actions = new Actions(root, this.#api, access, done);
    const close = element(
      'button',
      { type: 'button', class: 'close', title: 'Close (Esc)', 'aria-label': 'Close' },
      '×',
    );
    close.addEventListener('click', () => this.#leave());
    root.replaceChildren(
      element('header', {}, this.#title, close),
      this.#identity,
      this.#badges,
      this.#trouble,
      this.#actions.node,
      this.#charts.node,
      this.#marks.node,
      this.#processPart,
      fold('CPUs and memory nodes', this.#placement.node, true),
      fold('Settings', element('div', {}, this.#changes.node, this.#settings.node), true),
    );
    root.addEventListener('keydown', (event) => this.#keepKeys(event));
    this.#processPart.addEventListener('toggle', () => void this.#refresh());
  }

  get id(): string | undefined {
    return this.#id;
  }

  /** @param generation which of the groups that had this path, where that is known */
  open(id: string, generation?: string): void {
    if (id === this.#id && (generation === undefined || generation === this.#generation)) return;
    this.#opening += 1;
    this.#id = id;
    this.#generation = generation;
    this.#past = new Past();
    this.#description = undefined;
    this.#row = undefined;
    this.#found = undefined;
    this.#scrubbed = undefined;
    this.#counters.clear();
    this.#labels.clear();
    this.#charts.clear();
    this.#marks.open(id);
    this.#processes.clear();
    this.#placement.clear();
    this.#settings.clear();
    this.#changes.open();
    this.#actions.open();
    setText(this.#title, visible(id));
    setAttribute(this.#title, 'title', visible(id));
    setText(this.#identity, '');
    this.#badges.replaceChildren();
    this.#tellTrouble();
    this.#root.hidden = false;
    this.#root.scrollTop = 0;
    void this.#begin();
  }

  close(): void {
    this.#opening += 1;
    this.#id = undefined;
    window.clearTimeout(this.#timer);
    this.#charts.clear();
    this.#settings.clear();
    for (const dialog of this.#root.querySelectorAll('dialog')) dialog.close();
    this.#root.hidden = true;
  }

  /** There are newer figures. */
  update(table: Table): void {
    if (this.#id === undefined) return;
    // A table of the past says nothing of what is there now.
    if (this.#scrubbed !== undefined || table.time < (this.#past.last ?? 0) - REFRESH_MS) return;
    const row = table.rows.find(({ id }) => id === this.#id);
    const generation = this.#generation;
    if (row === undefined) {
      if (this.#description !== undefined) this.#lookAgain({ kind: 'gone', since: table.time });
    } else if (generation !== undefined && row.generation !== generation) {
      this.#lookAgain({ kind: 'again', generation: row.generation });
    } else {
      const moved = row.frozen !== this.#row?.frozen || row.populated !== this.#row?.populated;
      this.#row = row;
      if (moved) this.#show();
      if (this.#found !== undefined && this.#found.kind !== 'refused') this.#lookAgain(undefined);
    }
    void this.#askPast();
  }

  /** Something happened, to whatever group. */
  add(event: CgroupEvent): void {
    if (this.#id === undefined) return;
    this.#marks.add([event]);
    this.#charts.draw();
  }

  /** @param time in milliseconds since the epoch that the page stands at; undefined: it is live */
  showTime(time: number | undefined): void {
    this.#scrubbed = time;
    this.#charts.pin(time);
  }

  #leave(): void {
    this.close();
    this.#options.closed?.();
  }

  /** Keys that mean something to what is focused in the pane do not reach the page. */
  #keepKeys(event: KeyboardEvent): void {
    const { target, key } = event;
    if (!(target instanceof Element)) return;
    const typing = target.matches('input, select, textarea') || target.closest('dialog') !== null;
    const pressing = target.matches('button, summary') && [' ', 'Enter'].includes(key);
    if (key === 'Escape' && !typing) this.#leave();
    if (typing || pressing || key === 'Escape') event.stopPropagation();
  }

  async #begin(): Promise<void> {
    const opening = this.#opening;
    const id = this.#id;
    await this.#refresh();
    if (id === undefined || opening !== this.#opening) return;
    try {
      const events = await this.#api.events(id);
      if (opening === this.#opening) this.#marks.add(events);
    } catch (error) {
      this.#failed(error, opening);
    }
    await this.#askPast();
  }

  /** What changes slowly, and whether the group is there at all. */
  async #refresh(): Promise<void> {
    window.clearTimeout(this.#timer);
    const { id } = this;
    const opening = this.#opening;
    if (id === undefined) return;
    try {
      const [facts, description] = await Promise.all([this.#api.facts(), this.#api.describe(id)]);
      if (opening !== this.#opening) return;
      this.#facts = facts;
      this.#generation ??= description.generation;
      if (description.generation === undefined || description.generation === this.#generation) {
        this.#description = description;
        if (this.#found?.kind !== 'again') this.#found = undefined;
        this.#countLabels(facts, description);
      } else this.#found = { kind: 'again', generation: description.generation };
      if (this.#processPart.open) this.#processes.show(await this.#api.processes(id, ASKED));
    } catch (error) {
      this.#failed(error, opening);
    }
    if (opening !== this.#opening) return;
    this.#show();
    this.#timer = window.setTimeout(() => void this.#refresh(), REFRESH_MS);
  }

  /** The figures since the last ones that are known: the service's own past, so that no gap stays after a lost connection. */
  async #askPast(): Promise<void> {
    const { id } = this;
    const opening = this.#opening;
    const facts = this.#facts;
    if (id === undefined || facts === undefined || this.#asking) return;
    this.#asking = true;
    try {
      const metrics = facts.charts.flatMap(({ parts }) =>
        parts.flatMap(({ metric, per, less }) => [metric, per, less].filter((name) => name !== undefined)),
      );
      const from = Math.floor(this.#past.last ?? -1) + 1;
      const series = await this.#api.past(id, [...new Set(metrics)], from);
      if (opening !== this.#opening) return;
      this.#generation ??= series.at(-1)?.generation;
      const known = series.filter(({ generation }) => generation === this.#generation);
      if (known.length === 0) return;
      this.#past.add(known);
      this.#past.dropBefore((this.#past.last ?? 0) - KEPT_MS);
      this.#showCharts();
    } catch (error) {
      this.#failed(error, opening);
    } finally {
      this.#asking = false;
    }
  }

  #failed(error: unknown, opening: number): void {
    if (opening !== this.#opening) return;
    if (!(error instanceof ServiceError)) {
      if (this.#found?.kind !== 'lost') this.#found = { kind: 'lost', since: this.#past.last ?? Date.now() };
      // Another service may answer the next time.
      this.#api.forgetFacts();
    } else if ([404, 410].includes(error.status)) this.#found = { kind: 'gone', since: this.#past.last ?? Date.now() };
    else this.#found = { kind: 'refused', error };
    this.#tellTrouble();
  }

  #lookAgain(trouble: Trouble | undefined): void {
    if (trouble?.kind === this.#found?.kind) return;
    this.#found = trouble;
    this.#show();
  }

  #show(): void {
    this.#tellTrouble();
    const description = this.#description;
    const facts = this.#facts;
    if (description === undefined || facts === undefined) return;
    const there = this.#found === undefined;
    this.#tellIdentity(description);
    this.#tellState(facts, description, there);
    this.#settings.show(facts, description, facts.writes && there);
    this.#changes.show(description);
    this.#placement.show(facts, description);
    this.#showCharts();
  }

  #showCharts(): void {
    const facts = this.#facts;
    const description = this.#description;
    if (facts === undefined || this.#past.times.length === 0) return;
    const levels = description === undefined ? new Map() : levelsOf(facts, description);
    this.#charts.show(facts.charts, { past: this.#past, levels, labels: this.#labels });
    if (description !== undefined) this.#charts.showLacking(description.lacking, this.#past);
  }

  /** The rates of figures that have a label, from one description to the next. */
  #countLabels(facts: Facts, { stats = {}, time }: Description): void {
    if (time === undefined || this.#past.times.length === 0) return;
    for (const { metric, label } of facts.charts.flatMap(({ parts }) => parts)) {
      const figures = metric === undefined || label === undefined ? undefined : stats[metric];
      if (metric === undefined || !isRecord(figures)) continue;
      this.#labels.set(metric, Object.keys(figures));
      for (const [name, figure] of Object.entries(figures)) {
        const key = keyOf(metric, name);
        const value = numberOf(figure);
        const before = this.#counters.get(key);
        this.#counters.set(key, { time, value });
        if (before === undefined || time <= before.time || value < before.value) continue;
        this.#past.put(key, ((value - before.value) / (time - before.time)) * 1000);
      }
    }
  }

  #tellIdentity({ owner }: Description): void {
    const words = [this.#row?.name, owner.owner === 'none' ? undefined : owner.why];
    setText(this.#identity, visible(words.filter((word) => word !== undefined).join(' · ')));
  }

  #tellState(facts: Facts, { id, knobs, stats = {}, time = Date.now() }: Description, there: boolean): void {
    const figure = (role: string): number | undefined => {
      const found = facts.stats.filter((stat) => stat.role === role).map(({ metric }) => stats[metric]);
      return found.find((value) => typeof value === 'number');
    };
    const freezer = [...facts.knobs.values()].find(({ role }) => role === 'freeze');
    const state = freezer === undefined ? undefined : knobs[freezer.key]?.value;
    // Its own setting, or that of a group above.
    const frozen = state === 'frozen' || (this.#row?.frozen ?? figure('frozen') === 1);
    const processes = figure('procs');
    const populated = this.#row?.populated ?? figure('populated') !== 0;
    const kills = figure('oom.kills') ?? 0;
    const { created } = this.#row ?? {};
    const words: [string, string][] = [
      ...(frozen ? [['frozen', '❄ frozen'] as [string, string]] : []),
      ...(state === 'freezing' ? [['frozen', 'freezing'] as [string, string]] : []),
      ...(kills > 0 ? [['bad', `✖ OOM × ${kills}`] as [string, string]] : []),
      ...(processes === undefined
        ? []
        : [['plain', `${processes} ${processes === 1 ? 'process' : 'processes'}`] as [string, string]]),
      ...(!populated && processes !== undefined ? [['plain', 'empty'] as [string, string]] : []),
      ...(created === undefined ? [] : [['plain', `${ageText((time - created) / 1000)} old`] as [string, string]]),
    ];
    if (this.#badges.textContent !== words.map(([, text]) => text).join(''))
      this.#badges.replaceChildren(...words.map(([kind, text]) => element('li', { 'data-kind': kind }, text)));
    const group = { id, root: id === '/', frozen: frozen || state === 'freezing', freezer: state !== undefined };
    this.#actions.show(group, there, facts.writes);
  }

  #tellTrouble(): void {
    const found = this.#found;
    setAttribute(this.#root, 'data-trouble', found?.kind);
    const key = found === undefined ? '' : found.kind === 'refused' ? found.error.message : found.kind;
    if (this.#trouble.getAttribute('data-about') === key) return;
    this.#trouble.setAttribute('data-about', key);
    this.#trouble.replaceChildren(...(found === undefined ? [] : this.#wordsOf(found)));
  }

  #wordsOf(found: Trouble): Node[] {
    switch (found.kind) {
      case 'gone':
        return this.#description === undefined
          ? [element('p', {}, 'There is no such group.')]
          : [
              element(
                'p',
                {},
                `This group is gone since ${clock(found.since)}. What is shown is the last that was known.`,
              ),
            ];
      case 'again': {
        const show = element('button', { type: 'button' }, 'Show the new one');
        const { generation } = found;
        show.addEventListener('click', () => this.#id !== undefined && this.open(this.#id, generation));
        return [element('p', {}, 'This group was removed, and one of the same name was made. '), show];
      }
      case 'lost':
        return [element('p', {}, `The service cannot be reached. What is shown is of ${clock(found.since)}.`)];
      case 'refused': {
        const { error } = found;
        const denied = [401, 403].includes(error.status);
        const words = denied ? `Not permitted: ${error.message}` : error.message;
        return [element('p', {}, visible(words)), element('p', { class: 'quiet' }, error.advice ?? '')];
      }
    }
  }
}

/** The settings that are drawn as they are now. */
function levelsOf({ charts }: Facts, { knobs }: Description): ReadonlyMap<string, readonly Level[]> {
  const keys = charts.flatMap(({ parts }) => parts.flatMap(({ knob }) => knob ?? []));
  return new Map(
    keys.map((key) => {
      const value = knobs[key]?.value;
      const entries = isRecord(value) ? Object.entries(value) : [['', value] as const];
      return [key, entries.flatMap(([label, item]) => (typeof item === 'number' ? [{ label, value: item }] : []))];
    }),
  );
}

function fold(title: string, content: HTMLElement, open: boolean): HTMLDetailsElement {
  const made = element('details', { class: 'part' }, element('summary', {}, title), content);
  made.open = open;
  return made;
}
