/** `cgctl ps`: the processes of a group. */
import { readFileSync } from 'node:fs';
import { membersOf } from '../control/members.ts';
import { processOf, procText } from '../control/process.ts';
import { errnoOf } from '../errors.ts';
import { walk } from '../hierarchy/tree.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { printable, quoteArg } from '../parse/printable.ts';
import { formatSize } from '../parse/size.ts';
import { style, table, writeJson } from './output.ts';
import { targets } from './targets.ts';
import type { Verb } from './verb.ts';

export interface ProcessRow {
  readonly cgroup: CgroupId;
  readonly pid: number;
  readonly user: string;
  /** The letter of proc_pid_stat(5). */
  readonly state: string;
  readonly rssBytes: number;
  readonly command: string;
  readonly args: readonly string[];
  /** The hierarchies in which it is in this group. */
  readonly hierarchies: readonly string[];
}

export const ps: Verb = {
  name: 'ps',
  summary: 'list the processes of cgroups',
  about: 'A process that is in the group in some of its hierarchies only is listed with those under IN.',
  usage: '<id...>',
  examples: ['cgctl ps web', 'cgctl ps -r web --args'],
  options: () => [
    { flags: '-r, --recursive', help: 'processes of the groups below too' },
    { flags: '-a, --args', help: 'whole command lines' },
  ],
  async run(args, io, ctx) {
    const host = ctx.host();
    const ids = targets(ctx, args.positional);
    const depth = args.options.recursive ? {} : { maxDepth: 0 };
    const groups = ids.flatMap((from) => [...walk(host.reader, { from, ...depth })]);
    const rows = groups.map(({ id, places }) => ({ places: places.length, processes: processesOf(host, id) }));
    if (args.options.json) {
      writeJson(
        io.out,
        rows.flatMap(({ processes }) => processes),
      );
      return 0;
    }
    const several = ids.length > 1 || args.options.recursive === true;
    const partial = rows.some(({ places, processes }) =>
      processes.some(({ hierarchies }) => hierarchies.length < places),
    );
    const columns = [
      { title: 'PID', right: true },
      { title: 'USER' },
      { title: 'S' },
      { title: 'RSS', right: true },
      ...(several ? [{ title: 'CGROUP' }] : []),
      ...(partial ? [{ title: 'IN' }] : []),
      { title: 'COMMAND' },
    ];
    const cells = rows.flatMap(({ places, processes }) =>
      processes.map((row) => [
        String(row.pid),
        printable(row.user),
        row.state,
        formatSize(row.rssBytes),
        ...(several ? [printable(row.cgroup)] : []),
        ...(partial ? [row.hierarchies.length < places ? row.hierarchies.join(' ') : 'all'] : []),
        args.options.args && row.args.length > 0 ? row.args.map(quoteArg).join(' ') : printable(row.command),
      ]),
    );
    io.out.write(table(columns, cells, style(io.out, ctx.env).bold));
    return 0;
  },
};

/** Those of the group itself, by number. */
export function processesOf(host: Host, id: CgroupId): ProcessRow[] {
  const rows = [...membersOf(host.reader, id, false)].flatMap(([pid, places]): ProcessRow[] => {
    const process = processOf(pid);
    if (process === undefined) return [];
    return [
      {
        cgroup: id,
        pid,
        user: userOf(pid),
        state: process.state,
        rssBytes: process.rssPages * host.pageSize,
        command: process.comm,
        args: (procText(`${pid}/cmdline`) ?? '').split('\0').slice(0, -1),
        hierarchies: [...places].map(({ key }) => key),
      },
    ];
  });
  return rows.sort((a, b) => a.pid - b.pid);
}

/** The effective user's name, or number where it has none. */
function userOf(pid: number): string {
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(procText(`${pid}/status`) ?? '')?.[1] ?? '';
  users ??= readUsers();
  return users.get(uid) ?? uid;
}

let users: ReadonlyMap<string, string> | undefined;

/** Names by uid, from passwd(5); the first one counts. */
function readUsers(): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of passwd().split('\n')) {
    const [name = '', , uid = ''] = line.split(':');
    if (!names.has(uid)) names.set(uid, name);
  }
  return names;
}

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return '';
  }
}
