/** The way of a change: the plan is shown, it is applied once, what came of it is told, and it can be undone for a while. */
import type { Note, Outcome, StepOutcome } from '../../protocol/plan.ts';
import { shortName } from '../../view/format.ts';
import { element } from '../dom.ts';
import { Cancelled } from './access.ts';
import { type Api, ServiceError } from './api.ts';
import type { Description } from './facts.ts';
import type { Draft, Settings } from './settings.ts';
import { isRecord, visible } from './text.ts';

const UNDO_MS = 10 * 60_000;
/** How v1 prints the largest number of bytes that it counts: 2^63 in whole pages, of 4 to 64 KiB. */
const NO_LIMIT = /\b9223372036854[67]\d{5}\b/;

interface Undo {
  readonly id: string;
  readonly generation: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  /** Settings that cannot be given back. */
  readonly lost: readonly string[];
  /** What the files held, by path. */
  readonly was: ReadonlyMap<string, string>;
  readonly words: string;
  readonly until: number;
}

export class Changes {
  readonly node = element('section', { class: 'change', 'aria-label': 'Change' });
  readonly #bar = element('div', { class: 'pending' });
  readonly #plan = element('div', { class: 'plan' });
  readonly #told = element('div', { class: 'told', role: 'status' });
  readonly #undos = element('ul', { class: 'undos' });
  readonly #api: Api;
  readonly #settings: Settings;
  readonly #done: () => void;
  #group: Description | undefined;
  #kept: readonly Undo[] = [];
  #busy = false;

  /** @param done something was changed */
  constructor(api: Api, settings: Settings, done: () => void) {
    this.#api = api;
    this.#settings = settings;
    this.#done = done;
    this.node.append(this.#bar, this.#plan, this.#told, this.#undos);
  }

  open(): void {
    this.#group = undefined;
    this.#plan.replaceChildren();
    this.#told.replaceChildren();
    this.pending();
  }

  show(group: Description): void {
    this.#group = group;
    this.#tellUndos();
  }

  /** How many settings wait for their plan. */
  pending(): void {
    const count = this.#settings.pending;
    this.#plan.replaceChildren();
    if (!this.#settings.editing) {
      this.#bar.replaceChildren();
      return;
    }
    const words =
      count === 0 ? 'Nothing is different yet.' : `${count} ${count === 1 ? 'setting' : 'settings'} to change`;
    const plan = button('Show the plan', () => void this.plan());
    plan.disabled = count === 0;
    this.#bar.replaceChildren(
      element('span', {}, words),
      plan,
      button('Discard', () => this.#settings.discard()),
    );
  }

  /** Asks what would be written. */
  async plan(): Promise<void> {
    const group = this.#group;
    const draft = this.#settings.draft();
    if (group === undefined || draft === undefined || draft.size === 0 || this.#busy) return;
    const values = Object.fromEntries(draft);
    const outcome = await this.#try(() => this.#api.set(group.id, { values, dryRun: true }));
    if (outcome === undefined) return;
    const writes = outcome.steps.length;
    const refused = outcome.notes.some(({ level }) => level === 'refusal');
    const lasting = outcome.steps.some(({ irreversible }) => irreversible);
    const consent = refused || lasting ? consentField(refused) : undefined;
    const apply = button(writes === 0 ? 'Nothing to write' : 'Apply', () => {
      void this.#apply(group, draft, { force: refused, yes: lasting });
    });
    apply.disabled = writes === 0 || consent !== undefined;
    consent?.field.addEventListener('change', () => {
      apply.disabled = consent.field.checked !== true;
    });
    this.#plan.replaceChildren(
      element(
        'h3',
        { tabindex: '-1' },
        `Plan: ${writes} ${writes === 1 ? 'write' : 'writes'} to ${visible(shortName(group.id))}`,
      ),
      stepsOf(outcome.steps),
      notesOf(outcome.notes),
      ...(consent === undefined ? [] : [consent.label]),
      element(
        'div',
        { class: 'answers' },
        apply,
        button('Back', () => this.pending()),
      ),
    );
    this.#told.replaceChildren();
    (apply.disabled ? this.#plan.querySelector('h3') : apply)?.focus();
  }

  async #apply(
    group: Description,
    draft: Draft,
    consent: { readonly force: boolean; readonly yes: boolean },
  ): Promise<void> {
    const outcome = await this.#try(() => this.#api.set(group.id, { values: Object.fromEntries(draft), ...consent }));
    if (outcome === undefined) return;
    this.#settings.discard();
    this.#tell('good', effectOf(outcome), notesOf(outcome.notes));
    this.#remember(group, draft, outcome);
    this.#done();
  }

  #remember({ id, generation, knobs }: Description, draft: Draft, { steps }: Outcome): void {
    const values: Record<string, unknown> = {};
    const lost: string[] = steps.filter(({ irreversible }) => irreversible).map(({ path }) => path);
    for (const [key, now] of draft) {
      const { asked, value } = knobs[key] ?? {};
      const before = previous(asked ?? value, now);
      if (before === undefined) lost.push(key);
      else values[key] = before;
    }
    const was = new Map(steps.flatMap(({ path, was }) => (was === undefined ? [] : [[path, was.trim()] as const])));
    const words = steps.map((step) => `${step.file ?? ''} ${brief(step.was)} → ${brief(step.text)}`).join(', ');
    const undo = { id, generation, values, lost, was, words, until: Date.now() + UNDO_MS };
    this.#kept = [undo, ...this.#kept];
    this.#tellUndos();
  }

