/** The write token: asked for once, kept for as long as the tab, sent with changes only. */
import { element } from '../dom.ts';
import { ask } from './dialog.ts';

const STORED = 'cgctl.write-token';

/** Somebody changed his mind. */
export class Cancelled extends Error {}

export class Access {
  readonly #root: HTMLElement;

  /** @param root where the dialog goes */
  constructor(root: HTMLElement) {
    this.#root = root;
  }

  get given(): boolean {
    return sessionStorage.getItem(STORED) !== null;
  }

  /** @param wrong the last one was refused. @throws Cancelled */
  async token(wrong: boolean): Promise<string> {
    const known = sessionStorage.getItem(STORED);
    if (known !== null) return known;
    const field = element('input', {
      type: 'password',
      name: 'write-token',
      'aria-label': 'Write token',
      autocomplete: 'off',
      required: '',
    });
    const words = wrong ? 'That was not the write token.' : 'It is in the service’s writeTokenFile.';
    const agreed = await ask(this.#root, {
      title: 'Changes need the write token',
      body: [element('p', { class: wrong ? 'mistake' : 'quiet', role: 'status' }, words), field],
      confirm: 'Use it',
    });
    if (!agreed || field.value === '') throw new Cancelled();
    sessionStorage.setItem(STORED, field.value);
    return field.value;
  }

  forget(): void {
    sessionStorage.removeItem(STORED);
  }
}
