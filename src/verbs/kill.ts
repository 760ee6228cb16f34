/** `cgctl kill`: signal every process of a group. */
import { type Killed, kill as killGroup, parseSignal, planKill } from '../control/kill.ts';
import { CgError } from '../errors.ts';
import { printable } from '../parse/printable.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { DRY_RUN, each, TIMEOUT, tellPlans, timeoutOf } from './lifecycle.ts';
import { plural } from './output.ts';
import { targets } from './targets.ts';
import type { Arguments, Verb } from './verb.ts';

export const kill: Verb = {
  name: 'kill',
  summary: 'kill every process of a cgroup and of those below it, or send them another signal',
  about: `The processes are those that any hierarchy has in the group. KILL is final: no fork escapes it, a frozen group is thawed so that
it can die, and cgctl waits until it is empty; it does so at once, whoever holds the lock of changes. Any other signal is sent once to each process and not waited for.`,
  usage: '<id...>',
  examples: ['cgctl kill web', 'cgctl kill web --signal TERM', 'cgctl kill web --no-recursive'],
  options: () => [
    DRY_RUN,
    { flags: '-s, --signal <name>', help: 'KILL, TERM, HUP, USR1 … or a number (default KILL)' },
    { flags: '--no-recursive', help: 'spare the groups below' },
    { flags: '--force', help: 'also where cgctl itself is inside' },
    TIMEOUT,
    ...HOST_OPTIONS,
  ],
  check: (args) => mistakesOf(args),
  async run(args, io, ctx) {
    const there = thereOf(args, ctx);
    if (there !== undefined) return (await import('./remote/lifecycle.ts')).killThere(there, lineOf, args, io, ctx);
    const [host, ids] = [ctx.host(), targets(ctx, args.positional)];
    const { signal, force } = args.options;
    const options = {
      signal: parseSignal(typeof signal === 'string' ? signal : 'KILL'),
      recursive: !args.options['no-recursive'],
      force: force === true,
      ...timeoutOf(args),
      abort: ctx.signal,
    };
    if (args.options['dry-run']) {
      const plans = ids.map((id) => planKill(host, ctx.registry, id, options));
      return tellPlans(plans, args, io, ctx);
    }
    const act = (id: (typeof ids)[number]) => killGroup(host, ctx.registry, id, options);
    return each(ids, act, (done) => io.out.write(lineOf(done)), args, io);
  },
};

function mistakesOf({ options: { signal } }: Arguments): string[] {
  try {
    if (typeof signal === 'string') parseSignal(signal);
    return [];
  } catch (error) {
    if (error instanceof CgError) return [`--signal: ${error.message}`];
    throw error;
  }
}

function lineOf({ id, signal, pids, pending }: Killed): string {
  const wait = pending ? '; the group is frozen: it acts when it is thawed' : '';
  const whom = plural(pids.length, 'process', 'processes');
  return `${printable(id)}: ${signal === 'SIGKILL' ? `killed ${whom}` : `sent ${signal} to ${whom}`}${wait}\n`;
}
