/** `cgctl ls`: the groups, where each is, and how many processes it holds. */
import { pidsOf } from '../hierarchy/procs.ts';
import { type Group, walk } from '../hierarchy/tree.ts';
import type { Hierarchy, Host } from '../hierarchy/types.ts';
import { printable } from '../parse/printable.ts';
import { HOST_OPTIONS, thereOf } from './host.ts';
import { style, table, writeJson } from './output.ts';
import { targets } from './targets.ts';
import type { Verb } from './verb.ts';

export const ls: Verb = {
  name: 'ls',
  summary: 'list cgroups',
  about: `PROCS counts processes of the group itself. PLACES names its hierarchies, or "all"; of the unified one, the controllers that the
group has there.`,
  usage: '[id]',
  examples: ['cgctl ls', 'cgctl ls -r', 'cgctl ls -r web --json'],
  options: () => [{ flags: '-r, --recursive', help: 'groups below them too' }, ...HOST_OPTIONS],
  async run(args, io, ctx) {
    const there = thereOf(args, ctx);
    if (there !== undefined) return (await import('./remote/looks.ts')).listThere(there, args, io, ctx);
    const host = ctx.host();
    const [from] = targets(ctx, args.positional);
    const groups = [...walk(host.reader, { from, ...(!args.options.recursive && { maxDepth: 1 }) })];
    if (args.options.json) {
      writeJson(
        io.out,
        groups.map((group) => documentOf(host, group)),
      );
      return 0;
    }
    const rows = groups.map((group) => [
      printable(group.id),
      String(processes(host, group).size),
      placesOf(host, group),
    ]);
    const columns = [{ title: 'CGROUP' }, { title: 'PROCS', right: true }, { title: 'PLACES' }];
    io.out.write(table(columns, rows, style(io.out, ctx.env).bold));
    return 0;
  },
};

function documentOf(host: Host, group: Group) {
  return {
    id: group.id,
    processes: processes(host, group).size,
    places: group.places.map((h) => ({ hierarchy: h.key, controllers: controllersOf(host, group, h) })),
  };
}

/** Processes that any hierarchy names: they may be in other groups in the others. */
export function processes({ reader }: Host, { id, places }: Group): ReadonlySet<number> {
  return new Set(places.flatMap((h) => pidsOf(reader, h, id)));
}

function placesOf(host: Host, group: Group): string {
  const { places } = group;
  const names = places.map((h) => {
    const offered = h.dialect === 'v2' ? controllersOf(host, group, h) : [];
    return offered.length === 0 ? h.key : `${h.key}(${offered.join(',')})`;
  });
  if (places.length < host.layout.hierarchies.length || places.length === 1) return names.join(' ');
  return ['all', ...names.filter((name) => name.endsWith(')'))].join(', ');
}

/** On v1 a directory has all of its hierarchy's controllers, on v2 those that its parent enables. */
function controllersOf({ reader }: Host, { id }: Group, h: Hierarchy): readonly string[] {
  if (h.dialect === 'v1') return h.controllers;
  return (reader.tryRead(h, id, 'cgroup.controllers') ?? '').split(/\s+/).filter(Boolean);
}
