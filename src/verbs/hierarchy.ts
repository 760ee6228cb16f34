/** `cgctl hierarchy`: which hierarchies are mounted, and mounting and unmounting them. */
import {
  type Command,
  type Mounting,
  type Mounts,
  mistakesOf,
  perform,
  planMount,
  planUmount,
} from '../control/mount.ts';
import { procText } from '../control/process.ts';
import { CgError } from '../errors.ts';
import { parseMountinfo } from '../parse/mountinfo.ts';
import { printable, quoteArg } from '../parse/printable.ts';
import { parseProcCgroups } from '../parse/procfs.ts';
import { ACTION_OPTIONS } from './changing.ts';
import { locked } from './lifecycle.ts';
import { insist } from './mistakes.ts';
import { align, style, table, writeJson } from './output.ts';
import type { Arguments, Context, Streams, Verb } from './verb.ts';

const ACTIONS = ['ls', 'mount', 'umount'];

export const hierarchy: Verb = {
  name: 'hierarchy',
  summary: 'list, mount and unmount hierarchies',
  about: `mount makes a v1 hierarchy of the controllers, or the name, that are given, or shows the unified one with --v2. A v1 controller is in
one hierarchy at a time, and not in cgroup v2 then. Both concern the whole machine and ask first. umount takes a hierarchy by its key, a controller of it or its directory.`,
  usage: '<ls|mount|umount> [directory or hierarchy]',
  examples: [
    'cgctl hierarchy ls',
    'cgctl hierarchy mount /sys/fs/cgroup/cpu,cpuacct --controllers cpu,cpuacct --yes',
    'cgctl hierarchy mount /run/jobs --name jobs --dry-run',
    'cgctl hierarchy mount /sys/fs/cgroup/unified --v2 -o nsdelegate',
    'cgctl hierarchy umount name=jobs --yes',
  ],
  options: () => [
    ...ACTION_OPTIONS,
    { flags: '--v2', help: 'the unified hierarchy' },
    { flags: '--controllers <list>', help: 'v1 controllers, as cpu,cpuacct' },
    { flags: '--name <name>', help: 'a name; without controllers the hierarchy only groups processes' },
    { flags: '-o, --option <option>', help: 'a mount option, as nsdelegate or clone_children', repeat: true },
    { flags: '--force', help: 'unmount a hierarchy that still has groups' },
  ],
  check: (args) => mistakes(args),
  async run(args, io, ctx) {
    insist(mistakes(args));
    const [action, which = ''] = args.positional;
    const mounts = look(ctx);
    if (action === 'ls') return list(mounts, args, io, ctx);
    const commands =
      action === 'mount' ? planMount(mounts, mountingOf(args)) : planUmount(mounts, which, args.options.force === true);
    if (args.options['dry-run'] !== true) {
      await consent(commands, args, io);
      await locked(args, ctx, () => perform(commands));
    }
    tell(commands, args, io, ctx);
    return 0;
  },
};

function mistakes(args: Arguments): string[] {
  const [action = '', which, ...more] = args.positional;
  if (!ACTIONS.includes(action)) return [`${quoteArg(action)} is none of ${ACTIONS.join(', ')}`];
  const wanted = action === 'ls' ? undefined : action === 'mount' ? 'a directory' : 'a hierarchy or a directory';
  if (wanted !== undefined && which === undefined) return [`${action} needs ${wanted}`];
  if ((wanted === undefined && which !== undefined) || more.length > 0) return ['too many words'];
  return action === 'mount' ? mistakesOf(mountingOf(args)) : [];
}

function mountingOf({ positional, options }: Arguments): Mounting {
  const { controllers, name, option } = options;
  return {
    where: (positional[1] ?? '').replace(/(?<=.)\/+$/, ''),
    dialect: options.v2 === true ? 'v2' : 'v1',
    controllers: typeof controllers === 'string' ? controllers.split(',').filter(Boolean) : [],
    ...(typeof name === 'string' && { name }),
    options: Array.isArray(option) ? option : [],
  };
}

/** Also where nothing is mounted yet, which other verbs cannot work with. */
function look(ctx: Context): Mounts {
  const taken = new Set(parseMountinfo(procText('self/mountinfo') ?? '').map(({ mountPoint }) => mountPoint));
  const kernel = parseProcCgroups(procText('cgroups') ?? '');
  try {
    const { layout, reader } = ctx.host();
    return { hierarchies: layout.hierarchies, kernel, taken, reader };
  } catch (error) {
    if (!(error instanceof CgError) || error.code !== 'NO_CGROUPS') throw error;
    return { hierarchies: [], kernel, taken };
  }
}

function list({ hierarchies, kernel }: Mounts, args: Arguments, { out }: Streams, { env }: Context): number {
  const attached = new Set(hierarchies.flatMap(({ controllers }) => controllers));
  const free = kernel.filter(({ name, enabled }) => enabled && !attached.has(name)).map(({ name }) => name);
  if (args.options.json) {
    const shown = hierarchies.map(({ key, dialect, mountPoint, root, controllers, readOnly }) => ({
      key,
      dialect,
      mountPoint,
      root,
      controllers,
      readOnly,
    }));
    writeJson(out, { hierarchies: shown, free });
    return 0;
  }
  const columns = ['HIERARCHY', 'DIALECT', 'CONTROLLERS', 'MOUNTED AT'].map((title) => ({ title }));
  const rows = hierarchies.map(({ key, dialect, controllers, mountPoint, readOnly }) => [
    printable(key),
    dialect,
    controllers.join(' '),
    `${printable(mountPoint)}${readOnly ? ' (read-only)' : ''}`,
  ]);
  out.write(table(columns, rows, style(out, env).bold));
  if (free.length > 0) out.write(`in no hierarchy: ${free.join(' ')}\n`);
  return 0;
}

/** @throws CgError CONSENT */
async function consent(commands: readonly Command[], args: Arguments, io: Streams): Promise<void> {
  const what = commands.at(-1);
  const question = `${what?.command.join(' ')} concerns the whole machine: ${what?.why}`;
  if (args.options.yes === true || (await io.confirm(`${question}. Go on?`))) return;
  throw new CgError('CONSENT', question, { commands });
}

function tell(commands: readonly Command[], args: Arguments, { out }: Streams, { env }: Context): void {
  const dryRun = args.options['dry-run'] === true;
  if (args.options.json) writeJson(out, { commands, dryRun });
  else {
    const { dim } = style(out, env);
    for (const line of align(commands.map(({ command, why }) => [command.map(quoteArg).join(' '), dim(why)])))
      out.write(`${line}\n`);
  }
}
