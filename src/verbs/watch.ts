/** `cgctl watch`: one group in depth, live. */
import { CgError } from '../errors.ts';
import { printable } from '../parse/printable.ts';
import { Figures, Happenings, shownColumns } from '../view/figures.ts';
import { clock, formatCell } from '../view/format.ts';
import { deferred } from './deferred.ts';
import { flagsOf, HOST_OPTIONS, type There, thereOf } from './host.ts';
import { INTERVAL, intervalOf } from './interval.ts';
import { insist } from './mistakes.ts';
import { plainly } from './output.ts';
import { targets } from './targets.ts';
import { COUNT, countOf } from './top/count.ts';
import { concerns } from './top/detail.ts';
import { briefTitle } from './top/layout.ts';
import { openSource } from './top/open.ts';
import { runSession } from './top/session.ts';
import type { Source } from './top/source.ts';
import type { Context, Streams, Verb } from './verb.ts';

export const watch: Verb = {
  name: 'watch',
  summary: 'watch one cgroup in depth: figures, limits, processes and what happens',
  about: `? lists the keys. Where the output is no terminal, a line is printed for each look and each event; with --json as JSON. It ends when the
group is gone.`,
  usage: '<id>',
  examples: ['cgctl watch web', 'cgctl watch web -i 200ms | tee web.log', 'cgctl watch web -n 10 --json'],
  options: () => [INTERVAL, COUNT, ...HOST_OPTIONS],
  check: (args) => [...intervalOf(args).mistakes, ...countOf(args).mistakes],
  async run(args, io, ctx) {
    const { interval, mistakes } = intervalOf(args);
    const { count, mistakes: more } = countOf(args);
    insist([...mistakes, ...more]);
    const there = thereOf(args, ctx);
    const id = await targetOf(args.positional, there, ctx);
    const source = await openSource(there, ctx);
    try {
      const intervalMs = interval * 1000;
      const json = args.options.json === true;
      const options = { intervalMs, view: {}, single: id, flags: flagsOf(there) };
      if (json || count !== undefined || !(await runSession(source, options, io, ctx)))
        await printLooks(source, { id, intervalMs, count, json }, io, ctx);
    } finally {
      await source.close();
    }
    return 0;
  },
};

async function targetOf(positional: readonly string[], there: There | undefined, ctx: Context): Promise<string> {
  const [id = '/'] = there === undefined ? targets(ctx, positional) : await targetsAt(there, positional, ctx);
  return id;
}

async function targetsAt(there: There, positional: readonly string[], ctx: Context): Promise<readonly string[]> {
  const [{ Service }, { targetsThere }] = await Promise.all([
    import('./remote/service.ts'),
    import('./remote/targets.ts'),
  ]);
  return targetsThere(new Service(there, ctx), positional);
}

interface Printing {
  readonly id: string;
  readonly intervalMs: number;
  readonly count: number | undefined;
  readonly json: boolean;
}

/**
 * The first look is not printed: what is counted per second is not known yet.
 * @throws CgError VANISHED
 */
async function printLooks(source: Source, printing: Printing, io: Streams, ctx: Context): Promise<void> {
  const { id, intervalMs, count, json } = printing;
  const done = deferred();
  const columns = shownColumns(source.columns);
  const happenings = new Happenings();
  let looks = 0;
  ctx.signal.addEventListener('abort', done.resolve, { once: true });
  source.follow(intervalMs, {
    table(table) {
      const at = table.rows.findIndex((row) => row.id === id);
      if (at < 0) return done.reject(new CgError('VANISHED', `the cgroup ${printable(id)} is gone`, { cgroup: id }));
      looks += 1;
      if (looks === 1 || looks - 1 > (count ?? looks)) return;
      const figures = new Figures(table, 'rollup', happenings);
      const cells = columns.map((column) => ({
        column,
        cell: figures.cell(column, at),
        end: figures.beside(column.limit, at),
      }));
      const known = cells.filter(({ cell }) => cell !== null);
      if (json) {
        const all = Object.fromEntries(table.columns.map((metric) => [metric, figures.beside(metric, at)]));
        io.out.write(`${JSON.stringify({ time: table.time, cgroup: id, figures: all })}\n`);
      } else {
        const words = known.map(({ column, cell, end }) => {
          const limit = typeof end === 'number' ? `/${formatCell(end, column.show)}` : '';
          return `${briefTitle(column)} ${formatCell(cell, column.show)}${limit}`;
        });
        io.out.write(`${clock(table.time)}  ${words.join('  ')}\n`);
      }
      if (looks - 1 === count) done.resolve();
    },
    event(event) {
      happenings.add(event);
      if (!concerns(event, id)) return;
      const { time, kind, cgroup, text } = event;
      const line = `${clock(time)}  ${kind}  ${cgroup === id ? '' : `${printable(cgroup)}  `}${printable(text)}`;
      io.out.write(`${json ? JSON.stringify({ event }, plainly) : line}\n`);
    },
    trouble: (text) => io.err.write(`${printable(text)}\n`),
  });
  await done.promise;
}
