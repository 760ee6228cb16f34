/** `cgctl freeze`: stop every process of a group where it stands. */
import { type Frozen, freeze as freezeGroup, planFreeze } from '../control/freeze.ts';
import { printable } from '../parse/printable.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { DRY_RUN, each, locked, TIMEOUT, tellPlans, timeoutOf } from './lifecycle.ts';
import { plural } from './output.ts';
import { targets } from './targets.ts';
import type { Verb } from './verb.ts';

export const freeze: Verb = {
  name: 'freeze',
  aliases: ['pause'],
  summary: 'stop every process of a cgroup and of those below it where it stands',
  about: `Returns when all stand still. Where some do not freeze in time (they sleep uninterruptibly in the kernel), they are named and
the group is thawed again.`,
  usage: '<id...>',
  examples: ['cgctl freeze web', 'cgctl freeze web --timeout 30s'],
  options: () => [DRY_RUN, TIMEOUT, ...HOST_OPTIONS],
  async run(args, io, ctx) {
    const there = thereOf(args, ctx);
    if (there !== undefined)
      return (await import('./remote/lifecycle.ts')).freezeThere(there, frozenLine, args, io, ctx);
    const [host, ids] = [ctx.host(), targets(ctx, args.positional)];
    if (args.options['dry-run']) {
      const plans = ids.map((id) => planFreeze(host, ctx.registry, id, 'frozen'));
      return tellPlans(plans, args, io, ctx);
    }
    const options = { ...timeoutOf(args), signal: ctx.signal };
    const act = (id: (typeof ids)[number]) => locked(args, ctx, () => freezeGroup(host, ctx.registry, id, options));
    return each(ids, act, (done) => io.out.write(frozenLine(done)), args, io);
  },
};

/** What is told of it. */
function frozenLine({ id, changed, frozenAbove, untouched }: Frozen): string {
  const above = frozenAbove === undefined ? '' : `; ${printable(frozenAbove)} above it is frozen too`;
  const others =
    untouched.length > 0 ? `; ${plural(untouched.length, 'process', 'processes')} outside of any freezer run on` : '';
  return `${printable(id)}: ${changed ? 'frozen' : 'was frozen already'}${above}${others}\n`;
}
