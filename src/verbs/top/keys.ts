/** Bytes from a terminal to keys. Pure: a sequence may come in pieces. */

import { printable } from '../../parse/printable.ts';

/** A character as it is, or a name: `up`, `pagedown`, `enter`, `escape`, `ctrl-c` … */
export type Key = string;

export interface Heard {
  readonly keys: readonly Key[];
  /** What may be the beginning of a sequence: give it back with what comes next, or to {@link alone} when nothing does. */
  readonly rest: string;
}

const ESC = '\x1b';
/** No key has a longer sequence: what goes on is noise. */
const LONGEST = 32;

/** By the sequence without its ESC; xterm's in both cursor modes, the console's, rxvt's, and tmux's. */
const SEQUENCES: Readonly<Record<string, Key>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  '[H': 'home',
  '[F': 'end',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[7~': 'home',
  '[4~': 'end',
  '[8~': 'end',
  '[3~': 'delete',
  '[5~': 'pageup',
  '[6~': 'pagedown',
  OM: 'enter',
};

const CONTROLS: Readonly<Record<string, Key>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
};

/**
 * @param rest of the text before
 * @param text decoded from UTF-8
 */
export function hear(rest: string, text: string): Heard {
  const all = rest + text;
  const keys: Key[] = [];
  let at = 0;
  while (at < all.length) {
    const character = String.fromCodePoint(all.codePointAt(at) ?? 0);
    if (character !== ESC) {
      keys.push(...plainKey(character));
      at += character.length;
      continue;
    }
    const found = sequence(all.slice(at, at + LONGEST));
    if (found === undefined) return { keys, rest: all.slice(at) };
    keys.push(...found.keys);
    at += found.length;
  }
  return { keys, rest: '' };
}

/** What an unfinished sequence was, since nothing came after it: the key Esc, and maybe what was typed with it. */
export function alone(rest: string): readonly Key[] {
  return rest === '' ? [] : ['escape'];
}

/** The sequence at a text's start, undefined where it is not complete. */
function sequence(text: string): { keys: readonly Key[]; length: number } | undefined {
  const second = text[1];
  if (second === undefined) return undefined;
  // Esc, and at once the next sequence or the key itself.
  if (second === ESC) return { keys: ['escape'], length: 1 };
  if (second === 'O') return text.length < 3 ? undefined : named(text.slice(1, 3));
  if (second !== '[') return { keys: ['escape'], length: 1 };
  // The console's function keys: ESC [ [ A.
  const whole = /^\x1b\[(?:\[[\s\S]|[0-?]*[ -/]*[@-~])/.exec(text)?.[0];
  if (whole !== undefined) return named(whole.slice(1));
  const begun = /^\x1b\[\[?[0-?]*[ -/]*$/.test(text) && text.length < LONGEST;
  return begun ? undefined : { keys: [], length: 2 };
}

/** Modifiers are of no interest: Shift-Up is Up. */
function named(name: string): { keys: readonly Key[]; length: number } {
  const key = SEQUENCES[name] ?? SEQUENCES[name.replace(/^\[1;\d+(?=[A-Z]$)/, '[').replace(/;\d+(?=~$)/, '')];
  return { keys: key === undefined ? [] : [key], length: name.length + 1 };
}

function plainKey(character: string): readonly Key[] {
  const control = CONTROLS[character];
  if (control !== undefined) return [control];
  const code = character.codePointAt(0) ?? 0;
  if (code > 0 && code < 0x1b) return [`ctrl-${String.fromCharCode(code + 0x60)}`];
  return printable(character) === character ? [character] : [];
}
