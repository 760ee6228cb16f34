/** `get`, `ls` and `events` of a service's groups. */
import * as z from 'zod';
import { CgError } from '../../errors.ts';
import { depthOf, parseCgroupId, ROOT } from '../../hierarchy/id.ts';
import { printable } from '../../parse/printable.ts';
import type { CgroupEvent } from '../../protocol/event.ts';
import type { There } from '../host.ts';
import { insist } from '../mistakes.ts';
import { style, table, writeJson } from '../output.ts';
import type { Arguments, Context, Streams } from '../verb.ts';
import { checked, group } from './answers.ts';
import { groupPath, Service } from './service.ts';
import { knobText } from './source.ts';
import { targetsThere } from './targets.ts';

/** @param keys only these settings */
export async function getThere(
  there: There,
  keys: readonly string[] | undefined,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<number> {
  const service = new Service(there, ctx);
  const [id = ROOT] = await targetsThere(service, args.positional.slice(0, 1));
  const about = checked(group, await service.get(groupPath(id)));
  const wanted = Object.entries(about.knobs).filter(([key, { absent }]) =>
    keys === undefined ? args.options.all === true || absent === undefined : keys.includes(key),
  );
  if (args.options.json) {
    writeJson(io.out, { ...about, knobs: Object.fromEntries(wanted) });
    return 0;
  }
  const { bold, dim } = style(io.out, ctx.env);
  const text = (key: string, json: unknown) => {
    const shown = knobText(ctx.registry, key, json);
    return shown === undefined ? '-' : printable(shown) || '(empty)';
  };
  const columns = ['KNOB', 'ASKED', 'KERNEL', 'FLAG', 'FILE'].map((title) => ({ title }));
  const rows = wanted.map(
    ([
      key,
      {
        asked,
        value,
        absent,
        flag,
        files: [first = '', ...more],
      },
    ]) => [
      printable(key),
      text(key, asked),
      absent === undefined ? text(key, value) : dim(printable(absent)),
      dim(printable(flag ?? '(read only)')),
      dim(printable(first) + (more.length > 0 ? ` +${more.length}` : '')),
    ],
  );
  io.out.write(table(columns, rows, bold));
  return 0;
}

const list = z.object({ cgroups: z.array(z.looseObject({ id: z.string() })) });

export async function listThere(there: There, args: Arguments, io: Streams, ctx: Context): Promise<number> {
  const service = new Service(there, ctx);
  const [from = ROOT] = await targetsThere(service, args.positional);
  const query = new URLSearchParams({ prefix: from, limit: '100000' });
  const { cgroups } = checked(list, await service.get(`/api/v1/cgroups?${query}`));
  const deepest = args.options.recursive ? Number.POSITIVE_INFINITY : depthOf(from) + 1;
  const found = cgroups.filter(({ id }) => isWithin(id, from) && depthOf(parseCgroupId(id)) <= deepest);
  if (found.length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${from} at ${service.url}`);
  if (args.options.json) writeJson(io.out, found);
  else
    io.out.write(
      table(
        [{ title: 'CGROUP' }],
        found.map(({ id }) => [printable(id)]),
        style(io.out, ctx.env).bold,
      ),
    );
  return 0;
}

const event: z.ZodType<CgroupEvent> = z.object({
  seq: z.number(),
  time: z.number(),
  kind: z.string(),
  cgroup: z.string(),
  generation: z.string().exactOptional(),
  count: z.number().exactOptional(),
  ancestor: z.string().exactOptional(),
  text: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).exactOptional(),
});
const events = z.object({ events: z.array(event) });

export interface Following {
  readonly kinds: ReadonlySet<string> | undefined;
  tell(event: CgroupEvent): void;
}

/** What the service keeps of what happened; with -f, what happens from now on. */
export async function eventsThere(
  there: There,
  { kinds, tell }: Following,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<number> {
  insist(
    ['since', 'threshold']
      .filter((flag) => args.options[flag] !== undefined)
      .map((flag) => `--${flag} is not possible with --host`),
  );
  const service = new Service(there, ctx);
  const tops = await targetsThere(service, args.positional);
  const told = (one: CgroupEvent): void => {
    if (kinds !== undefined && !kinds.has(one.kind)) return;
    if (tops.length === 0 || tops.some((top) => isWithin(one.cgroup, top))) tell(one);
  };
  if (!args.options.follow) {
    const kept = checked(events, await service.get('/api/v1/events?limit=10000'));
    kept.events.forEach(told);
    return 0;
  }
  await service.get('/api/v1/info');
  await new Promise<void>((resolve) => {
    const live = service.client.live(
      // Events are of groups that are subscribed to; their figures are of no interest.
      { intervalMs: 10_000, columns: [], events: true },
      {
        event: told,
        state: ({ kind }) => {
          if (kind === 'lost') io.err.write('connection lost, trying again\n');
        },
      },
    );
    const end = () => {
      live.close();
      resolve();
    };
    if (ctx.signal.aborted) end();
    else ctx.signal.addEventListener('abort', end, { once: true });
  });
  return 0;
}

/** An event's cgroup is text: the group may be gone, or unknown. */
function isWithin(id: string, top: string): boolean {
  return top === ROOT || id === top || id.startsWith(`${top}/`);
}
