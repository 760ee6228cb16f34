/**
 * Words to a verb's arguments. Commander prints the help; to load it for every command line would cost a third of what cgctl may
 * cost as a whole, and it stops at the first mistake.
 */
import type { Registry } from '../controllers/registry.ts';
import { quoteArg } from '../parse/printable.ts';
import { didYouMean } from './similar.ts';
import type { Arguments, OptionSpec, OptionValue, Verb } from './verb.ts';

/** Understood by every verb, before its name and after. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--cgroup-root <dir>',
    help: 'where the host’s cgroups are mounted, as seen from a container (CGCTL_CGROUP_ROOT)',
  },
  { flags: '--lock-timeout <duration>', help: 'how long to wait for another change to finish, as 500ms or 10s' },
  { flags: '--json', help: 'print for programs, errors too' },
  { flags: '--no-color', help: 'no colours (as NO_COLOR)' },
  { flags: '-h, --help', help: 'what the verb does, with examples' },
  { flags: '-V, --version', help: 'the version of cgctl' },
].map((option) => ({ ...option, group: 'Options of every verb:' }));

export interface Parsed {
  readonly args: Arguments;
  /** What is wrong with the words; the values are the verb's. */
  readonly mistakes: readonly string[];
}

/** How a flag is given. */
interface Flag {
  readonly name: string;
  readonly value: 'none' | 'needed' | 'optional';
  readonly repeat: boolean;
}

/** All options of a verb, its own ones first. */
export const optionsOf = (verb: Verb, registry: Registry): readonly OptionSpec[] => [
  ...verb.options(registry),
  ...GLOBAL_OPTIONS,
];

/** One of them, by `-m` or by `--memory`. Few flags are given of many: an index would cost more than looking. */
function findOption(verb: Verb, registry: Registry, name: string): OptionSpec | undefined {
  const isIt = ({ flags }: OptionSpec) => flags.includes(name) && namesOf(flags).includes(name);
  const everywhere = GLOBAL_OPTIONS.find(isIt);
  if (everywhere !== undefined) return everywhere;
  for (const spec of verb.options(registry)) if (isIt(spec)) return spec;
  return undefined;
}

/** A usage's words for what stands before `--` (`<id> [pid...]`), and for what comes after. */
function operandsOf({ usage }: Verb): { operands: string[]; rest: string | undefined } {
  const [before = '', rest] = usage.split(/(?:^| )-- /);
  return { operands: before.split(' ').filter(Boolean), rest };
}

/**
 * Words after the verb to arguments. A flag's value may begin with `-`; `--` ends the flags. A flag whose value may be left
 * out takes one only by `--flag=value`, so that it does not swallow an id.
 */
export function parseWords(verb: Verb, registry: Registry, words: readonly string[]): Parsed {
  const [before, after] = splitAtDashes(words);
  const { operands, rest } = operandsOf(verb);
  const flagOf = (name: string): Flag | undefined => {
    const spec = findOption(verb, registry, name);
    return spec && howGiven(spec);
  };
  const options: Record<string, OptionValue> = {};
  const positional: string[] = [];
  const mistakes: string[] = [];

  const give = ({ name, repeat }: Flag, value: string | true): void => {
    const earlier = options[name];
    options[name] = repeat && value !== true ? [...(Array.isArray(earlier) ? earlier : []), value] : value;
  };
  const unknown = (word: string): void => {
    const known = optionsOf(verb, registry).flatMap(({ flags }) => namesOf(flags));
    mistakes.push(`there is no flag ${quoteArg(word)}${didYouMean(word, known)}`);
  };
  const todo = [...before];
  const next = (word: string): string | undefined => {
    if (todo.length === 0) mistakes.push(`${word} needs a value`);
    return todo.shift();
  };
  const long = (word: string): void => {
    const [name = '', given] = split(word, word.indexOf('='));
    const flag = flagOf(name);
    if (flag === undefined) unknown(name);
    else if (flag.value === 'none') {
      if (given === undefined) give(flag, true);
      else mistakes.push(`${name} takes no value`);
    } else {
      const value = given ?? (flag.value === 'optional' ? 'true' : next(name));
      if (value !== undefined) give(flag, value);
    }
  };
  /** Short flags may stand together, the last one with its value: `-rm256m`. */
  const short = (word: string): void => {
    for (let at = 1; at < word.length; at++) {
      const name = `-${word[at]}`;
      const flag = flagOf(name);
      if (flag === undefined) {
        unknown(at === 1 ? word : name);
        return;
      }
      if (flag.value === 'needed') {
        const value = word.slice(at + 1) || next(name);
        if (value !== undefined) give(flag, value);
        return;
      }
      give(flag, flag.value === 'none' ? true : 'true');
    }
  };
  for (let word = todo.shift(); word !== undefined; word = todo.shift()) {
    if (word.startsWith('--')) long(word);
    else if (word.length > 1 && word.startsWith('-')) short(word);
    else positional.push(word);
  }
  if (rest === undefined) positional.push(...after);
  const args = { positional, options, rest: rest === undefined ? [] : after };
  if (rest?.startsWith('<') && after.length === 0) mistakes.push(`${rest} is missing after --`);
  return { args, mistakes: [...mistakes, ...countMistakes(operands, positional)] };
}

/** What stands before the first `--`, and what after it. */
export function splitAtDashes(words: readonly string[]): [before: readonly string[], after: readonly string[]] {
  const end = words.indexOf('--');
  return end < 0 ? [words, []] : [words.slice(0, end), words.slice(end + 1)];
}

function howGiven({ flags, repeat = false }: OptionSpec): Flag {
  const value = flags.endsWith('>') ? 'needed' : flags.endsWith(']') ? 'optional' : 'none';
  return { name: namesOf(flags).at(-1)?.slice(2) ?? '', value, repeat };
}

/** `-m` and `--memory`, from `-m, --memory <size>`. */
const namesOf = (flags: string): string[] => flags.split(/,? /).filter((word) => word.startsWith('-'));

function countMistakes(operands: readonly string[], given: readonly string[]): string[] {
  const missing = operands.slice(given.length).filter((operand) => operand.startsWith('<'));
  const extra = operands.at(-1)?.includes('...') ? [] : given.slice(operands.length);
  return [
    ...missing.map((operand) => `${operand.replace('...', '')} is missing`),
    ...(extra.length > 0 ? [`too many arguments: ${extra.map(quoteArg).join(' ')}`] : []),
  ];
}

/** The text before a place, and after it; all of it where there is no such place. */
function split(text: string, at: number): [before: string, after?: string] {
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