  #tellUndos(): void {
    const group = this.#group;
    this.#kept = this.#kept.filter(({ until }) => until > Date.now());
    const own = this.#kept.filter(({ id, generation }) => id === group?.id && generation === group.generation);
    const items = own.map((undo) => {
      const minutes = Math.max(1, Math.ceil((undo.until - Date.now()) / 60_000));
      const possible = Object.keys(undo.values).length > 0;
      const act = button('Undo', () => void this.#undo(undo));
      act.disabled = !possible;
      const exactly = undo.lost.length === 0 ? '' : ` (cannot be restored: ${undo.lost.join(', ')})`;
      return element('li', {}, act, element('span', {}, visible(undo.words), `${exactly} · ${minutes} min left`));
    });
    if (this.#undos.textContent === items.map((item) => item.textContent).join('')) return;
    const focused = this.#undos.contains(document.activeElement);
    this.#undos.replaceChildren(...items);
    if (focused) this.#undos.querySelector('button')?.focus();
  }

  async #undo(undo: Undo): Promise<void> {
    const outcome = await this.#try(() => this.#api.set(undo.id, { values: undo.values, force: true }));
    if (outcome === undefined) return;
    this.#kept = this.#kept.filter((kept) => kept !== undo);
    const differs = outcome.steps.flatMap(({ path, text, got = text }) => {
      const was = undo.was.get(path);
      return was === undefined || got === undefined || was === got.trim()
        ? []
        : [`${path} was ${was} and is ${got.trim()}`];
    });
    const words = differs.length === 0 ? 'Undone: ' : `Undone, not to the letter (${differs.join('; ')}): `;
    this.#tell('good', element('p', {}, words), effectOf(outcome));
    this.#tellUndos();
    this.#done();
  }

  /** What the service refuses is shown in full. */
  async #try(act: () => Promise<Outcome>): Promise<Outcome | undefined> {
    if (this.#busy) return undefined;
    this.#busy = true;
    this.node.setAttribute('aria-busy', 'true');
    try {
      return await act();
    } catch (error) {
      this.#tell('bad', ...wordsOf(error));
      return undefined;
    } finally {
      this.#busy = false;
      this.node.removeAttribute('aria-busy');
    }
  }

  #tell(kind: 'good' | 'bad', ...nodes: readonly Node[]): void {
    this.#told.setAttribute('data-kind', kind);
    this.#told.replaceChildren(...nodes);
  }
}

/** What went wrong, and what to do about it. */
export function wordsOf(error: unknown): Node[] {
  if (error instanceof Cancelled) return [];
  if (error instanceof ServiceError) {
    const message = element('p', { class: 'message' }, visible(error.message.replaceAll('\n', ' · ')));
    return error.advice === undefined ? [message] : [message, element('p', { class: 'quiet' }, error.advice)];
  }
  return [element('p', {}, 'The service cannot be reached: nothing is known of what came of it.')];
}

/** What was before, as something that can be set; keys that were not there are taken out again. */
function previous(before: unknown, now: string | readonly string[]): unknown {
  if (!isRecord(before)) return before;
  const keys = typeof now === 'string' ? [] : now.map((entry) => entry.slice(0, entry.lastIndexOf(':')));
  return { ...Object.fromEntries(keys.map((key) => [key, 'max'])), ...before };
}

function stepsOf(steps: readonly StepOutcome[]): HTMLElement {
  const items = steps.map(({ path, file = '', was, text = '', why, irreversible }) =>
    element(
      'li',
      {},
      element('code', { title: path }, file || path),
      ' ',
      ...(was === undefined ? [] : [element('del', {}, brief(was)), ' → ']),
      element('ins', {}, brief(text)),
      element('span', { class: 'why' }, ` ${why}${irreversible ? ' (cannot be undone)' : ''}`),
    ),
  );
  return element('ol', { class: 'steps' }, ...items);
}

function notesOf(notes: readonly Note[]): HTMLElement {
  const items = notes.map(({ level, text }) => element('li', { 'data-level': level }, visible(text)));
  return element('ul', { class: 'notes' }, ...items);
}

/** What the kernel made of it. */
function effectOf({ steps }: Outcome): HTMLElement {
  const items = steps.map(({ file = '', path, was, text, got = text, adjusted }) =>
    element(
      'li',
      {},
      element('code', { title: path }, file || path),
      ` ${was === undefined ? '' : `${brief(was)} → `}${brief(got)}`,
      ...(adjusted === undefined
        ? []
        : [element('span', { class: 'why' }, ` asked for ${brief(text)}: the kernel changed it`)]),
    ),
  );
  return element('ul', { class: 'effect' }, ...items);
}

/** A file’s text on one line. */
const brief = (text = ''): string =>
  visible(text.trim().replaceAll('\n', '; ').replace(NO_LIMIT, 'no limit')) || '(empty)';

function consentField(refused: boolean): { readonly label: HTMLElement; readonly field: HTMLInputElement } {
  const field = element('input', { type: 'checkbox' });
  const words = refused ? 'Do it all the same' : 'It cannot be undone: do it';
  return { field, label: element('label', { class: 'consent' }, field, ` ${words}`) };
}

export function button(text: string, act: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button' }, text);
  made.addEventListener('click', act);
  return made;
}
