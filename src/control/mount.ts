/**
 * Hierarchies as mounts. A v1 hierarchy comes into being with its first mount and ends with its last one, unless groups are left
 * in it; a subsystem is in one hierarchy at a time (Documentation/admin-guide/cgroup-v1/cgroups.rst, "Attaching Subsystems").
 * The mounting itself is mount(8)'s, which keeps the system's books.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CgError, errnoOf } from '../errors.ts';
import { ROOT } from '../hierarchy/id.ts';
import type { Hierarchy, Reader } from '../hierarchy/types.ts';
import { excerpt, printable } from '../parse/printable.ts';
import type { ProcController } from '../parse/procfs.ts';

/** What is to be mounted, and where. */
export interface Mounting {
  /** Absolute path of a directory; made where it is missing. */
  readonly where: string;
  readonly dialect: 'v1' | 'v2';
  /** v1: the subsystems that the hierarchy gets. */
  readonly controllers: readonly string[];
  /** v1: a name, with or without subsystems. */
  readonly name?: string;
  /** The file system's own options, as `nsdelegate` or `clone_children`. */
  readonly options: readonly string[];
}

/** What there is to know before anything is mounted. */
export interface Mounts {
  readonly hierarchies: readonly Hierarchy[];
  /** Of /proc/cgroups. */
  readonly kernel: readonly ProcController[];
  /** Every mount point of this process. */
  readonly taken: ReadonlySet<string>;
  /** Undefined where nothing is mounted. */
  readonly reader?: Pick<Reader, 'children'>;
}

/** A program that is run, and why. */
export interface Command {
  readonly command: readonly string[];
  readonly why: string;
}

/** kernel/cgroup/cgroup-v1.c, cgroup1_parse_param: MAX_CGROUP_ROOT_NAMELEN, and the characters it takes. */
const NAME = /^[\w.-]{1,63}$/;
const OPTION = /^[a-z][a-z\d_]*(?:=[^,\s\0]+)?$/;
/** They say what a hierarchy is made of, which has flags of its own. */
const NOT_OPTIONS = /^(?:none|all|name(?:=.*)?)$/;

/** What is wrong with the words, whatever the machine is like. */
export function mistakesOf({ where, dialect, controllers, name, options }: Mounting): string[] {
  const v1 = dialect === 'v1';
  return [
    ...(/^\/[^\0\n]*$/.test(where) && !where.split('/').some((part) => part === '..' || part === '.')
      ? []
      : [`${excerpt(where)} is not an absolute path`]),
    ...(v1 && controllers.length === 0 && name === undefined
      ? ['a hierarchy needs --controllers or --name; --v2 mounts the unified one']
      : []),
    ...(!v1 && (controllers.length > 0 || name !== undefined)
      ? ['--v2 has every controller that is in no v1 hierarchy: it takes neither --controllers nor --name']
      : []),
    ...(name === undefined || NAME.test(name)
      ? []
      : [`--name: ${excerpt(name)} is not a name of up to 63 letters, digits, ".", "-" and "_"`]),
    ...options
      .filter((option) => !OPTION.test(option) || NOT_OPTIONS.test(option))
      .map((option) => `--option: ${excerpt(option)} is not an option such as nsdelegate or release_agent=/sbin/agent`),
  ];
}

/**
 * The commands that mount it.
 * @throws CgError VALUE (an unknown subsystem), UNSUPPORTED (one that is switched off), BUSY (one that is in another hierarchy, or a
 * directory that is a mount point)
 */
export function planMount(mounts: Mounts, mounting: Mounting): Command[] {
  const { where, dialect, controllers, name, options } = mounting;
  for (const controller of controllers) checkController(mounts, controller);
  const same = mounts.hierarchies.find((h) => h.key === (dialect === 'v2' ? 'unified' : `name=${name}`));
  if (same !== undefined) throw mountedAlready(same.key, same);
  if (mounts.taken.has(where))
    throw new CgError('BUSY', `${printable(where)} is a mount point already: unmount it, or choose another directory`, {
      where,
    });
  const parts = [
    ...(controllers.length > 0 || dialect === 'v2' ? controllers : ['none']),
    ...(name === undefined ? [] : [`name=${name}`]),
    ...options,
  ];
  const type = dialect === 'v2' ? 'cgroup2' : 'cgroup';
  const what =
    dialect === 'v2'
      ? 'the unified hierarchy'
      : controllers.length > 0
        ? `a v1 hierarchy with ${controllers.join(', ')}`
        : `a v1 hierarchy named ${name}`;
  return [
    { command: ['mkdir', '-p', '--', where], why: 'where it will be seen' },
    { command: ['mount', '-t', type, ...(parts.length > 0 ? ['-o', parts.join(',')] : []), type, where], why: what },
  ];
}

