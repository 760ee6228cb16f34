/** `cgctl thaw`: let a frozen group go on. */
import { type Frozen, planFreeze, thaw as thawGroup } from '../control/freeze.ts';
import { printable } from '../parse/printable.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { DRY_RUN, each, locked, TIMEOUT, tellPlans, timeoutOf } from './lifecycle.ts';
import { targets } from './targets.ts';
import type { Verb } from './verb.ts';

export const thaw: Verb = {
  name: 'thaw',
  aliases: ['unpause'],
  summary: 'let a frozen cgroup go on',
  about:
    'Groups below that were frozen by themselves stay so; a group below a frozen one cannot run before that one does.',
  usage: '<id...>',
  examples: ['cgctl thaw web'],
  options: () => [DRY_RUN, TIMEOUT, ...HOST_OPTIONS],
  async run(args, io, ctx) {
    const there = thereOf(args, ctx);
    if (there !== undefined) return (await import('./remote/lifecycle.ts')).thawThere(there, lineOf, args, io, ctx);
    const [host, ids] = [ctx.host(), targets(ctx, args.positional)];
    if (args.options['dry-run']) {
      const plans = ids.map((id) => planFreeze(host, ctx.registry, id, 'thawed'));
      return tellPlans(plans, args, io, ctx);
    }
    const options = { ...timeoutOf(args), signal: ctx.signal };
    const act = (id: (typeof ids)[number]) => locked(args, ctx, () => thawGroup(host, ctx.registry, id, options));
    return each(ids, act, (done) => io.out.write(lineOf(done)), args, io);
  },
};

function lineOf({ id, changed }: Frozen): string {
  return `${printable(id)}: ${changed ? 'thawed' : 'was not frozen'}\n`;
}
