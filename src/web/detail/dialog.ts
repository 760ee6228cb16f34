/** A question that has to be answered first. */
import { element } from '../dom.ts';

export interface Question {
  readonly title: string;
  readonly body: readonly (Node | string)[];
  readonly confirm: string;
  readonly danger?: boolean;
  /** This has to be typed before it can be confirmed. */
  readonly typed?: string;
}

let questions = 0;

/** @returns whether it was confirmed; Escape is a no */
export function ask(root: HTMLElement, { title, body, confirm, danger, typed }: Question): Promise<boolean> {
  questions += 1;
  const heading = element('h2', { id: `question-${questions}` }, title);
  const yes = element('button', { type: 'submit', ...(danger && { 'data-danger': '' }) }, confirm);
  const no = element('button', { type: 'button' }, 'Cancel');
  const typing = typed === undefined ? undefined : typingField(typed, yes);
  const form = element(
    'form',
    { method: 'dialog' },
    heading,
    ...body,
    ...(typing === undefined ? [] : [typing]),
    element('div', { class: 'answers' }, yes, no),
  );
  const dialog = element('dialog', { class: 'question', 'aria-labelledby': heading.id }, form);
  return new Promise((resolve) => {
    no.addEventListener('click', () => dialog.close());
    form.addEventListener('submit', () => dialog.close('yes'));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    root.append(dialog);
    dialog.showModal();
  });
}

function typingField(typed: string, yes: HTMLButtonElement): HTMLElement {
  const field = element('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', required: '' });
  yes.disabled = true;
  field.addEventListener('input', () => {
    yes.disabled = field.value.trim() !== typed;
  });
  return element(
    'label',
    { class: 'typed' },
    element('span', {}, 'Type ', element('kbd', {}, typed), ' to confirm'),
    field,
  );
}
