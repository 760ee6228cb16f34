/**
 * Which hierarchies there are and where: /proc/self/mountinfo is believed, not the usual places. Controllers may be mounted
 * together (`cpu,cpuacct`), hierarchies named, mounted elsewhere, twice, read-only, or showing another group at their top.
 */
import { CgError } from '../errors.ts';
import { parseMajMin } from '../parse/device.ts';
import { type Mount, parseMountinfo } from '../parse/mountinfo.ts';
import { excerpt } from '../parse/printable.ts';
import { isWithin, parseCgroupId } from './id.ts';
import type { CgroupId, Hierarchy, Layout } from './types.ts';

const STANDARD_PLACE = '/sys/fs/cgroup';

/** Words among a v1 mount's super options that are no controller (kernel/cgroup/cgroup-v1.c, cgroup1_show_options; SELinux). */
const OPTIONS = new Set([
  'rw',
  'ro',
  'none',
  'noprefix',
  'xattr',
  'clone_children',
  'cpuset_v2_mode',
  'favordynmods',
  'seclabel',
]);

export interface LayoutSource {
  /** Text of /proc/self/mountinfo. */
  mountinfo: string;
  /** Text of cgroup.controllers at a cgroup2 mount's top; undefined where it cannot be read. */
  rootControllers(mountPoint: string): string | undefined;
  /** Only mounts at or below this directory count (`--cgroup-root`). */
  cgroupRoot?: string | undefined;
}

/**
 * The host's hierarchies: v1 ones in mountinfo's order, the unified one last. Of several mounts of a hierarchy the one that shows
 * its root is taken, then one below the given or the standard place, then a writable one.
 * @throws CgError NO_CGROUPS when there is none
 */
export function detectLayout({ mountinfo, rootControllers, cgroupRoot }: LayoutSource): Layout {
  const mounts = parseMountinfo(mountinfo);
  const visible = lookup(mounts);
  const place = directory(cgroupRoot ?? STANDARD_PLACE);
  const chosen = new Map<string, Mount>();
  for (const mount of mounts) {
    const key = keyOf(mount);
    if (key === undefined || mount.root.endsWith('//deleted') || visible(mount.mountPoint) !== mount) continue;
    if (cgroupRoot !== undefined && !isBelow(mount.mountPoint, place)) continue;
    const other = chosen.get(key);
    if (other === undefined || isBetter(mount, other, place)) chosen.set(key, mount);
  }
  const hierarchies = [...chosen]
    .map(([key, mount]) => toHierarchy(key, mount, rootControllers))
    .sort((a, b) => (a.dialect === b.dialect ? 0 : a.dialect === 'v1' ? -1 : 1));
  const unified = hierarchies.find(({ dialect }) => dialect === 'v2');
  if (hierarchies.length === 0) {
    const where = cgroupRoot === undefined ? '' : ` at or below ${excerpt(place)}`;
    throw new CgError('NO_CGROUPS', `No cgroup or cgroup2 file system is mounted${where}`);
  }
  if (unified === undefined) return { mode: 'v1', hierarchies };
  return { mode: hierarchies.length === 1 ? 'v2' : 'hybrid', hierarchies, unified };
}

/** The highest groups that any mount shows: `/` but for bind mounts and containers without a cgroup namespace. */
export function tops(layout: Layout): CgroupId[] {
  const roots = [...new Set(layout.hierarchies.map(({ root }) => root))];
  return roots.filter((root) => !roots.some((other) => other !== root && isWithin(root, other)));
}

/** The v1 hierarchies with a subsystem: one, where it is mounted. */
export function v1With(layout: Layout, subsystem: string): readonly Hierarchy[] {
  return layout.hierarchies.filter(({ dialect, controllers }) => dialect === 'v1' && controllers.includes(subsystem));
}

/**
 * A path of /proc/PID/cgroup as an id, or undefined where the mount does not show that group. The kernel prints it as seen from the
 * reader's cgroup namespace, where `/../x` lies outside.
 */
