/**
 * Patterns that come from outside: globs over cgroup paths, and the regular expressions of PromQL's selectors. They are turned into
 * automata, so that a text is matched in time that grows with its length, whatever the pattern: JavaScript's own backtrack.
 */
import { CgError } from '../errors.ts';
import { excerpt } from './printable.ts';

/** Whether the whole text matches. */
export type Matches = (text: string) => boolean;

/** Characters, as pairs of first and last code unit. */
type Ranges = readonly (readonly [first: number, last: number])[];
type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'one'; readonly of: Ranges }
  | { readonly kind: 'all' | 'any'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number };

const MAX_CODE = 0xffff;
const LONGEST = 1000;
/** A repetition is written out, and repetitions of repetitions multiply. */
const MOST_STATES = 5_000;
const MOST_STEPS = 50_000;
/** Sets of states that are remembered before all are forgotten. */
const MOST_SETS = 500;

const EMPTY: Node = { kind: 'empty' };
const ANY: Ranges = [[0, MAX_CODE]];

/** Whether {@link glob} takes it. */
export function isGlob(pattern: string): boolean {
  return /^[/*]/.test(pattern) && pattern.length <= LONGEST;
}

/**
 * A glob over cgroup paths: `?` and `*` are characters other than a slash, `**` any; `\` takes a character as it is. A pattern that ends
 * in a slash and `**` matches the group above as well.
 * @throws CgError USAGE
 */
export function glob(pattern: string): Matches {
  if (!isGlob(pattern))
    throw new CgError(
      'USAGE',
      `${excerpt(pattern)} is no pattern of paths: begin with / or *, and use at most ${LONGEST} characters`,
    );
  const below = pattern.endsWith('/**');
  const nodes = globNodes(below ? pattern.slice(0, -3) : pattern);
  const rest: Node = { kind: 'repeat', min: 0, max: 1, node: all(one('/'), many({ kind: 'one', of: ANY })) };
  // "/**" is every group, the root too.
  if (pattern === '/**') return () => true;
  return automaton(pattern, below ? all(...nodes, rest) : all(...nodes));
}

function globNodes(pattern: string): Node[] {
  const inName: Ranges = invert([[code('/'), code('/')]]);
  const nodes: Node[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '?') nodes.push({ kind: 'one', of: inName });
    else if (char === '*' && pattern.charAt(at + 1) === '*') {
      at++;
      nodes.push(many({ kind: 'one', of: ANY }));
    } else if (char === '*') nodes.push(many({ kind: 'one', of: inName }));
    else if (char === '\\' && at + 1 < pattern.length) nodes.push(one(pattern.charAt(++at)));
    else nodes.push(one(char));
  }
  return nodes;
}

/**
 * A regular expression as PromQL's matchers take it, anchored at both ends: RE2's without flags, word boundaries and Unicode classes.
 * @throws CgError USAGE
 */
export function regex(pattern: string): Matches {
  if (pattern.length > LONGEST) throw tooLarge(pattern);
  return automaton(pattern, new RegexParser(pattern).parse());
}

const SHORTHANDS: Readonly<Record<string, Ranges>> = {
  d: [[48, 57]],
  w: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  s: [
    [9, 10],
    [12, 13],
    [32, 32],
  ],
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };
const MOST_REPEATS = 1000;

class RegexParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Node {
    if (this.#text.charAt(0) === '^') this.#at++;
    const node = this.#alternatives();
    if (this.#at < this.#text.length) throw this.#wrong('it has a ) too many');
    return node;
  }

  #alternatives(): Node {
    const nodes = [this.#sequence()];
    while (this.#take('|')) nodes.push(this.#sequence());
    return nodes.length === 1 ? (nodes[0] ?? EMPTY) : { kind: 'any', nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      const char = this.#text.charAt(this.#at);
      if (char === '' || char === '|' || char === ')') return all(...nodes);
      // Both ends are anchored anyway.
      if (char === '$' && this.#at === this.#text.length - 1) this.#at++;
      else nodes.push(this.#repeated(this.#atom()));
    }
  }

  #repeated(node: Node): Node {
    let repeated = node;
    for (;;) {
      const bounds = this.#bounds();
      if (bounds === undefined) return repeated;
      // Lazy or greedy: what matches is the same.
      this.#take('?');
      repeated = { kind: 'repeat', node: repeated, ...bounds };
    }
  }

  #bounds(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { min: 0, max: 1 };
    const [whole, low, comma, high] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(this.#text.slice(this.#at)) ?? [];
    if (whole === undefined) return undefined;
    const min = Number(low);
    const max = comma === '' ? min : high === '' ? Number.POSITIVE_INFINITY : Number(high);
    if (min > max || min > MOST_REPEATS || (max > MOST_REPEATS && Number.isFinite(max)))
      throw this.#wrong(`${whole} is no count`);
    this.#at += whole.length;
    return { min, max };
  }

  #atom(): Node {
    if (this.#take('(')) {
      if (this.#take('?') && !this.#take(':')) throw this.#wrong('of the groups with (? it may have (?: only');
      const node = this.#alternatives();
      if (!this.#take(')')) throw this.#wrong('it lacks a )');
      return node;
    }
    if (this.#take('[')) return { kind: 'one', of: this.#class() };
    if (this.#take('.')) return { kind: 'one', of: invert([[10, 10]]) };
    if (this.#take('\\')) return { kind: 'one', of: this.#escape() };
    const char = this.#text.charAt(this.#at++);
    if ('*+?{^$'.includes(char)) throw this.#wrong(`"${char}" stands where there is nothing for it to be about`);
    return one(char);
  }

  #escape(): Ranges {
    const char = this.#text.charAt(this.#at++);
    const shorthand = SHORTHANDS[char.toLowerCase()];
    if (shorthand !== undefined) return char === char.toLowerCase() ? shorthand : invert(shorthand);
    if (char === '') throw this.#wrong('it ends in \\');
    const meant = CONTROLS[char] ?? char;
    if (meant === char && /[A-Za-z0-9]/.test(char)) throw this.#wrong(`\\${char} is not known here`);
    return [[code(meant), code(meant)]];
  }

  #class(): Ranges {
    const inverted = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; first || this.#text.charAt(this.#at) !== ']'; first = false) {
      const low = this.#member();
      const [only] = low;
      const from = low.length === 1 && only?.[0] === only?.[1] ? only?.[0] : undefined;
      const next = this.#text.charAt(this.#at + 1);
      if (from === undefined || this.#text.charAt(this.#at) !== '-' || next === ']' || next === '') {
        ranges.push(...low);
        continue;
      }
      this.#at++;
      const [to] = this.#member();
      if (to === undefined || to[0] !== to[1] || to[0] < from) throw this.#wrong('it has a range that is none');
      ranges.push([from, to[0]]);
    }
    this.#at++;
    return inverted ? invert(ranges) : ranges;
  }

  #member(): Ranges {
    if (this.#take('\\')) return this.#escape();
    const char = this.#text.charAt(this.#at++);
    if (char === '') throw this.#wrong('it lacks a ]');
    return [[code(char), code(char)]];
  }

  #take(char: string): boolean {
    if (this.#text.charAt(this.#at) !== char) return false;
    this.#at++;
    return true;
  }

  #wrong(why: string): CgError {
    return new CgError('USAGE', `the regular expression ${excerpt(this.#text)} is not understood: ${why}`);
  }
}

const code = (char: string): number => char.charCodeAt(0);
const one = (char: string): Node => ({ kind: 'one', of: [[code(char), code(char)]] });
const all = (...nodes: readonly Node[]): Node => ({ kind: 'all', nodes });
const many = (node: Node): Node => ({ kind: 'repeat', node, min: 0, max: Number.POSITIVE_INFINITY });

/** All other characters. */
function invert(ranges: Ranges): Ranges {
  const others: (readonly [number, number])[] = [];
  let from = 0;
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    if (first > from) others.push([from, first - 1]);
    from = Math.max(from, last + 1);
  }
  if (from <= MAX_CODE) others.push([from, MAX_CODE]);
  return others;
}

function tooLarge(pattern: string): CgError {
  return new CgError('USAGE', `the pattern ${excerpt(pattern)} is too large`);
}

/** A state goes on with a character of its own, or without one. */
interface State {
  readonly of?: Ranges;
  readonly to: number[];
}

/** Thompson's construction: a state for each character of the pattern, and some between them. */
function automaton(pattern: string, root: Node): Matches {
  const states: State[] = [];
  let steps = 0;
  const add = (state: State): number => states.push(state) - 1;
  /** Builds backwards: what the node leads to is there already. @returns where the node begins */
  const build = (node: Node, next: number): number => {
    if (states.length > MOST_STATES || ++steps > MOST_STEPS) throw tooLarge(pattern);
    switch (node.kind) {
      case 'empty':
        return next;
      case 'one':
        return add({ of: node.of, to: [next] });
      case 'all':
        return node.nodes.reduceRight((to, inner) => build(inner, to), next);
      case 'any':
        return add({ to: node.nodes.map((inner) => build(inner, next)) });
      case 'repeat':
        return repeat(node, next);
    }
  };
  const repeat = ({ node, min, max }: Node & { readonly kind: 'repeat' }, next: number): number => {
    let start = next;
    if (max === Number.POSITIVE_INFINITY) {
      start = add({ to: [next] });
      states[start]?.to.push(build(node, start));
    } else {
      for (let n = min; n < max; n++) start = add({ to: [build(node, start), next] });
    }
    for (let n = 0; n < min; n++) start = build(node, start);
    return start;
  };
  const end = add({ to: [] });
  const start = build(root, end);
  return new Walker(states, start, end).matches;
}

/** States that may be reached together, and where each character leads. */
interface StateSet {
  readonly states: readonly number[];
  readonly accepts: boolean;
  readonly next: Map<number, StateSet>;
}

/** Sets of states are found as texts need them, and remembered. */
class Walker {
  readonly #states: readonly State[];
  readonly #start: number;
  readonly #end: number;
  readonly #sets = new Map<string, StateSet>();
  #first: StateSet;

  constructor(states: readonly State[], start: number, end: number) {
    this.#states = states;
    this.#start = start;
    this.#end = end;
    this.#first = this.#closure([start]);
  }

  matches: Matches = (text) => {
    if (this.#sets.size > MOST_SETS) {
      this.#sets.clear();
      this.#first = this.#closure([this.#start]);
    }
    let set = this.#first;
    for (let at = 0; at < text.length && set.states.length > 0; at++) {
      const char = text.charCodeAt(at);
      let next = set.next.get(char);
      if (next === undefined) {
        next = this.#step(set, char);
        set.next.set(char, next);
      }
      set = next;
    }
    return set.accepts;
  };

  #step({ states }: StateSet, char: number): StateSet {
    return this.#closure(
      states.flatMap((at) => {
        const state = this.#states[at];
        return state?.of?.some(([first, last]) => char >= first && char <= last) ? state.to : [];
      }),
    );
  }

  /** With what is reached without a character. */
  #closure(from: readonly number[]): StateSet {
    const reached = new Set<number>();
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (reached.has(at)) continue;
      reached.add(at);
      const state = this.#states[at];
      if (state !== undefined && state.of === undefined) open.push(...state.to);
    }
    const states = [...reached]
      .filter((at) => at === this.#end || this.#states[at]?.of !== undefined)
      .sort((a, b) => a - b);
    const key = states.join();
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = { states, accepts: reached.has(this.#end), next: new Map() };
      this.#sets.set(key, set);
    }
    return set;
  }
}
