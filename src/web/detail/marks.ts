/** Events of one group: marks on the charts, and the list below them. */
import type { CgroupEvent } from '../../protocol/event.ts';
import { clock } from '../../view/format.ts';
import { element } from '../dom.ts';
import { visible } from './text.ts';

/** What is left and right of the plots, in pixels. */
export const AXIS_WIDTH = 50;
export const RIGHT = 8;
/** How many are listed, the newest first. */
const LISTED = 100;

export interface Mark {
  readonly event: CgroupEvent;
  readonly weight: Weight;
}

/** Something was killed; somebody or something has to be known of; what comes and goes. */
export type Weight = 'grave' | 'notable' | 'ordinary';

export class Marks {
  /** The row of signs below the charts: the list says the same in words. */
  readonly strip = element('div', { class: 'marks', 'aria-hidden': 'true' });
  readonly node: HTMLElement;
  readonly #list = element('ol', { class: 'timeline' });
  readonly #none = element('p', { class: 'quiet' }, 'Nothing has happened to it since the service was started.');
  readonly #colours = new Map<Weight, HTMLElement>();
  readonly #point: (time: number | undefined) => void;
  readonly #events = new Map<string, CgroupEvent>();
  #items: ReadonlyMap<CgroupEvent, HTMLElement> = new Map();
  #id = '';
  #sorted: readonly Mark[] = [];

  /** @param point show what was at that time */
  constructor(point: (time: number | undefined) => void) {
    this.#point = point;
    for (const weight of ['grave', 'notable', 'ordinary'] as const) {
      const probe = element('span', { 'data-weight': weight });
      this.#colours.set(weight, probe);
      this.strip.append(probe);
    }
    this.node = element(
      'section',
      { class: 'events', 'aria-label': 'What happened to this group' },
      element('h3', {}, 'Events'),
      this.#list,
      this.#none,
    );
  }

  get marks(): readonly Mark[] {
    return this.#sorted;
  }

  /** As the page’s theme has them now. */
  colours(): Readonly<Record<Weight, string>> {
    const of = (weight: Weight): string => {
      const probe = this.#colours.get(weight);
      return probe === undefined ? '' : getComputedStyle(probe).color;
    };
    return { grave: of('grave'), notable: of('notable'), ordinary: of('ordinary') };
  }

  open(id: string): void {
    this.#id = id;
    this.#events.clear();
    this.#tell();
  }

  add(events: readonly CgroupEvent[]): void {
    const own = events.filter(({ cgroup, ancestor }) => cgroup === this.#id || ancestor === this.#id);
    const fresh = own.filter((event) => !this.#events.has(keyOf(event)));
    if (fresh.length === 0) return;
    for (const event of fresh) this.#events.set(keyOf(event), event);
    this.#tell();
  }

  /** @param width of the charts in pixels; the axis is from one time to another */
  place(from: number, to: number, width: number): void {
    const inside = width - AXIS_WIDTH - RIGHT;
    const signs = this.#sorted.flatMap(({ event }) => {
      if (event.time < from || event.time > to) return [];
      const sign = element('span', { 'data-weight': weightOf(event), title: `${clock(event.time)} ${textOf(event)}` });
      sign.textContent = signOf(event);
      sign.style.left = `${AXIS_WIDTH + ((event.time - from) / (to - from)) * inside}px`;
      return [sign];
    });
    this.strip.replaceChildren(...this.#colours.values(), ...signs);
  }

  #tell(): void {
    const events = [...this.#events.values()].sort((a, b) => a.time - b.time || a.seq - b.seq);
    this.#sorted = events.map((event) => ({ event, weight: weightOf(event) }));
    // What is there stays: somebody may be reading it, or have it in focus.
    const newest = events.slice(-LISTED).reverse();
    const items = newest.map((event) => this.#items.get(event) ?? this.#item(event));
    this.#items = new Map(newest.map((event, at) => [event, items[at] ?? this.#item(event)]));
    for (const item of [...this.#list.children]) if (!items.some((kept) => kept === item)) item.remove();
    for (const [at, item] of items.entries()) {
      const there = this.#list.children[at];
      if (there !== item) this.#list.insertBefore(item, there ?? null);
    }
    this.#none.hidden = events.length > 0;
  }

  #item(event: CgroupEvent): HTMLElement {
    const { time, kind } = event;
    const weight = weightOf(event);
    const sign = element('span', { class: 'sign', 'aria-hidden': 'true' }, signOf(event));
    const when = element('time', { datetime: new Date(time).toISOString() }, clock(time));
    const button = element('button', { type: 'button', title: 'Show this moment on the charts' }, textOf(event));
    button.addEventListener('focus', () => this.#point(time));
    button.addEventListener('mouseenter', () => this.#point(time));
    button.addEventListener('blur', () => this.#point(undefined));
    button.addEventListener('mouseleave', () => this.#point(undefined));
    return element('li', { 'data-weight': weight, 'data-kind': kind }, when, sign, button);
  }
}

/** Counting begins anew with each start of the service. */
const keyOf = ({ seq, time }: CgroupEvent): string => `${time} ${seq}`;

const textOf = ({ text }: CgroupEvent): string => visible(text);

function weightOf({ kind, count }: CgroupEvent): Weight {
  if (kind.startsWith('oom')) return 'grave';
  return count === undefined && kind !== 'limit_changed' && kind !== 'threshold' ? 'ordinary' : 'notable';
}

function signOf({ kind, count }: CgroupEvent): string {
  if (kind.startsWith('oom')) return '✖';
  return { created: '●', removed: '○', limit_changed: '▲', threshold: '◆' }[kind] ?? (count === undefined ? '■' : '!');
}
