/** Freeze, thaw and kill, each asked about first; and whether anything can be changed here at all. */
import { shortName } from '../../view/format.ts';
import { element, setAttribute, setText } from '../dom.ts';
import type { Access } from './access.ts';
import type { Api } from './api.ts';
import { button, wordsOf } from './change.ts';
import { ask } from './dialog.ts';
import type { Processes } from './facts.ts';
import { visible } from './text.ts';

const SIGNALS = ['KILL', 'TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'STOP', 'CONT'];

interface Group {
  readonly id: string;
  readonly root: boolean;
  readonly frozen: boolean;
  /** Whether it can be frozen. */
  readonly freezer: boolean;
}

export class Actions {
  readonly node = element('div', { class: 'acts' });
  readonly #told = element('div', { class: 'told', role: 'status' });
  readonly #freeze = button('Freeze …', () => void this.#askFreeze());
  readonly #thaw = button('Thaw …', () => void this.#askThaw());
  readonly #kill = button('Kill …', () => void this.#askKill());
  readonly #rights = element('span', { class: 'rights' });
  readonly #root: HTMLElement;
  readonly #api: Api;
  readonly #access: Access;
  readonly #done: () => void;
  #group: Group | undefined;

  /** @param root where dialogs go. @param done something was done */
  constructor(root: HTMLElement, api: Api, access: Access, done: () => void) {
    this.#root = root;
    this.#api = api;
    this.#access = access;
    this.#done = done;
    this.#kill.setAttribute('data-danger', '');
    this.node.append(this.#freeze, this.#thaw, this.#kill, this.#rights, this.#told);
  }

  open(): void {
    this.#told.replaceChildren();
    this.#group = undefined;
    for (const control of [this.#freeze, this.#thaw, this.#kill]) control.hidden = true;
    setText(this.#rights, '');
  }

  /** @param there the group exists. @param writes the service may change things */
  show(group: Group, there: boolean, writes: boolean): void {
    this.#group = group;
    const possible = writes && there && !group.root;
    this.#freeze.hidden = !possible || !group.freezer || group.frozen;
    this.#thaw.hidden = !possible || !group.freezer || !group.frozen;
    this.#kill.hidden = !possible;
    setAttribute(this.#rights, 'data-writes', writes ? 'yes' : 'no');
    setText(
      this.#rights,
      !writes
        ? 'Read-only: the service runs without enableWrites'
        : this.#access.given
          ? ''
          : 'Changes ask for the write token',
    );
  }

  async #askFreeze(): Promise<void> {
    const group = this.#group;
    if (group === undefined) return;
    const confirmed = await ask(this.#root, {
      title: `Freeze ${visible(shortName(group.id))}?`,
      body: [path(group.id), element('p', {}, await this.#whom(group.id, 'will stand still until it is thawed.'))],
      confirm: 'Freeze',
      danger: true,
    });
    if (confirmed) await this.#act(group.id, 'freeze', {}, 'Frozen.');
  }

  async #askThaw(): Promise<void> {
    const group = this.#group;
    if (group === undefined) return;
    const confirmed = await ask(this.#root, {
      title: `Thaw ${visible(shortName(group.id))}?`,
      body: [path(group.id), element('p', {}, 'Its processes go on where they stood.')],
      confirm: 'Thaw',
    });
    if (confirmed) await this.#act(group.id, 'thaw', {}, 'Thawed.');
  }

  async #askKill(): Promise<void> {
    const group = this.#group;
    if (group === undefined) return;
    const signal = element('select', { name: 'signal' }, ...SIGNALS.map((name) => element('option', {}, name)));
    const confirmed = await ask(this.#root, {
      title: `Send a signal to ${visible(shortName(group.id))}?`,
      body: [
        path(group.id),
        element('p', {}, await this.#whom(group.id, 'and those of all groups below get it.')),
        element('label', { class: 'signal' }, element('span', {}, 'Signal'), signal),
      ],
      confirm: 'Send it',
      danger: true,
      typed: 'kill',
    });
    if (confirmed) await this.#act(group.id, 'kill', { signal: signal.value }, `${signal.value} was sent.`);
  }

  async #whom(id: string, words: string): Promise<string> {
    try {
      const { total, processes }: Processes = await this.#api.processes(id, 3);
      const named = processes.map(({ command, pid }) => `${visible(command)} (${pid})`).join(', ');
      const more = total > processes.length ? ` and ${total - processes.length} more` : '';
      return `${total === 0 ? 'No process of its own' : `${named}${more}`} ${words}`;
    } catch {
      return `Its processes ${words}`;
    }
  }

  async #act(id: string, action: string, body: object, words: string): Promise<void> {
    try {
      await this.#api.post(id, action, body);
      this.#tell('good', element('p', {}, words));
    } catch (error) {
      this.#tell('bad', ...wordsOf(error));
    }
    this.#done();
  }

  #tell(kind: 'good' | 'bad', ...nodes: readonly Node[]): void {
    setAttribute(this.#told, 'data-kind', kind);
    this.#told.replaceChildren(...nodes);
  }
}

const path = (id: string): HTMLElement => element('p', { class: 'path' }, visible(id));
