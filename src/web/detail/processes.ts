/** The group's own processes, the largest first. */
import { formatCell } from '../../view/format.ts';
import { element } from '../dom.ts';
import type { Processes } from './facts.ts';
import { visible } from './text.ts';

/** How many are shown. */
const SHOWN = 200;
/** How many are asked for, to find the largest among them. */
export const ASKED = 2000;

/** The letters of proc_pid_stat(5). */
const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'disk sleep',
  Z: 'zombie',
  T: 'stopped',
  t: 'traced',
  X: 'dead',
  I: 'idle',
};

export class ProcessList {
  readonly node = element('div', { class: 'processes' });
  readonly #body = element('tbody');
  readonly #words = element('p', { class: 'quiet' });
  readonly #table: HTMLElement;
  #shown = '';

  constructor() {
    const titles = ['PID', 'Command', 'State', 'Threads', 'Memory'].map((title) =>
      element('th', { scope: 'col' }, title),
    );
    this.#table = element('table', {}, element('thead', {}, element('tr', {}, ...titles)), this.#body);
    this.node.append(this.#table, this.#words);
  }

  show({ total, processes }: Processes): void {
    const now = JSON.stringify([total, processes]);
    if (now === this.#shown) return;
    this.#shown = now;
    const largest = [...processes].sort((a, b) => b.rssBytes - a.rssBytes || a.pid - b.pid).slice(0, SHOWN);
    const rows = largest.map(({ pid, command, state, threads, rssBytes, only }) =>
      element(
        'tr',
        { 'data-pid': String(pid) },
        element('td', {}, String(pid)),
        element(
          'th',
          { scope: 'row' },
          element('bdi', {}, visible(command)),
          ...(only === undefined
            ? []
            : [
                element(
                  'span',
                  { class: 'quiet', title: only.join(', ') },
                  ` only in ${only.length === 1 ? only[0] : `${only.length} hierarchies`}`,
                ),
              ]),
        ),
        element('td', { title: state }, STATES[state] ?? state),
        element('td', {}, String(threads)),
        element('td', {}, formatCell(rssBytes, 'bytes')),
      ),
    );
    this.#body.replaceChildren(...rows);
    this.#table.hidden = rows.length === 0;
    const more = total - largest.length;
    this.#words.textContent = total === 0 ? 'No process of its own.' : more > 0 ? `${more} more` : '';
  }

  clear(): void {
    this.#shown = '';
    this.#body.replaceChildren();
    this.#table.hidden = true;
    this.#words.textContent = '';
  }
}
