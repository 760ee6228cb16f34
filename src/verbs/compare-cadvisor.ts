/** `cgctl compare-cadvisor`: what a saved exposition of cAdvisor's says, beside what the service says of the same host. */
import { readFileSync } from 'node:fs';
import { CgError, errnoOf } from '../errors.ts';
import { type ExposedSample, parseExposition } from '../parse/exposition.ts';
import { printable } from '../parse/printable.ts';
import { style, table, writeJson } from './output.ts';
import type { Arguments, Context, Streams, Verb } from './verb.ts';

const DEFAULT_URL = 'http://127.0.0.1:9753/metrics/cadvisor';
const DEFAULT_TOLERANCE = 0.05;
const TIMEOUT_MS = 60_000;
/** Label sets that are listed of each name. */
const EXAMPLES = 3;

/** Labels that say who somebody is and not what was measured: a container's name, image and own labels, the machine's ids. */
const IDENTITY = /^(?:name|image|container|namespace|pod|boot_id|machine_id|system_uuid|container_(?:label|env)_.*)$/;
/** What cAdvisor says of groups and of the machine; the rest is about its own process. */
const CADVISORS = /^(?:container|machine)_|^cadvisor_version_info$/;

export interface Difference {
  readonly labels: string;
  readonly theirs: number;
  readonly ours: number;
}

/** A name that both have; the lists hold label sets as they are written. */
export interface NameComparison {
  readonly name: string;
  readonly same: number;
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly different: readonly Difference[];
}

export interface Comparison {
  readonly names: readonly NameComparison[];
  /** Names that only the other has, and that only we have. */
  readonly missing: readonly string[];
  readonly extra: readonly string[];
}

export const compareCadvisor: Verb = {
  name: 'compare-cadvisor',
  summary: 'show where a saved exposition of cAdvisor’s differs from what "cgctl serve" exports',
  about: `The file is what cAdvisor or a kubelet answered on this host (curl http://…/metrics, /metrics/cadvisor), saved a moment ago. Names
and label sets are told that are the same, missing here, only here, or whose values differ by more than the tolerance: counters have
gone on since then. Labels of identity (name, image, pod, machine ids, a container's own) are left out of it.`,
  usage: '<file>',
  examples: [
    'cgctl compare-cadvisor cadvisor.prom',
    'cgctl compare-cadvisor cadvisor.prom --tolerance 0.2 --json',
    'cgctl compare-cadvisor cadvisor.prom --ours cgctl.prom',
  ],
  options: () => [
    { flags: '--url <url>', help: `where the service exports cAdvisor's names; else ${DEFAULT_URL}` },
    { flags: '--token-file <path>', help: 'file with the read token, where the service wants one' },
    { flags: '--ours <file>', help: 'what the service answered, saved: it is not asked then' },
    { flags: '--tolerance <ratio>', help: `how far values may be apart; else ${DEFAULT_TOLERANCE}` },
    { flags: '--all', help: 'list every label set, not only a few of each name' },
  ],
  check: (args) => mistakesIn(args),
  async run(args, io, ctx) {
    const mistakes = mistakesIn(args);
    if (mistakes.length > 0) throw new CgError('USAGE', mistakes.join('\n'), { mistakes });
    const [file = ''] = args.positional;
    const theirs = parseExposition(read(file));
    const { ours: saved, tolerance = String(DEFAULT_TOLERANCE) } = args.options;
    const ours = parseExposition(typeof saved === 'string' ? read(saved) : await ask(args, ctx));
    const comparison = compare(theirs, ours, Number(tolerance));
    if (args.options.json) writeJson(io.out, comparison);
    else tell(comparison, args, io, ctx);
    const { names, missing } = comparison;
    return missing.length === 0 && names.every(isSame) ? 0 : 1;
  },
};

function mistakesIn({ positional, options: { tolerance } }: Arguments): string[] {
  return [
    ...(positional.length === 1 ? [] : ['give one file: an exposition of cAdvisor’s']),
    ...(tolerance === undefined || Number(tolerance) >= 0 ? [] : [`--tolerance ${tolerance}: not a ratio, as 0.05`]),
  ];
}

/**
 * @param theirs samples of cAdvisor's; those about its own process are passed over
 * @param tolerance values that are apart by this part of the larger one are the same
 */