export function idOfProcPath(hierarchy: Hierarchy, path: string): CgroupId | undefined {
  const { outside = '', root } = hierarchy;
  if (path !== outside && !path.startsWith(`${outside}/`)) return undefined;
  const rest = path.slice(outside.length) || '/';
  if (/^\/\.\.(\/|$)/.test(rest)) return undefined;
  const id = parseCgroupId(rest);
  return isWithin(id, root) ? id : undefined;
}

function keyOf({ fsType, superOptions }: Mount): string | undefined {
  if (fsType === 'cgroup2') return 'unified';
  if (fsType !== 'cgroup') return undefined;
  return superOptions
    .filter((option) => option.startsWith('name=') || !(OPTIONS.has(option) || option.includes('=')))
    .join(',');
}

function toHierarchy(key: string, mount: Mount, rootControllers: LayoutSource['rootControllers']): Hierarchy {
  const v1 = mount.fsType === 'cgroup';
  const outside = /^(\/\.\.(?=\/|$))+/.exec(mount.root)?.[0];
  const controllers = v1 ? key.split(',') : (rootControllers(mount.mountPoint) ?? '').split(/\s+/);
  return {
    key,
    dialect: v1 ? 'v1' : 'v2',
    mountPoint: mount.mountPoint,
    root: parseCgroupId(mount.root.slice(outside?.length ?? 0) || '/'),
    ...(outside === undefined ? {} : { outside }),
    controllers: controllers.filter((name) => name !== '' && !name.startsWith('name=')),
    readOnly: mount.options.includes('ro') || mount.superOptions.includes('ro'),
    device: deviceNumber(mount.device),
  };
}

function isBetter(mount: Mount, other: Mount, place: string): boolean {
  const marks: ((mount: Mount) => boolean)[] = [
    ({ root }) => /^(\/\.\.)*\/?$/.test(root),
    ({ mountPoint }) => isBelow(mountPoint, place),
    ({ options }) => !options.includes('ro'),
  ];
  const decisive = marks.find((mark) => mark(mount) !== mark(other));
  return decisive?.(mount) ?? false;
}

/**
 * The mount that a lookup of a path ends on: what is mounted over a mount, or over a directory above it, hides it.
 * The walk starts on the mounts whose parent is not listed (the root; in a chroot, whatever is mounted in it). A later mount on
 * `/` hides nothing: processes keep the root that they have.
 */
function lookup(mounts: readonly Mount[]): (path: string) => Mount | undefined {
  const listed = new Set(mounts.map(({ id }) => id));
  const on = new Map<number | undefined, Mount[]>();
  for (const mount of mounts) {
    const under = listed.has(mount.parent) ? mount.parent : undefined;
    if (under !== undefined && mount.mountPoint === '/') continue;
    on.set(under, [...(on.get(under) ?? []), mount]);
  }
  const step = (from: Mount | undefined, path: string): Mount | undefined => {
    const next = first(on.get(from?.id) ?? [], path);
    return next === undefined ? from : step(next, path);
  };
  return (path) => step(undefined, path);
}

/** Of the mounts on one mount, the one that the way to `path` meets first. */
function first(mounts: readonly Mount[], path: string): Mount | undefined {
  const met = mounts.filter(({ mountPoint }) => isBelow(path, mountPoint));
  return met.sort((a, b) => a.mountPoint.length - b.mountPoint.length)[0];
}

function isBelow(path: string, top: string): boolean {
  return top === '/' || path === top || path.startsWith(`${top}/`);
}

function directory(path: string): string {
  return path.replace(/\/+$/, '') || '/';
}

/** mountinfo's `major:minor` as stat(2) gives it (glibc's makedev). */
function deviceNumber(majMin: string): bigint {
  const parsed = parseMajMin(majMin);
  if (parsed === undefined) throw new CgError('PARSE', `mountinfo names a device ${excerpt(majMin)}`);
  const major = BigInt(parsed.major);
  const minor = BigInt(parsed.minor);
  return ((major & 0xfffn) << 8n) | (minor & 0xffn) | ((minor & ~0xffn) << 12n);
}
