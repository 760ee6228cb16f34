/** Every setting of the group: what was asked for, what the kernel has, in which file; and, with writing allowed, a field to change it. */
import { element, setAttribute, setText } from '../dom.ts';
import type { Description, Facts, KnobInfo, KnobState } from './facts.ts';
import { editText, valueText } from './text.ts';
import { mistakeIn, payloadOf } from './validate.ts';

interface Row {
  readonly info: KnobInfo;
  readonly node: HTMLTableRowElement;
  readonly asked: HTMLElement;
  readonly value: HTMLElement;
  readonly file: HTMLElement;
  readonly edit: HTMLButtonElement;
}

interface Field {
  readonly row: HTMLTableRowElement;
  readonly input: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
  readonly before: string;
}

/** What is to be set: texts by key. */
export type Draft = ReadonlyMap<string, string | readonly string[]>;

export class Settings {
  readonly node: HTMLElement;
  readonly #body = element('tbody');
  readonly #absent = element('ul', { class: 'absent' });
  readonly #absentCount = element('summary');
  readonly #places = element('ul', { class: 'places' });
  readonly #changed: (submit: boolean) => void;
  readonly #rows = new Map<string, Row>();
  readonly #fields = new Map<string, Field>();
  #facts: Facts | undefined;
  #states: Description['knobs'] = {};

