/** Freeze, thaw, kill and remove through a service. */
import * as z from 'zod';
import type { Frozen } from '../../control/freeze.ts';
import type { Killed } from '../../control/kill.ts';
import type { Removed } from '../../control/remove.ts';
import { parseCgroupId } from '../../hierarchy/id.ts';
import type { There } from '../host.ts';
import { each, tellPlans } from '../lifecycle.ts';
import { insist } from '../mistakes.ts';
import type { Arguments, Context, Streams } from '../verb.ts';
import { checked, plan as planSchema } from './answers.ts';
import { groupPath, Service } from './service.ts';
import { targetsThere } from './targets.ts';

type Line<T> = (done: T) => string;

const id = z.string().transform((text) => parseCgroupId(text));
const pids = z.array(z.number());
const frozen = z.object({
  id,
  state: z.enum(['frozen', 'thawed']),
  changed: z.boolean(),
  files: z.array(z.string()),
  frozenAbove: id.optional(),
  untouched: pids,
});
const killed = z.object({
  id,
  signal: z.string(),
  pids,
  by: z.array(z.enum(['kill-file', 'signals'])),
  pending: z.boolean(),
});
const removed = z.object({ id, paths: z.array(z.string()), killed: pids });

export function freezeThere(
  there: There,
  line: Line<Frozen>,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<number> {
  return act(there, { what: 'freeze', body: {}, schema: frozen, line: (done) => line(definite(done)) }, args, io, ctx);
}

export function thawThere(
  there: There,
  line: Line<Frozen>,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<number> {
  return act(there, { what: 'thaw', body: {}, schema: frozen, line: (done) => line(definite(done)) }, args, io, ctx);
}

export function killThere(
  there: There,
  line: Line<Killed>,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<number> {
  refuse(args, 'no-recursive');
  const { signal, force } = args.options;
  const body = { ...(typeof signal === 'string' && { signal }), force: force === true };
  return act(there, { what: 'kill', body, schema: killed, line }, args, io, ctx);
}

export async function removeThere(
  there: There,
  line: Line<Removed>,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<number> {
  refuse(args, 'timeout');
  const { recursive, force, 'dry-run': dryRun } = args.options;
  const service = new Service(there, ctx);
  const ids = await targetsThere(service, args.positional);
  const query = new URLSearchParams({ recursive: String(recursive === true), force: String(force === true) });
  if (dryRun === true) {
    const plans = await Promise.all(ids.map((one) => service.remove(`${groupPath(one)}?${query}&dryRun=true`)));
    return tellPlans(
      plans.map((one) => checked(planSchema, one)),
      args,
      io,
      ctx,
    );
  }
  const perform = async (one: (typeof ids)[number]) =>
    checked(removed, await service.remove(`${groupPath(one)}?${query}`));
  return each(ids, perform, (done) => io.out.write(line(done)), args, io);
}

interface Action<T> {
  readonly what: string;
  readonly body: object;
  readonly schema: z.ZodType<T>;
  readonly line: Line<T>;
}

async function act<T>(
  there: There,
  { what, body, schema, line }: Action<T>,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<number> {
  refuse(args, 'dry-run', 'timeout');
  const service = new Service(there, ctx);
  const ids = await targetsThere(service, args.positional);
  const perform = async (one: (typeof ids)[number]) =>
    checked(schema, await service.change('post', groupPath(one, what), body));
  return each(ids, perform, (done) => io.out.write(line(done)), args, io);
}

/** What the API has not. */
function refuse({ options }: Arguments, ...flags: readonly string[]): void {
  insist(flags.filter((flag) => options[flag] !== undefined).map((flag) => `--${flag} is not possible with --host`));
}

/** Absent is absent, not undefined. */
function definite({ frozenAbove, ...rest }: z.output<typeof frozen>): Frozen {
  return { ...rest, ...(frozenAbove !== undefined && { frozenAbove }) };
}
