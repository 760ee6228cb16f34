/** A group's name with the letters that a filter found. */
import type { LiveRow } from '../protocol/stream.ts';
import { element } from './dom.ts';

/** Containers are known by the first of their 64 digits. */
const DIGITS = /[0-9a-f]{64}/g;
const KEPT = 12;

/** A piece of a text, and where in the text that was searched it begins; -1 where it stands for what is left out. */
interface Piece {
  readonly text: string;
  readonly from: number;
}

/** The last component of a path. */
export function nameOf(id: string): readonly Piece[] {
  return shortened(id, id === '/' ? 0 : id.lastIndexOf('/') + 1, id.length);
}

/** What people call it, and the path above it where that is not seen. */
export function whoOf({ id, name }: LiveRow, flat: boolean): readonly Piece[] {
  const called = name === undefined ? [] : [{ text: name, from: id.length + 1 }];
  if (!flat || id === '/') return called;
  const gap = called.length === 0 ? [] : [{ text: ' · ', from: -1 }];
  return [...called, ...gap, ...shortened(id, 0, Math.max(1, id.lastIndexOf('/')))];
}

function shortened(id: string, start: number, end: number): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = start;
  for (const { index } of id.slice(start, end).matchAll(DIGITS)) {
    pieces.push({ text: id.slice(from, start + index + KEPT), from }, { text: '…', from: -1 });
    from = start + index + 64;
  }
  pieces.push({ text: id.slice(from, end), from });
  return pieces;
}

/** Writes pieces as text, with `mark` around the letters at those places. */
export function write(node: HTMLElement, pieces: readonly Piece[], found: readonly number[]): void {
  const text = pieces.map((piece) => piece.text).join('');
  const key = `${text} ${found.join()}`;
  if (written.get(node) === key) return;
  written.set(node, key);
  if (found.length === 0) {
    node.textContent = text;
    return;
  }
  const wanted = new Set(found);
  node.replaceChildren(
    ...pieces.flatMap(({ text, from }) =>
      runs(text, (at) => from >= 0 && wanted.has(from + at)).map(({ part, on }) =>
        on ? element('mark', {}, part) : document.createTextNode(part),
      ),
    ),
  );
}

const written = new WeakMap<HTMLElement, string>();

/** Letters that stand together and are found, or not. */
function runs(text: string, found: (at: number) => boolean): { part: string; on: boolean }[] {
  const parts: { part: string; on: boolean }[] = [];
  for (let at = 0; at < text.length; at++) {
    const on = found(at);
    const last = parts.at(-1);
    if (last?.on === on) last.part += text[at];
    else parts.push({ part: text[at] ?? '', on });
  }
  return parts;
}
