/** `cgctl do`: the actions that controllers declare. */
import { act } from '../control/act.ts';
import { alternatives } from '../controllers/controller.ts';
import type { ActionEntry, Registry } from '../controllers/registry.ts';
import { describeType } from '../controllers/types.ts';
import { quoteArg } from '../parse/printable.ts';
import { ACTION_OPTIONS, consentOptions, lockOptions, tellPlan } from './changing.ts';
import { insist } from './mistakes.ts';
import { style, table, writeJson } from './output.ts';
import { didYouMean } from './similar.ts';
import { targets } from './targets.ts';
import type { Arguments, Context, Streams, Verb } from './verb.ts';

export const doAction: Verb = {
  name: 'do',
  summary: 'do something once: reclaim memory, reset a counter …; without arguments, list what can be done',
  usage: '[action] [id] [value]',
  examples: ['cgctl do', 'cgctl do memory.reclaim web 64m', 'cgctl do memory.force_empty web'],
  options: () => ACTION_OPTIONS,
  check: (args, { registry }) => mistakesOf(args, registry),
  async run(args, io, ctx) {
    const [name, text, value] = args.positional;
    if (name === undefined) return list(io, ctx, args);
    insist(mistakesOf(args, ctx.registry));
    const entry = ctx.registry.findAction(name);
    const [id] = targets(ctx, text === undefined ? [] : [text]);
    if (entry === undefined || id === undefined) return 0;
    const options = { ...consentOptions(args, io), lock: lockOptions(args, ctx) };
    const steps = await act(ctx.host(), entry, id, value, options);
    if (args.options.json) writeJson(io.out, { steps, dryRun: options.dryRun });
    else tellPlan(steps, io, ctx);
    return 0;
  },
};

function mistakesOf({ positional }: Arguments, registry: Registry): string[] {
  const [name, id] = positional;
  if (name === undefined) return [];
  const known = registry.allActions().map(({ action }) => action.key);
  return [
    ...(known.includes(name) ? [] : [`there is no action ${quoteArg(name)}${didYouMean(name, known)}`]),
    ...(id === undefined ? ['<id> is missing'] : []),
  ];
}

function list(io: Streams, { registry, env }: Context, args: Arguments): number {
  const entries = registry.allActions();
  if (args.options.json)
    writeJson(
      io.out,
      entries.map(({ action }) => ({ action: action.key, help: action.help })),
    );
  else {
    const columns = ['ACTION', 'VALUE', 'WHERE', 'WHAT IT DOES'].map((title) => ({ title }));
    io.out.write(table(columns, entries.map(rowOf), style(io.out, env).bold));
  }
  return 0;
}

function rowOf({ action }: ActionEntry): string[] {
  const slots = [action.v1, action.v2].flatMap(alternatives);
  const takes = slots.map(({ write }) => write).find((write) => typeof write !== 'string');
  const dialects = [action.v1 && 'v1', action.v2 && 'v2'].filter(Boolean).join(', ');
  return [action.key, takes === undefined ? '' : describeType(takes), dialects, action.help];
}
