/** Finding paths by what people remember of them. */

export interface Match {
  /** It holds what was looked for as it was written; else only its letters, in order. */
  readonly whole: boolean;
  /** Places of the letters that were found, in ascending order. */
  readonly at: readonly number[];
}

/** So many letters of a word may be left out between two that were given; the start of a word may always be next. */
const SKIP = 2;

/** @param wanted in lower case, not empty */
export function fuzzy(text: string, wanted: string): Match | undefined {
  const lower = text.toLowerCase();
  const start = lower.lastIndexOf(wanted);
  if (start >= 0) return { whole: true, at: Array.from(wanted, (_, i) => start + i) };
  if (!inOrder(lower, wanted)) return undefined;
  const at = letters(lower, wanted);
  return at && { whole: false, at };
}

/** What cannot be found otherwise is dismissed at once. */
function inOrder(text: string, wanted: string): boolean {
  let from = 0;
  for (const letter of wanted) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}

function letters(text: string, wanted: string): number[] | undefined {
  const hopeless = new Set<number>();
  const find = (i: number, from: number): number[] | undefined => {
    if (i === wanted.length) return [];
    const state = i * text.length + from;
    if (hopeless.has(state)) return undefined;
    for (let at = from; at < text.length; at++) {
      if (text[at] !== wanted[i] || (at - from > SKIP && !startsWord(text, at))) continue;
      const rest = find(i + 1, at + 1);
      if (rest !== undefined) return [at, ...rest];
    }
    hopeless.add(state);
    return undefined;
  };
  // The first letter begins a word.
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== wanted[0] || !startsWord(text, at)) continue;
    const rest = find(1, at + 1);
    if (rest !== undefined) return [at, ...rest];
  }
  return undefined;
}

function startsWord(text: string, at: number): boolean {
  return at === 0 || !/[a-z0-9]/.test(text[at - 1] ?? '');
}

/** What was found by one filter among the same paths is not looked for again. */
export class Finder {
  #wanted = '';
  readonly #found = new Map<string, Match | undefined>();

  /** @param filter as it was typed; undefined where it is empty */
  matcher(filter: string): ((text: string) => Match | undefined) | undefined {
    const wanted = filter.trim().toLowerCase();
    if (wanted !== this.#wanted || this.#found.size > 100_000) this.#found.clear();
    this.#wanted = wanted;
    if (wanted === '') return undefined;
    return (text) => {
      if (!this.#found.has(text)) this.#found.set(text, fuzzy(text, wanted));
      return this.#found.get(text);
    };
  }
}
