/** `cgctl tree`: the groups drawn as a tree, with processes and memory of each. */
import { nameOf, parentId } from '../hierarchy/id.ts';
import { type Group, walk } from '../hierarchy/tree.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import { figuresOf } from '../monitor/columns.ts';
import { Sampler } from '../monitor/sampler.ts';
import { printable } from '../parse/printable.ts';
import { formatSize } from '../parse/size.ts';
import { processes } from './ls.ts';
import { insist } from './mistakes.ts';
import { align, plural, style, writeJson } from './output.ts';
import { targets } from './targets.ts';
import type { Arguments, Context, Verb } from './verb.ts';

export const tree: Verb = {
  name: 'tree',
  summary: 'draw the tree of cgroups, with the processes and memory of each',
  about: 'Processes are those of the group itself; memory is charged to it and everything below.',
  usage: '[id]',
  examples: ['cgctl tree', 'cgctl tree web', 'cgctl tree --depth 2'],
  options: () => [{ flags: '-L, --depth <n>', help: 'so many levels below the top' }],
  check: (args) => depthOf(args).mistakes,
  async run(args, io, ctx) {
    const { depth, mistakes } = depthOf(args);
    insist(mistakes);
    const host = ctx.host();
    const [from] = targets(ctx, args.positional);
    const groups = [...walk(host.reader, { from, maxDepth: depth })];
    const memory = await memoryUsage(ctx);
    const nodes = groups.map((group) => ({
      id: group.id,
      parent: parentId(group.id) ?? null,
      processes: processes(host, group).size,
      memory: memory.get(group.id) ?? null,
    }));
    if (args.options.json) {
      writeJson(io.out, nodes);
      return 0;
    }
    const { dim, bold } = style(io.out, ctx.env);
    const branches = draw(groups);
    const rows = nodes.map((node, i) => [
      dim(branches[i] ?? '') + bold(printable(i === 0 ? node.id : nameOf(node.id))),
      node.processes === 0 ? '' : plural(node.processes, 'process', 'processes'),
      node.memory === null ? '' : formatSize(node.memory),
    ]);
    for (const line of align(rows, [false, true, true])) io.out.write(`${line}\n`);
    return 0;
  },
};

function depthOf({ options }: Arguments): { depth: number | undefined; mistakes: string[] } {
  const { depth } = options;
  if (typeof depth !== 'string') return { depth: undefined, mistakes: [] };
  if (!/^\d{1,4}$/.test(depth))
    return { depth: undefined, mistakes: [`--depth: ${printable(depth)} is not a number of levels`] };
  return { depth: Number(depth), mistakes: [] };
}

/** Bytes by group; groups without a figure are not in it. */
async function memoryUsage({ host, registry }: Context): Promise<ReadonlyMap<string, number>> {
  const [usage] = registry.statsByRole('memory.usage');
  const sampler = new Sampler(host(), registry);
  const snapshot = await sampler.sample();
  await sampler.close();
  const figures = usage && figuresOf(snapshot, { metric: usage.stat.name, rate: false });
  return new Map(
    snapshot.rows.flatMap(({ id }, i) => {
      const figure = figures?.[i] ?? Number.NaN;
      return Number.isNaN(figure) ? [] : [[id, figure] as const];
    }),
  );
}

/** What stands before each name. Parents come before children. */
export function draw(groups: readonly Pick<Group, 'id'>[]): string[] {
  const last = new Map(groups.map(({ id }) => [parentId(id), id]));
  const indents = new Map<CgroupId | undefined, string>();
  return groups.map(({ id }) => {
    const indent = indents.get(parentId(id));
    const isLast = last.get(parentId(id)) === id;
    indents.set(id, indent === undefined ? '' : indent + (isLast ? '   ' : '│  '));
    return indent === undefined ? '' : indent + (isLast ? '└─ ' : '├─ ');
  });
}
