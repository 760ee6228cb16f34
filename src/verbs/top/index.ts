/** `cgctl top`: the live view on a terminal. */
import { quoteArg } from '../../parse/printable.ts';
import type { ColumnInfo } from '../../protocol/column.ts';
import { Figures, Happenings, shownColumns } from '../../view/figures.ts';
import type { Table } from '../../view/table.ts';
import type { View } from '../../view/tree.ts';
import { deferred } from '../deferred.ts';
import { flagsOf, HOST_OPTIONS, thereOf } from '../host.ts';
import { INTERVAL, intervalOf } from '../interval.ts';
import { insist } from '../mistakes.ts';
import { didYouMean } from '../similar.ts';
import type { Arguments, Context, Streams, Verb } from '../verb.ts';
import { COUNT, countOf } from './count.ts';
import { briefTitle } from './layout.ts';
import { openSource } from './open.ts';
import { tableJson, tableText } from './plain.ts';
import { runSession } from './session.ts';
import type { Source } from './source.ts';

export const top: Verb = {
  name: 'top',
  summary: 'watch all cgroups live, and freeze, kill and set from there',
  about: `The columns and keys are those of the page; ? lists the keys. A figure stands for the group and everything below it. Where the output is no
terminal, or with -b, a table is printed for each look, and with --json a line.`,
  usage: '',
  examples: [
    'cgctl top',
    'cgctl top --sort memory --filter docker',
    'cgctl top -n 1',
    'cgctl top --json | jq -c .cgroups[0]',
  ],
  options: () => [
    INTERVAL,
    { flags: '-b, --batch', help: 'print tables, also on a terminal' },
    COUNT,
    {
      flags: '--sort <column>',
      help: 'a column’s title or metric, or "name"; with a - before it, the other way round',
    },
    { flags: '--filter <text>', help: 'only groups whose path contains it' },
    ...HOST_OPTIONS,
  ],
  check: (args) => [...intervalOf(args).mistakes, ...countOf(args).mistakes],
  async run(args, io, ctx) {
    const { interval, mistakes } = intervalOf(args);
    const { count, mistakes: more } = countOf(args);
    insist([...mistakes, ...more]);
    const there = thereOf(args, ctx);
    const source = await openSource(there, ctx);
    try {
      const view = viewOf(args, shownColumns(source.columns));
      const intervalMs = interval * 1000;
      const plain = args.options.batch === true || args.options.json === true || count !== undefined;
      if (plain || !(await runSession(source, { intervalMs, view, flags: flagsOf(there) }, io, ctx)))
        await printLooks(source, { intervalMs, view, count }, args, io, ctx);
    } finally {
      await source.close();
    }
    return 0;
  },
};

/** @throws CgError USAGE for a column that is not there */
function viewOf({ options: { sort, filter } }: Arguments, columns: readonly ColumnInfo[]): View {
  return {
    sort: typeof sort === 'string' ? sortOf(sort, columns) : { metric: columns[0]?.metric, descending: true },
    filter: typeof filter === 'string' ? filter : '',
    folded: new Set(),
  };
}

function sortOf(text: string, columns: readonly ColumnInfo[]): View['sort'] {
  const reversed = text.startsWith('-');
  const wanted = text.slice(reversed ? 1 : 0).toLowerCase();
  if (wanted === 'name') return { metric: undefined, descending: reversed };
  const found = columns.find((column) =>
    [column.metric, column.title, briefTitle(column)].some((word) => word.toLowerCase() === wanted),
  );
  const known = ['name', ...columns.map(({ title }) => title.toLowerCase())];
  if (found === undefined)
    insist([
      `--sort: there is no column ${quoteArg(wanted)}${didYouMean(wanted, known)}; there are ${known.join(', ')}`,
    ]);
  return { metric: found?.metric, descending: !reversed };
}

interface Printing {
  readonly intervalMs: number;
  readonly view: View;
  readonly count: number | undefined;
}

/** The first look is not printed: what is counted per second is not known yet. */
async function printLooks(
  source: Source,
  { intervalMs, view, count }: Printing,
  args: Arguments,
  io: Streams,
  ctx: Context,
): Promise<void> {
  const done = deferred();
  const columns = shownColumns(source.columns);
  const happenings = new Happenings();
  let looks = 0;
  const print = (table: Table): void => {
    looks += 1;
    if (looks === 1 || looks - 1 > (count ?? Number.POSITIVE_INFINITY)) return;
    const figures = new Figures(table, 'rollup', happenings);
    const text = args.options.json
      ? tableJson(figures, columns, view)
      : (looks > 2 ? '\n' : '') + tableText(figures, columns, view, io.out, ctx.env);
    io.out.write(text);
    if (looks - 1 === count) done.resolve();
  };
  ctx.signal.addEventListener('abort', () => done.resolve(), { once: true });
  source.follow(intervalMs, {
    table: print,
    event: (event) => happenings.add(event),
    trouble: (text) => io.err.write(`${text}\n`),
  });
  await done.promise;
}