  /** @param changed what is to be set is another thing now; with `submit`, Enter was pressed */
  constructor(changed: (submit: boolean) => void) {
    this.#changed = changed;
    const titles = ['Setting', 'Asked', 'Kernel', 'File'].map((title) => element('th', { scope: 'col' }, title));
    this.node = element(
      'div',
      { class: 'settings' },
      element('table', {}, element('thead', {}, element('tr', {}, ...titles, element('td', {}, ''))), this.#body),
      element('details', { class: 'lacking' }, this.#absentCount, this.#absent),
      element('h3', {}, 'Directories'),
      this.#places,
    );
  }

  show(facts: Facts, { knobs, places }: Description, writable: boolean): void {
    this.#facts = facts;
    this.#states = knobs;
    const known = Object.entries(knobs).flatMap(([key, state]) => {
      const info = facts.knobs.get(key);
      return info === undefined ? [] : [{ info, state }];
    });
    const there = known.filter(({ state }) => state.absent === undefined);
    const keys = new Set(there.map(({ info }) => info.key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      this.#discard(key);
      this.#rows.delete(key);
    }
    for (const { info, state } of there) this.#tell(this.#rowOf(info), state, writable);
    const absent = known.filter(({ state }) => state.absent !== undefined);
    setText(this.#absentCount, `${absent.length} more that this host or group lacks`);
    if (this.#absent.childElementCount !== absent.length) {
      const items = absent.map(({ info, state }) => element('li', {}, element('b', {}, info.key), ` ${state.absent}`));
      this.#absent.replaceChildren(...items);
    }
    const lines = Object.entries(places).map(([hierarchy, path]) => `${hierarchy}: ${path}`);
    if (this.#places.childElementCount !== lines.length)
      this.#places.replaceChildren(...lines.map((line) => element('li', {}, line)));
  }

  /** Texts that differ from what the kernel has; undefined where one of them is wrong, which is then said. */
  draft(): Draft | undefined {
    const draft = new Map<string, string | readonly string[]>();
    let wrong: HTMLElement | undefined;
    for (const [key, { input, before }] of this.#fields) {
      const info = this.#rows.get(key)?.info;
      if (info === undefined || this.#facts === undefined || input.value.trim() === before.trim()) continue;
      const mistake = mistakeIn(input.value, info, this.#facts.machine);
      this.#complain(key, mistake);
      if (mistake !== undefined) wrong ??= input;
      else draft.set(key, payloadOf(input.value, info.type));
    }
    wrong?.focus();
    return wrong === undefined ? draft : undefined;
  }

  /** How many fields hold something else than the kernel. */
  get pending(): number {
    return [...this.#fields.values()].filter(({ input, before }) => input.value.trim() !== before.trim()).length;
  }

  get editing(): boolean {
    return this.#fields.size > 0;
  }

  /** Closes all fields. */
  discard(): void {
    for (const key of [...this.#fields.keys()]) this.#discard(key);
    this.#changed(false);
  }

  clear(): void {
    this.discard();
    this.#rows.clear();
    this.#body.replaceChildren();
    this.#absent.replaceChildren();
    this.#places.replaceChildren();
  }

  #rowOf(info: KnobInfo): Row {
    const { key, flag, help } = info;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const title = [help, flag].filter((word) => word !== undefined).join('\n');
    const edit = element('button', { type: 'button', class: 'edit', 'aria-label': `Change ${key}` }, '✎');
    const row: Row = {
      info,
      node: element('tr', { 'data-knob': key }, element('th', { scope: 'row', title }, key)),
      asked: element('td', { class: 'asked' }),
      value: element('td', { class: 'kernel' }),
      file: element('td', { class: 'file' }),
      edit,
    };
    row.node.append(row.asked, row.value, row.file, element('td', {}, edit));
    edit.addEventListener('click', () => (this.#fields.has(key) ? this.#close(key) : this.#edit(row)));
    this.#rows.set(key, row);
    this.#body.append(row.node);
    return row;
  }

  #tell({ info, asked, value, file, edit }: Row, state: KnobState, writable: boolean): void {
    const { kind } = info.type;
    setText(asked, valueText(state.asked, kind));
    setText(value, valueText(state.value, kind));
    setAttribute(value, 'title', [exact(state.value), state.conversion].filter(Boolean).join('\n') || undefined);
    const [first = ''] = state.files;
    setText(
      file,
      `${first.slice(first.lastIndexOf('/') + 1)}${state.files.length > 1 ? ` +${state.files.length - 1}` : ''}`,
    );
    setAttribute(file, 'title', state.files.join('\n'));
    edit.hidden = !writable || info.flag === undefined;
  }

  #edit(row: Row): void {
    const { key, type, help } = row.info;
    const before = type.kind === 'rules' ? '' : editText(this.#states[key]?.value, type.kind);
    const input = inputFor(row.info, before);
    const hint = element('p', { class: 'hint', id: `hint-${key}` }, element('b', {}, hintOf(row.info)), ` ${help}`);
    const mistake = element('p', { class: 'mistake', id: `mistake-${key}`, role: 'alert' });
    setAttribute(input, 'aria-describedby', `${mistake.id} ${hint.id}`);
    setAttribute(input, 'aria-label', key);
    const cell = element('td', { colspan: '5' }, input, mistake, hint);
    const field: Field = { row: element('tr', { class: 'editor' }, cell), input, before };
    row.node.after(field.row);
    setAttribute(row.edit, 'aria-expanded', 'true');
    this.#fields.set(key, field);
    input.addEventListener('input', () => {
      this.#complain(key, undefined);
      this.#changed(false);
    });
    input.addEventListener('keydown', (event) => {
      if (!(event instanceof KeyboardEvent)) return;
      if (event.key === 'Enter' && !(input instanceof HTMLTextAreaElement)) this.#changed(true);
      if (event.key === 'Escape') this.#close(key);
    });
    input.focus();
    if (input instanceof HTMLInputElement) input.select();
    this.#changed(false);
  }

  #close(key: string): void {
    this.#discard(key);
    this.#changed(false);
    this.#rows.get(key)?.edit.focus();
  }

  #discard(key: string): void {
    this.#fields.get(key)?.row.remove();
    this.#fields.delete(key);
    const edit = this.#rows.get(key)?.edit;
    if (edit !== undefined) setAttribute(edit, 'aria-expanded', undefined);
  }

  #complain(key: string, mistake: string | undefined): void {
    const field = this.#fields.get(key);
    if (field === undefined) return;
    setAttribute(field.input, 'aria-invalid', mistake === undefined ? undefined : 'true');
    const place = field.row.querySelector('.mistake');
    if (place !== null) setText(place, mistake === undefined ? '' : `Not possible: ${mistake}`);
  }
}

/** All digits of what is shown shortened. */
const exact = (value: unknown): string =>
  typeof value === 'number' && value >= 1024 ? value.toLocaleString('en') : '';

function hintOf({ type, means }: KnobInfo): string {
  const texts = means.filter((text) => text !== 'max' && text !== '-1');
  return [type.about, ...texts].join(' or ');
}

function inputFor({ type }: KnobInfo, before: string): Field['input'] {
  if (type.kind === 'rules') return element('textarea', { rows: '2', spellcheck: 'false' });
  const choices = type.kind === 'bool' ? ['false', 'true'] : type.schema.enum;
  if (choices === undefined) {
    const input = element('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
    input.value = before;
    return input;
  }
  // What the kernel has may be none of what can be set.
  const all = choices.includes(before) ? choices : [before, ...choices];
  const select = element('select', {}, ...all.map((choice) => element('option', { value: choice }, choice)));
  select.value = before;
  return select;
}
