/** Reading cgroupfs: small synchronous calls, since a control file is answered by the kernel at once. */
import { closeSync, constants, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { CgError, errnoOf } from '../errors.ts';
import { excerpt, printable } from '../parse/printable.ts';
import { below, isWithin } from './id.ts';
import type { CgroupId, Hierarchy, Layout, Reader } from './types.ts';

/** What a failed look tells: not there (any more), or a path too long for the kernel to follow. */
const GONE: readonly (string | undefined)[] = ['ENOENT', 'ENODEV', 'ENOTDIR', 'ENAMETOOLONG'];

/** A directory without subdirectories has so many links in kernfs: its own name and `.`. */
const LINKS_OF_LEAF = 2;

export class CgroupReader implements Reader {
  constructor(readonly layout: Layout) {}

  places(id: CgroupId): readonly Hierarchy[] {
    return this.layout.hierarchies.filter((h) => this.exists(h, id));
  }

  exists(h: Hierarchy, id: CgroupId): boolean {
    return isWithin(id, h.root) && existsSync(pathOf(h, id));
  }

  children(h: Hierarchy, id: CgroupId): readonly string[] {
    if (!isWithin(id, h.root)) return [];
    const path = pathOf(h, id);
    return unlessGone([], () => {
      // most groups are leaves, and a stat costs a tenth of a listing
      if (statSync(path).nlink === LINKS_OF_LEAF) return [];
      return list(path, (entry) => entry.isDirectory());
    });
  }

  files(h: Hierarchy, id: CgroupId): readonly string[] {
    if (!isWithin(id, h.root)) return [];
    return unlessGone([], () => list(pathOf(h, id), (entry) => entry.isFile()));
  }

  hasFile(h: Hierarchy, id: CgroupId, file: string): boolean {
    return isWithin(id, h.root) && existsSync(pathOf(h, id, file));
  }

  read(h: Hierarchy, id: CgroupId, file: string): string {
    const path = this.path(h, id, file);
    try {
      return readText(path);
    } catch (error) {
      throw this.#explain(error, h, id, path);
    }
  }

  tryRead(h: Hierarchy, id: CgroupId, file: string): string | undefined {
    if (!isWithin(id, h.root)) return undefined;
    const path = pathOf(h, id, file);
    try {
      return readText(path);
    } catch (error) {
      const errno = errnoOf(error);
      // EINVAL, or EACCES for a user, is a file that can only be written; EOPNOTSUPP one that is switched off (psi=0)
      if (GONE.includes(errno) || errno === 'EINVAL' || errno === 'EOPNOTSUPP') return undefined;
      if (errno === 'EACCES' && isWriteOnly(path)) return undefined;
      throw this.#explain(error, h, id, path);
    }
  }

  generation(h: Hierarchy, id: CgroupId): bigint | undefined {
    if (!isWithin(id, h.root)) return undefined;
    return unlessGone(undefined, () => statSync(pathOf(h, id), { bigint: true }).ino);
  }

  path(h: Hierarchy, id: CgroupId, file?: string): string {
    if (isWithin(id, h.root)) return pathOf(h, id, file);
    throw new CgError(
      'NOT_FOUND',
      `The mount ${excerpt(h.mountPoint)} shows only what is below ${excerpt(h.root)}, not ${excerpt(id)}`,
    );
  }

  #explain(error: unknown, h: Hierarchy, id: CgroupId, path: string): unknown {
    const errno = errnoOf(error);
    if (errno === undefined) return error;
    const fail = (code: 'ABSENT' | 'VANISHED' | 'PERMISSION' | 'KERNEL', what: string) =>
      new CgError(code, `${printable(path)}: ${what}`, { path, errno }, { cause: error });
    if (errno === 'ENODEV' || (GONE.includes(errno) && !this.exists(h, id)))
      return fail('VANISHED', 'the cgroup is gone');
    if (GONE.includes(errno)) return fail('ABSENT', 'there is no such file here');
    if (errno === 'EOPNOTSUPP') return fail('ABSENT', 'the kernel has it switched off');
    if (errno === 'EACCES' || errno === 'EPERM') return fail('PERMISSION', 'not permitted to read it');
    return fail('KERNEL', errno === 'EINVAL' ? 'it cannot be read' : `reading failed with ${errno}`);
  }
}

/** The absolute path of a group's directory or file; the id must be within the hierarchy's root. */
export function pathOf(h: Hierarchy, id: CgroupId, file?: string): string {
  const directory = h.mountPoint + below(id, h.root);
  if (file === undefined) return directory;
  if (file === '' || file === '.' || file === '..' || /[/\0]/.test(file)) {
    throw new CgError('INTERNAL', `${excerpt(file)} is not a file name`);
  }
  return `${directory}/${file}`;
}

/** The hierarchy whose directory keeps what was asked for: the first of those that the group is in. */
export function homeOf(places: readonly Hierarchy[]): Hierarchy | undefined {
  return places[0];
}

/** Grown when a file is larger; shared, since nothing else runs while it is in use. */
let buffer = Buffer.allocUnsafe(64 * 1024);

/** All of a file. A short read is not its end: seq_file stops at a record. */
function readText(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    let length = 0;
    for (;;) {
      const got = readSync(fd, buffer, length, buffer.length - length, null);
      if (got === 0) return buffer.toString('utf8', 0, length);
      length += got;
      if (length === buffer.length) buffer = Buffer.concat([buffer], 2 * length);
    }
  } finally {
    closeSync(fd);
  }
}

function list(path: string, wanted: (entry: { isDirectory(): boolean; isFile(): boolean }) => boolean): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter(wanted)
    .map(({ name }) => name);
}

function isWriteOnly(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o444) === 0;
}

function unlessGone<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (GONE.includes(errnoOf(error))) return otherwise;
    throw error;
  }
}
