/** A line that is being typed. Pure. */
import { printable } from '../../parse/printable.ts';
import { tail, textWidth } from '../width.ts';
import type { Key } from './keys.ts';

export interface Edit {
  readonly text: string;
  /** Where the next character goes, in code points. */
  readonly at: number;
}

const LONGEST = 1024;

/** A line that is there already. */
export function typed(text: string): Edit {
  const shown = printable(text);
  return { text: shown, at: Array.from(shown).length };
}

/** As readline's keys do it; the same line for a key that has no meaning here. */
export function edit(line: Edit, key: Key): Edit {
  const characters = Array.from(line.text);
  const { at } = line;
  const without = (from: number, to: number): Edit => ({
    text: [...characters.slice(0, from), ...characters.slice(to)].join(''),
    at: from,
  });
  switch (key) {
    case 'backspace':
      return at === 0 ? line : without(at - 1, at);
    case 'delete':
    case 'ctrl-d':
      return at === characters.length ? line : without(at, at + 1);
    case 'left':
    case 'ctrl-b':
      return { ...line, at: Math.max(0, at - 1) };
    case 'right':
    case 'ctrl-f':
      return { ...line, at: Math.min(characters.length, at + 1) };
    case 'home':
    case 'ctrl-a':
      return { ...line, at: 0 };
    case 'end':
    case 'ctrl-e':
      return { ...line, at: characters.length };
    case 'ctrl-u':
      return without(0, at);
    case 'ctrl-k':
      return without(at, characters.length);
    case 'ctrl-w':
      return without(startOfWord(characters, at), at);
  }
  if (Array.from(key).length !== 1 || printable(key) !== key || characters.length >= LONGEST) return line;
  return { text: [...characters.slice(0, at), key, ...characters.slice(at)].join(''), at: at + 1 };
}

function startOfWord(characters: readonly string[], at: number): number {
  let start = at;
  while (start > 0 && characters[start - 1] === ' ') start -= 1;
  while (start > 0 && characters[start - 1] !== ' ') start -= 1;
  return start;
}

/** The part of a line that goes into so many columns, with the cursor in it. */
export function shown({ text, at }: Edit, columns: number): { readonly text: string; readonly cursor: number } {
  const characters = Array.from(text);
  const before = tail(characters.slice(0, at).join(''), columns - 1);
  return { text: before + characters.slice(at).join(''), cursor: textWidth(before) };
}