export function compare(
  theirs: readonly ExposedSample[],
  ours: readonly ExposedSample[],
  tolerance: number,
): Comparison {
  const [other, own] = [byName(theirs), byName(ours)];
  return {
    names: [...other].flatMap(([name, sets]) => {
      const here = own.get(name);
      return here === undefined ? [] : [compareName(name, sets, here, tolerance)];
    }),
    missing: [...other.keys()].filter((name) => !own.has(name)),
    extra: [...own.keys()].filter((name) => !other.has(name)),
  };
}

type Sets = ReadonlyMap<string, number>;

/** By name, values by label set; names in order. */
function byName(samples: readonly ExposedSample[]): ReadonlyMap<string, Sets> {
  const names = new Map<string, Map<string, number>>();
  for (const { name, labels, value } of samples) {
    if (!CADVISORS.test(name)) continue;
    const sets = names.get(name) ?? new Map<string, number>();
    names.set(name, sets);
    const told = [...labels].filter(([label, text]) => !IDENTITY.test(label) && text !== '').sort();
    sets.set(`{${told.map(([label, text]) => `${label}=${JSON.stringify(text)}`).join(',')}}`, value);
  }
  return new Map([...names].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function compareName(name: string, theirs: Sets, ours: Sets, tolerance: number): NameComparison {
  const both = [...theirs].flatMap(([labels, value]): Difference[] => {
    const own = ours.get(labels);
    return own === undefined ? [] : [{ labels, theirs: value, ours: own }];
  });
  const different = both.filter((pair) => !isClose(pair.theirs, pair.ours, tolerance));
  return {
    name,
    same: both.length - different.length,
    missing: [...theirs.keys()].filter((labels) => !ours.has(labels)),
    extra: [...ours.keys()].filter((labels) => !theirs.has(labels)),
    different,
  };
}

function isClose(a: number, b: number, tolerance: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}

const isSame = ({ missing, different }: NameComparison): boolean => missing.length + different.length === 0;

function tell({ names, missing, extra }: Comparison, { options }: Arguments, { out }: Streams, { env }: Context): void {
  const { bold, dim } = style(out, env);
  const columns = ['NAME', 'SAME', 'MISSING', 'ONLY HERE', 'DIFFERENT'].map((title, at) => ({ title, right: at > 0 }));
  const counts = names.map((one) => [one.same, one.missing.length, one.extra.length, one.different.length].map(String));
  out.write(
    table(
      columns,
      names.map(({ name }, at) => [name, ...(counts[at] ?? [])]),
      bold,
    ),
  );
  const most = options.all ? Number.POSITIVE_INFINITY : EXAMPLES;
  const list = (title: string, lines: readonly string[]) => {
    if (lines.length === 0) return;
    out.write(`\n${bold(title)}\n`);
    for (const line of lines.slice(0, most)) out.write(`  ${printable(line)}\n`);
    if (lines.length > most) out.write(dim(`  and ${lines.length - most} more (--all)\n`));
  };
  for (const one of names) {
    list(`${one.name}: missing here`, one.missing);
    list(
      `${one.name}: different`,
      one.different.map(({ labels, theirs, ours }) => `${labels} ${theirs}, here ${ours}`),
    );
    if (options.all) list(`${one.name}: only here`, one.extra);
  }
  const whole = (title: string, all: readonly string[]) => {
    if (all.length > 0) out.write(`\n${bold(title)}\n${all.map((name) => `  ${name}\n`).join('')}`);
  };
  whole('Names that are missing here', missing);
  whole('Names that are only here', extra);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CgError('USAGE', `${printable(file)} cannot be read: ${errnoOf(error) ?? String(error)}`, { file });
  }
}

async function ask({ options }: Arguments, { signal }: Context): Promise<string> {
  const url = typeof options.url === 'string' ? options.url : DEFAULT_URL;
  const file = options['token-file'];
  const token = typeof file === 'string' ? read(file).trim() : undefined;
  const headers = {
    accept: 'text/plain;version=0.0.4',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const waiting = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const answer = await fetch(url, { headers, signal: waiting });
    if (answer.ok) return await answer.text();
    throw new CgError('UNREACHABLE', `${url} answers ${answer.status} ${answer.statusText}`, { url });
  } catch (error) {
    if (error instanceof CgError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new CgError(
      'UNREACHABLE',
      `${url} cannot be asked: ${errnoOf(cause) ?? String(cause)}; is "cgctl serve" running?`,
      { url },
    );
  }
}
