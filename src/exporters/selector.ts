/** Series selectors as PromQL writes them (`match[]` of Prometheus' federation): `name{label="value",other=~"a|b"}`. */
import { CgError } from '../errors.ts';
import { type Matches, regex } from '../parse/pattern.ts';
import { excerpt } from '../parse/printable.ts';
import type { Labels } from './parts.ts';

interface Matcher {
  readonly label: string;
  /** A label that is not there is empty. */
  readonly holds: Matches;
}

/** What a selector asks of the name, and of the labels. */
export interface Selector {
  readonly name: Matches;
  readonly labels: readonly Matcher[];
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')\s*(,|(?=\}))/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** @throws CgError USAGE */
export function parseSelector(text: string): Selector {
  const trimmed = text.trim();
  NAME.lastIndex = 0;
  const [name = ''] = NAME.exec(trimmed) ?? [];
  const rest = trimmed.slice(name.length).trim();
  const matchers = rest === '' ? [] : matchersOf(rest, text);
  if (name === '' && matchers.length === 0) throw wrong(text);
  const names = matchers.filter(({ label }) => label === '__name__').map(({ holds }) => holds);
  return {
    name: (given) => (name === '' || given === name) && names.every((holds) => holds(given)),
    labels: matchers.filter(({ label }) => label !== '__name__'),
  };
}

function matchersOf(braces: string, text: string): Matcher[] {
  if (!braces.startsWith('{') || !braces.endsWith('}')) throw wrong(text);
  const found: Matcher[] = [];
  LABEL.lastIndex = 1;
  while (braces.slice(LABEL.lastIndex).trim() !== '}') {
    const [, label = '', operator = '', quoted = ''] = LABEL.exec(braces) ?? [];
    if (label === '') throw wrong(text);
    found.push({ label, holds: matcher(operator, unquote(quoted)) });
  }
  return found;
}

function matcher(operator: string, value: string): Matches {
  if (operator === '=') return (given) => given === value;
  if (operator === '!=') return (given) => given !== value;
  const matches = regex(value);
  return operator === '=~' ? matches : (given) => !matches(given);
}

const unquote = (quoted: string): string =>
  quoted
    .slice(1, -1)
    .replace(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? (/["'\\]/.test(char) ? char : `\\${char}`));

function wrong(text: string): CgError {
  return new CgError('USAGE', `${excerpt(text)} is no series selector: write name{label="value"}, with = != =~ or !~`);
}

/** Whether labels, given in several parts, are as asked. */
export function selects(selector: Selector, ...parts: readonly Labels[]): boolean {
  return selector.labels.every(({ label, holds }) => holds(parts.find((part) => label in part)?.[label] ?? ''));
}
