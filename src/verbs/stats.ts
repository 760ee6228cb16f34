/** `cgctl stats`: docker stats' columns for cgroups, again and again or once. */
import { CgError } from '../errors.ts';
import { Sampler } from '../monitor/sampler.ts';
import { type Figures, figures, type Look, look } from '../monitor/stats.ts';
import { printable } from '../parse/printable.ts';
import { formatSize } from '../parse/size.ts';
import { INTERVAL, intervalOf, passed } from './interval.ts';
import { insist } from './mistakes.ts';
import { plainly, style, table } from './output.ts';
import { targets } from './targets.ts';
import type { Arguments, Context, Streams, Verb } from './verb.ts';

export const stats: Verb = {
  name: 'stats',
  summary: 'show CPU, memory, block I/O and pids of cgroups as they change',
  about: `The columns and the arithmetic are docker stats': CPU % is of one CPU, memory leaves out inactive page cache, block I/O is since the
group was made. All groups are shown, or those that are named. There is no NET I/O: cgroups do not count it. With --json, a line a look.`,
  usage: '[id...]',
  examples: ['cgctl stats', 'cgctl stats web db', 'cgctl stats --no-stream --json'],
  options: () => [
    { flags: '--no-stream', help: 'one look: two, an interval apart, that CPU % is counted between' },
    INTERVAL,
  ],
  check: (args) => intervalOf(args).mistakes,
  async run(args, io, ctx) {
    const { interval, mistakes } = intervalOf(args);
    insist(mistakes);
    const wanted = targets(ctx, args.positional);
    const sampler = new Sampler(ctx.host(), ctx.registry);
    try {
      let before = await look(sampler);
      while (await passed(interval, ctx.signal)) {
        const after = await look(sampler);
        show(rowsOf(wanted, before, after, ctx), args, io, ctx);
        before = after;
        if (args.options['no-stream']) break;
      }
    } finally {
      await sampler.close();
    }
    return 0;
  },
};

/** @throws CgError VANISHED when none of the named groups is left */
function rowsOf(wanted: readonly string[], before: Look, after: Look, { registry }: Context): readonly Figures[] {
  const all = figures(registry, before, after);
  if (wanted.length === 0) return all;
  const byId = new Map(all.map((row) => [row.row.id, row]));
  const rows = wanted.flatMap((id) => byId.get(id) ?? []);
  if (rows.length === 0)
    throw new CgError('VANISHED', `none of these cgroups is left: ${wanted.map(printable).join(', ')}`);
  return rows;
}

function show(rows: readonly Figures[], args: Arguments, { out }: Streams, { env }: Context): void {
  if (args.options.json) {
    out.write(
      `${JSON.stringify(
        rows.map(({ row, ...rest }) => ({ id: row.id, ...rest })),
        plainly,
      )}\n`,
    );
    return;
  }
  const columns = [
    { title: 'CGROUP' },
    { title: 'CPU %', right: true },
    { title: 'MEM USAGE / LIMIT', right: true },
    { title: 'MEM %', right: true },
    { title: 'BLOCK I/O', right: true },
    { title: 'PIDS', right: true },
  ];
  const cells = rows.map((figure) => [
    printable(figure.row.id),
    percent(figure.cpuPercent),
    pair(figure.memoryBytes, figure.limitBytes),
    percent(figure.memoryPercent),
    pair(figure.readBytes, figure.writtenBytes),
    Number.isNaN(figure.pids) ? '--' : String(figure.pids),
  ]);
  // Home, then clear what is below: the table stands still.
  const again = out.isTTY && !args.options['no-stream'] ? '\x1b[H\x1b[J' : '';
  out.write(again + table(columns, cells, style(out, env).bold));
}

/** Docker's sign for what is not known. */
const percent = (figure: number): string => (Number.isNaN(figure) ? '--' : `${figure.toFixed(2)}%`);
const size = (bytes: number): string => (Number.isNaN(bytes) ? '--' : formatSize(bytes));
const pair = (a: number, b: number): string => `${size(a)} / ${size(b)}`;
