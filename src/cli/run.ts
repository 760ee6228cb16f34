/** A command line to an exit status, free of process globals: tests and `main` call it alike. */
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import type { Host } from '../hierarchy/types.ts';
import { quoteArg } from '../parse/printable.ts';
import { aliases, type LoadVerb, verbs } from '../verbs/index.ts';
import { mistaken } from '../verbs/mistakes.ts';
import { GLOBAL_OPTIONS, optionsOf, parseWords, splitAtDashes } from '../verbs/parser.ts';
import { didYouMean } from '../verbs/similar.ts';
import type { Context, Streams, Verb } from '../verbs/verb.ts';
import { report } from './report.ts';

export interface Surroundings {
  readonly env: Context['env'];
  readonly signal: AbortSignal;
  readonly who: string;
  readonly foreground?: Context['foreground'];
  readonly registry: Registry;
  version(): string;
  /** @param cgroupRoot where the hierarchies are mounted, if not where this process sees them */
  openHost(cgroupRoot: string | undefined): Host;
}

/** Exit status of a verb that was interrupted before it came to an end (128 + SIGINT). */
const INTERRUPTED = 130;

/** `serve` lives here: it stands above the service, which runs verbs. */
const allVerbs: ReadonlyMap<string, LoadVerb> = new Map([
  ...verbs,
  ['serve', async () => (await import('./serve.ts')).serve],
]);

/** Run one command line. @returns the exit status; errors are told on the error stream */
export async function run(argv: readonly string[], io: Streams, around: Surroundings): Promise<number> {
  const { name, words } = findVerb(argv);
  const [flags] = splitAtDashes(words);
  const env = flags.includes('--no-color') ? { ...around.env, NO_COLOR: '1' } : around.env;
  try {
    return await dispatch(name, words, io, { ...around, env });
  } catch (error) {
    if (around.signal.aborted && isAbort(error)) return INTERRUPTED;
    const help = name === undefined || !allVerbs.has(name) ? 'cgctl --help' : `cgctl ${name} --help`;
    return report(error, io, { json: flags.includes('--json'), env, help });
  }
}

async function dispatch(
  name: string | undefined,
  words: readonly string[],
  io: Streams,
  around: Surroundings,
): Promise<number> {
  if (name === undefined) return withoutVerb(words, io, around);
  const load = allVerbs.get(name);
  if (load === undefined) {
    const known = [...allVerbs.keys(), ...aliases.keys()];
    throw mistaken([`there is no verb ${quoteArg(name)}${didYouMean(name, known)}`]);
  }
  const verb = await load();
  const { registry } = around;
  const { args, mistakes } = parseWords(verb, registry, words);
  if (args.options.help) {
    const { verbHelp } = await import('./help.ts');
    io.out.write(verbHelp(verb, registry, io.out.columns));
    return 0;
  }
  if (args.options.version) return printVersion(io, around);
  const context = contextOf(around, args.options['cgroup-root']);
  if (around.env.CGCTL_HOST && !ANYWHERE.has(name) && !heedsHost(verb, registry))
    throw mistaken([`${name} works on this machine alone: unset CGCTL_HOST`]);
  if (mistakes.length > 0) throw mistaken([...mistakes, ...(verb.check?.(args, context) ?? [])]);
  return await verb.run(args, io, context);
}

/** Verbs that have to do with no machine's groups, or with those of both. */
const ANYWHERE: ReadonlySet<string> = new Set(['explain', 'serve', 'compare-cadvisor']);

/** Whoever means another machine is not to change this one. */
function heedsHost(verb: Verb, registry: Registry): boolean {
  return optionsOf(verb, registry).some(({ flags }) => flags.startsWith('--host '));
}

function contextOf({ env, signal, who, foreground, registry, openHost }: Surroundings, root: unknown): Context {
  const cgroupRoot = typeof root === 'string' ? root : env.CGCTL_CGROUP_ROOT || undefined;
  let host: Host | undefined;
  return {
    env,
    signal,
    who,
    foreground,
    registry,
    host() {
      host ??= openHost(cgroupRoot);
      return host;
    },
  };
}

async function withoutVerb(words: readonly string[], io: Streams, around: Surroundings): Promise<number> {
  if (words.includes('--version') || words.includes('-V')) return printVersion(io, around);
  const asked = words.length === 0 || words.includes('--help') || words.includes('-h');
  if (!asked) throw mistaken(['there is no verb']);
  const { mainHelp } = await import('./help.ts');
  io.out.write(mainHelp(await loadAll()));
  return 0;
}

function printVersion(io: Streams, { version }: Surroundings): number {
  io.out.write(`cgctl ${version()}\n`);
  return 0;
}

function loadAll(): Promise<Verb[]> {
  return Promise.all([...allVerbs.values()].map((load) => load()));
}

/** The verb and the words before and after it: global flags may stand on either side. */
function findVerb(argv: readonly string[]): { name: string | undefined; words: readonly string[] } {
  const takesValue = new Set(
    GLOBAL_OPTIONS.filter(({ flags }) => flags.includes('<')).map(({ flags }) => flags.split(' ')[0]),
  );
  let at = 0;
  while (argv[at]?.startsWith('-')) at += takesValue.has(argv[at]) ? 2 : 1;
  const name = argv[at];
  if (name === undefined) return { name, words: argv };
  const words = [...argv.slice(0, at), ...argv.slice(at + 1)];
  if (name === 'help') return findVerb([...words, '--help']);
  const [verb, ...standing] = aliases.get(name) ?? [name];
  return { name: verb, words: [...standing, ...words] };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError' && !(error instanceof CgError);
}
