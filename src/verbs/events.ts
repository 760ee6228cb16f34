/** `cgctl events`: what the kernel has counted for each group, or what happens from now on. */
import { CgError } from '../errors.ts';
import { pick } from '../hierarchy/locate.ts';
import { walk } from '../hierarchy/tree.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import { EventEngine, eventKinds } from '../monitor/events.ts';
import { type LoggedEvent, loggedEvents } from '../monitor/logged.ts';
import { parseThreshold, type ThresholdRule } from '../monitor/thresholds.ts';
import { parseDuration } from '../parse/duration.ts';
import { flatValue } from '../parse/flat.ts';
import { excerpt, printable } from '../parse/printable.ts';
import type { CgroupEvent } from '../protocol/event.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { plainly, style, table, writeJson } from './output.ts';
import { targets } from './targets.ts';
import type { Arguments, Context, OptionValue, Streams, Verb } from './verb.ts';

export const events: Verb = {
  name: 'events',
  summary: 'show what happened: kills and why, limits met and written, groups made and removed',
  about: `Without -f, what the kernel has counted since each group was made, or with --host what the service keeps; with --since, what its log still holds from then on: OOM kills with their
victims, also in groups that are gone. With -f, a line for each event from now on; --json prints it as JSON. Ids stand for the groups and all below.

A threshold is [PATTERN: ]NAME >= LEVEL: in ids that match (* is anything but a slash, ** anything), a metric or a role such as memory.usage,
pids.current or pressure.memory reaches a number, a size, or a share in percent, of its limit or of the time; or memory_pressure reaches low,
medium or critical.`,
  usage: '[id...]',
  examples: [
    'cgctl events --since 1h',
    'cgctl events -f web --type oom_kill,limit_changed',
    "cgctl events -f --threshold '/docker/*: memory.usage >= 90%'",
    'cgctl events -f --json',
  ],
  options: () => [
    { flags: '-f, --follow', help: 'go on, until Ctrl-C' },
    { flags: '--since <duration>', help: 'from the kernel’s log, what happened since so long ago: 90s, 10m, 12h' },
    { flags: '--type <kind>', help: 'events of these kinds only, separated by commas', repeat: true },
    { flags: '--threshold <rule>', help: 'with -f: tell when this is reached, and when it no longer is', repeat: true },
    ...HOST_OPTIONS,
  ],
  async run(args, io, ctx) {
    const there = thereOf(args, ctx);
    const wanted = wantedOf(args, there === undefined ? targets(ctx, args.positional) : [], ctx);
    if (there !== undefined) {
      const tell = (event: CgroupEvent) => tellEvent(event, wanted, args, io, ctx);
      return (await import('./remote/looks.ts')).eventsThere(there, { kinds: wanted.kinds, tell }, args, io, ctx);
    }
    const { since } = args.options;
    if (since !== undefined) tellLogged(since, wanted, args, io, ctx);
    if (args.options.follow) await follow(wanted, args, io, ctx);
    else if (since === undefined) tellCounts(countsOf(wanted.tops, ctx), args, io, ctx);
    return 0;
  },
};

interface Wanted {
  readonly tops: readonly CgroupId[];
  /** Undefined for all. */
  readonly kinds: ReadonlySet<string> | undefined;
  readonly thresholds: readonly ThresholdRule[];
}

/** @throws CgError USAGE, VALUE */
function wantedOf(args: Arguments, tops: readonly CgroupId[], ctx: Context): Wanted {
  const { options } = args;
  const kinds = listOf(options.type).flatMap((text) => text.split(','));
  const known = eventKinds(ctx.registry);
  const unknown = kinds.filter((kind) => !known.includes(kind));
  if (unknown.length > 0)
    throw new CgError(
      'USAGE',
      `--type: there are no events ${unknown.map(excerpt).join(', ')}; there are ${known.join(', ')}`,
    );
  const rules = listOf(options.threshold);
  if (
    !options.follow &&
    (rules.length > 0 || (kinds.length > 0 && options.since === undefined && thereOf(args, ctx) === undefined))
  )
    throw new CgError(
      'USAGE',
      `${rules.length > 0 ? '--threshold' : '--type'} needs -f${rules.length > 0 ? '' : ' or --since'}`,
    );
  const thresholds = rules.map((text) => parseThreshold(ctx.registry, text));
  return {
    tops,
    kinds: kinds.length === 0 ? undefined : new Set([...kinds, ...(thresholds.length > 0 ? ['threshold'] : [])]),
    thresholds,
  };
}

