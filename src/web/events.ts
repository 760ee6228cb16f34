/** What happened, the newest first; what somebody has to know stands out, and is not pushed out by what happens all day. */
import type { CgroupEvent } from '../protocol/event.ts';
import { clock } from '../view/format.ts';
import { element } from './dom.ts';

/** How many of each weight are kept on the page. */
const KEPT = 100;

/** Something was killed; the kernel counted that a limit was hit; a group came, went or changed its state. */
type Weight = 'grave' | 'notable' | 'ordinary';

export class EventList {
  readonly #list: HTMLElement;
  readonly #none: HTMLElement;
  readonly #choose: (id: string) => void;
  #all = false;
  #last = 0;

  constructor(list: HTMLElement, none: HTMLElement, choose: (id: string) => void) {
    this.#list = list;
    this.#none = none;
    this.#choose = choose;
  }

  /** A new connection may be to a service that was started again: it counts anew. */
  restart(): void {
    this.#last = 0;
    this.#list.replaceChildren();
    this.#tidy();
  }

  /** Ordinary events too. */
  showAll(all: boolean): void {
    this.#all = all;
    for (const item of this.#items('ordinary')) item.hidden = !all;
    this.#tidy();
  }

  add(event: CgroupEvent): void {
    const { seq, time, cgroup, text } = event;
    if (seq <= this.#last) return;
    this.#last = seq;
    const weight = weightOf(event);
    const button = element('button', { type: 'button', title: cgroup }, text);
    button.addEventListener('click', () => this.#choose(cgroup));
    const when = element('time', { datetime: new Date(time).toISOString() }, clock(time));
    const item = element('li', { 'data-weight': weight }, when, button);
    item.hidden = weight === 'ordinary' && !this.#all;
    this.#list.prepend(item);
    this.#items(weight)[KEPT]?.remove();
    this.#tidy();
  }

  #items(weight: Weight): HTMLElement[] {
    return [...this.#list.querySelectorAll<HTMLElement>(`[data-weight="${weight}"]`)];
  }

  #tidy(): void {
    this.#none.hidden = this.#list.querySelector('li:not([hidden])') !== null;
  }
}

function weightOf({ kind, count }: CgroupEvent): Weight {
  if (kind.startsWith('oom')) return 'grave';
  return count === undefined ? 'ordinary' : 'notable';
}
