/** `cgctl set`: change limits, as one plan over all files, hierarchies and groups. */
import { change } from '../control/change.ts';
import { machineOf, parseSpec, type Spec } from '../control/spec.ts';
import { CHANGE_OPTIONS, consentOptions, lockOptions, tellOutcome } from './changing.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { givenKnobs, knobOptions } from './knobs.ts';
import { insist } from './mistakes.ts';
import { ownerNotes } from './owners.ts';
import { idMistakes, targets } from './targets.ts';
import type { Arguments, Context, Verb } from './verb.ts';

export const set: Verb = {
  name: 'set',
  aliases: ['update'],
  summary: 'change limits and other settings of cgroups',
  about: `Everything that is given is one change: checked as a whole, written in the kernel's order, read back, and undone where the
kernel refuses a part. Several ids get the same values. Sizes are as 512m, 1.5g or max (suffixes are 1024-based, as Docker's);
+10% and -64m change the present value. A switch is on when it is given; --flag=false turns it off.`,
  usage: '<id...>',
  examples: [
    'cgctl set web --cpu-shares 512',
    'cgctl set web -m 256m --memory-swap 512m --cpus 1.5 --cpuset-cpus 0-1 --pids-limit 200',
    'cgctl set web --device-read-bps /dev/vda:30MB --device-write-iops /dev/vda:500',
    'cgctl set web --cpu-shares +10% --dry-run',
    'cgctl set web --memory max',
  ],
  *options(registry) {
    yield* CHANGE_OPTIONS;
    yield* HOST_OPTIONS;
    yield* knobOptions(registry);
  },
  check: (args, ctx) =>
    thereOf(args, ctx) === undefined ? [...specOf(args, ctx).mistakes, ...idMistakes(ctx, args.positional)] : [],
  async run(args, io, ctx) {
    const there = thereOf(args, ctx);
    if (there !== undefined) return (await import('./remote/set.ts')).setThere(there, args, io, ctx);
    const { values, mistakes } = specOf(args, ctx);
    const nothing = values.size === 0 && mistakes.length === 0 ? ['nothing to set: give at least one flag'] : [];
    insist([...nothing, ...mistakes, ...(mistakes.length > 0 ? idMistakes(ctx, args.positional) : [])]);
    const host = ctx.host();
    const requests = targets(ctx, args.positional).map((id) => ({ id, values }));
    const outcome = await change(host, ctx.registry, requests, {
      ...consentOptions(args, io),
      annotate: (id) => ownerNotes(host, ctx.registry, id, values.keys()),
      lock: lockOptions(args, ctx),
    });
    tellOutcome(outcome, args, io, ctx);
    return 0;
  },
};

/** @returns what was given for knobs, checked */
export function specOf(args: Arguments, ctx: Context): Spec {
  return parseSpec(ctx.registry, givenKnobs(ctx.registry, args), machineOf(ctx.host()));
}