/**
 * The commands that unmount a hierarchy.
 * @param which its key (`cpu,cpuacct`, `name=web`, `unified`), one of its subsystems, or its mount point
 * @throws CgError NOT_FOUND; BUSY where groups are left in a v1 hierarchy, which would live on unseen
 */
export function planUmount({ hierarchies, reader }: Mounts, which: string, force = false): Command[] {
  const found = hierarchies.find(
    (h) =>
      [h.key, h.mountPoint, h.key.replace(/^name=/, '')].includes(which) ||
      (h.dialect === 'v1' && h.controllers.includes(which)),
  );
  if (found === undefined) {
    const known = hierarchies.map(({ key, mountPoint }) => `${key} (${printable(mountPoint)})`).join(', ');
    throw new CgError('NOT_FOUND', `no hierarchy ${excerpt(which)} is mounted; there are: ${known || 'none'}`, {
      which,
    });
  }
  const { key, mountPoint, dialect, root } = found;
  const left = reader?.children(found, root) ?? [];
  if (dialect === 'v1' && root === ROOT && left.length > 0 && !force) {
    const some = left.slice(0, 8).map(printable).join(', ');
    throw new CgError(
      'BUSY',
      `${key} has groups in it (${some}${left.length > 8 ? ` and ${left.length - 8} more` : ''}): without a mount it would live on unseen and keep its controllers; remove them first, or give --force`,
      { hierarchy: key, groups: left.slice(0, 100) },
    );
  }
  return [{ command: ['umount', '--', mountPoint], why: `${key}: limits of its groups end with it` }];
}

/** A second mount would show the same groups twice, to no use. */
function mountedAlready(what: string, { key, mountPoint }: Hierarchy): CgError {
  const where =
    what === key ? `mounted at ${printable(mountPoint)}` : `in the hierarchy ${key} at ${printable(mountPoint)}`;
  return new CgError(
    'BUSY',
    `${what} is ${where}, and what is attached cannot be mounted elsewhere: unmount that one first`,
    { hierarchy: key, mountPoint },
  );
}

function checkController({ hierarchies, kernel }: Mounts, controller: string): void {
  const known = kernel.find(({ name }) => name === controller);
  if (known === undefined) {
    const names = kernel.map(({ name }) => name).join(', ');
    throw new CgError('VALUE', `this kernel has no v1 controller ${excerpt(controller)}; it has ${names || 'none'}`, {
      controller,
    });
  }
  if (!known.enabled)
    throw new CgError('UNSUPPORTED', `${controller} was switched off at boot (cgroup_disable=)`, { controller });
  const home = hierarchies.find(({ dialect, controllers }) => dialect === 'v1' && controllers.includes(controller));
  if (home !== undefined) throw mountedAlready(controller, home);
  if (known.hierarchy > 0)
    throw new CgError(
      'BUSY',
      `${controller} is in a hierarchy that is not mounted here but still has groups or another mount: an attached controller cannot be mounted elsewhere`,
      { controller },
    );
}

/** Runs the commands. @throws CgError KERNEL with what the program said, PERMISSION, UNSUPPORTED where a program is missing */
export async function perform(commands: readonly Command[]): Promise<void> {
  for (const { command } of commands) {
    const [program = '', ...args] = command;
    await promisify(execFile)(program, args).catch((error: unknown) => {
      throw failure(command, error);
    });
  }
}

function failure(command: readonly string[], error: unknown): unknown {
  const [program = ''] = command;
  if (errnoOf(error) === 'ENOENT')
    return new CgError('UNSUPPORTED', `${program} is not installed: it is in Debian's packages mount and coreutils`);
  if (!(error instanceof Error) || !('stderr' in error)) return error;
  const said = printable(String(error.stderr).trim().split('\n').join('; '));
  const words = `${command.join(' ')}: ${said || error.message}`;
  if (process.geteuid?.() !== 0)
    return new CgError('PERMISSION', `${words} (only root mounts hierarchies)`, { command });
  return new CgError(
    'KERNEL',
    `${words}${MEANS.find(([pattern]) => pattern.test(said))?.[1] ?? ''}`,
    { command },
    { cause: error },
  );
}

/** What mount(8) and umount(8) leave unsaid. */
const MEANS: readonly (readonly [RegExp, string])[] = [
  [
    /wrong fs type|bad option|bad usage/,
    ': the kernel does not take these options, or the controller is kept for cgroup v2 (cgroup_no_v1=)',
  ],
  [
    /already mounted|busy/,
    ': it is in use: by a process that is in it or has a file of it open, or, when mounting, because the controller is enabled in cgroup v2 groups',
  ],
];
