import { CgError } from '../errors.ts';

/** One error that names all that is wrong with what was asked. @param mistakes at least one */
export function mistaken(mistakes: readonly string[]): CgError {
  const [only = ''] = mistakes;
  const message =
    mistakes.length === 1 ? only : `${mistakes.length} mistakes:${mistakes.map((text) => `\n  ${text}`).join('')}`;
  return new CgError('USAGE', message, { mistakes });
}

/** Throw {@link mistaken} if there is anything. */
export function insist(mistakes: readonly string[]): void {
  if (mistakes.length > 0) throw mistaken(mistakes);
}