const listOf = (value: OptionValue | undefined): readonly string[] => (typeof value === 'object' ? value : []);

function tellLogged(since: OptionValue, wanted: Wanted, args: Arguments, io: Streams, ctx: Context): void {
  const from = Date.now() - parseDuration(String(since)) * 1000;
  for (const event of loggedEvents(ctx.host(), ctx.registry, from)) tellEvent(event, wanted, args, io, ctx);
}

async function follow(wanted: Wanted, args: Arguments, io: Streams, ctx: Context): Promise<void> {
  const engine = new EventEngine(ctx.host(), ctx.registry, { thresholds: wanted.thresholds });
  try {
    await engine.start();
    const { eventfds, modified, triggers, polled, warnings } = engine.status();
    const heard = eventfds + modified + triggers;
    io.err.write(
      `watching ${engine.tree.size} cgroups: ${heard} files tell of events, ${polled} are looked at now and then\n`,
    );
    for (const warning of warnings) io.err.write(`${warning}\n`);
    for await (const event of engine.follow(ctx.signal)) tellEvent(event, wanted, args, io, ctx);
  } finally {
    await engine.close();
  }
}

function tellEvent(
  event: LoggedEvent,
  { tops, kinds }: Wanted,
  args: Arguments,
  { out }: Streams,
  { env }: Context,
): void {
  if (tops.length > 0 && !tops.some((top) => isBelow(event.cgroup, top))) return;
  if (kinds !== undefined && !kinds.has(event.kind)) return;
  const { bold, dim } = style(out, env);
  const time = new Date(event.time).toISOString();
  const line = `${dim(time)}  ${bold(event.kind)}  ${printable(event.cgroup)}  ${printable(event.text)}`;
  out.write(`${args.options.json ? JSON.stringify(event, plainly) : line}\n`);
}

/** An event's cgroup is text: the group may be gone, or unknown. */
const isBelow = (cgroup: string, top: CgroupId): boolean =>
  top === '/' || cgroup === top || cgroup.startsWith(`${top}/`);

interface Count {
  readonly cgroup: CgroupId;
  readonly kind: string;
  readonly count: number;
}

/** Counters of declared events that are not 0. */
function countsOf(tops: readonly CgroupId[], { host, registry }: Context): Count[] {
  const { reader } = host();
  const groups = (tops.length === 0 ? [undefined] : tops).flatMap((from) => [...walk(reader, { from })]);
  const counts = groups.flatMap(({ id }) =>
    registry.allEvents().flatMap(({ controller, event }) => {
      const found = pick(reader, id, controller, event);
      const [hierarchy] = 'absent' in found ? [] : found.hierarchies;
      if ('absent' in found || hierarchy === undefined) return [];
      const text = reader.tryRead(hierarchy, id, found.slot.file);
      return found.slot.counters.map(({ key, kind }) => ({
        cgroup: id,
        kind,
        count: (text && flatValue(text, key)) || 0,
      }));
    }),
  );
  return counts.filter(({ count }) => count > 0);
}

function tellCounts(counts: readonly Count[], args: Arguments, { out }: Streams, { env }: Context): void {
  if (args.options.json) {
    writeJson(out, counts);
    return;
  }
  const columns = [{ title: 'CGROUP' }, { title: 'EVENT' }, { title: 'COUNT', right: true }];
  const rows = counts.map(({ cgroup, kind, count }) => [printable(cgroup), kind, String(count)]);
  out.write(rows.length === 0 ? 'nothing has happened yet\n' : table(columns, rows, style(out, env).bold));
}
