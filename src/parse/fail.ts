import { CgError } from '../errors.ts';
import { excerpt } from './printable.ts';

/** Kernel text that is not what it should be. @param what the file or the part of it, as a noun */
export function unreadable(what: string, text: string): CgError {
  return new CgError('PARSE', `${what} cannot be read: ${excerpt(text)}`);
}

/** Human input that is not acceptable. @param expected completes the sentence `"5x" is not …` */
export function unacceptable(text: string, expected: string): CgError {
  return new CgError('VALUE', `${excerpt(text)} is not ${expected}`);
}
