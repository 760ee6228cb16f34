/** `cgctl attach`: move processes and threads into a group. */
import { attach as attachTasks, planAttach } from '../control/attach.ts';
import { printable, quoteArg } from '../parse/printable.ts';
import { DRY_RUN, locked, tellPlans } from './lifecycle.ts';
import { insist } from './mistakes.ts';
import { plural, writeJson } from './output.ts';
import { targets } from './targets.ts';
import type { Arguments, Verb } from './verb.ts';

/** Exit status where some processes were gone: as for one that is not found. */
const SOME_GONE = 3;

export const attach: Verb = {
  name: 'attach',
  summary: 'move processes into a cgroup, in every hierarchy that it is in',
  about: `Either all move or none: when the kernel refuses one, those before it go back to where they were. A process that has ended is
told and does not keep the others. Children that are started later are born where their parent is.`,
  usage: '<id> [pid...]',
  examples: ['cgctl attach web 1234', 'cgctl attach web 1234 1235 --thread 1240'],
  options: () => [
    DRY_RUN,
    { flags: '-t, --thread <tid>', help: 'a single thread (v1, and threaded groups of v2)', repeat: true },
  ],
  check: (args) => mistakesOf(args),
  async run(args, io, ctx) {
    insist(mistakesOf(args));
    const host = ctx.host();
    const [id] = targets(ctx, args.positional.slice(0, 1));
    if (id === undefined) return 0;
    const { pids, threads } = numbersOf(args);
    if (args.options['dry-run']) return tellPlans([planAttach(host, id, pids, threads)], args, io, ctx);
    const done = await locked(args, ctx, () => attachTasks(host, ctx.registry, id, pids, threads));
    if (args.options.json) writeJson(io.out, done);
    else {
      const moved = [
        ...(done.pids.length > 0 ? [plural(done.pids.length, 'process', 'processes')] : []),
        ...(done.threads.length > 0 ? [plural(done.threads.length, 'thread')] : []),
      ];
      io.out.write(`${printable(id)}: moved ${moved.join(' and ')}\n`);
      if (done.gone.length > 0) io.err.write(`gone already: ${done.gone.join(', ')}\n`);
      if (done.skipped.length > 0)
        io.err.write(`note: left out, it takes no single threads: ${done.skipped.join(', ')}\n`);
    }
    return done.gone.length > 0 ? SOME_GONE : 0;
  },
};

function mistakesOf(args: Arguments): string[] {
  const words = wordsOf(args);
  const all = [...words.pids, ...words.threads];
  const wrong = all
    .filter((text) => !/^[1-9]\d{0,9}$/.test(text))
    .map((text) => `${quoteArg(text)} is not a process or thread number`);
  return all.length === 0 ? ['nothing to move: give at least one pid, or --thread'] : wrong;
}

function numbersOf(args: Arguments): { pids: number[]; threads: number[] } {
  const { pids, threads } = wordsOf(args);
  const unique = (texts: readonly string[]) => [...new Set(texts.map(Number))];
  return { pids: unique(pids), threads: unique(threads) };
}

function wordsOf({ positional, options: { thread } }: Arguments): {
  pids: readonly string[];
  threads: readonly string[];
} {
  return { pids: positional.slice(1), threads: Array.isArray(thread) ? thread : [] };
}
