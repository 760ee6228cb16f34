/** `cgctl rm`: remove groups from every hierarchy. */
import { planRemove, type Removed, remove } from '../control/remove.ts';
import { printable } from '../parse/printable.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { DRY_RUN, each, locked, TIMEOUT, tellPlans, timeoutOf } from './lifecycle.ts';
import { plural } from './output.ts';
import { targets } from './targets.ts';
import type { Verb } from './verb.ts';

export const rm: Verb = {
  name: 'rm',
  summary: 'remove cgroups from every hierarchy',
  usage: '<id...>',
  examples: ['cgctl rm web', 'cgctl rm -r web', 'cgctl rm -r --force web db', 'cgctl rm -r web --dry-run'],
  options: () => [
    DRY_RUN,
    { flags: '-r, --recursive', help: 'the groups below too' },
    { flags: '-f, --force', help: 'kill the processes inside first' },
    TIMEOUT,
    ...HOST_OPTIONS,
  ],
  async run(args, io, ctx) {
    const there = thereOf(args, ctx);
    if (there !== undefined) return (await import('./remote/lifecycle.ts')).removeThere(there, lineOf, args, io, ctx);
    const [host, ids] = [ctx.host(), targets(ctx, args.positional)];
    const { recursive, force } = args.options;
    const options = { recursive: recursive === true, force: force === true, ...timeoutOf(args), abort: ctx.signal };
    if (args.options['dry-run']) {
      const plans = ids.map((id) => planRemove(host, id, options));
      return tellPlans(plans, args, io, ctx);
    }
    const act = (id: (typeof ids)[number]) => locked(args, ctx, () => remove(host, ctx.registry, id, options));
    return each(ids, act, (done) => io.out.write(lineOf(done)), args, io);
  },
};

function lineOf({ id, paths, killed }: Removed): string {
  const whom = killed.length > 0 ? `, killed ${plural(killed.length, 'process', 'processes')}` : '';
  return `${printable(id)}: removed ${plural(paths.length, 'directory', 'directories')}${whom}\n`;
}
