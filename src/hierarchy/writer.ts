/** Changing cgroupfs. Confined lexically (ids are clean) and by device number: what is mounted over a group is not the group. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, rmdirSync, statSync, writeSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { pathOf } from './cgroupfs.ts';
import { isWithin, parentId } from './id.ts';
import { ASKED, asUser, MAX_ASKED_BYTES, type Xattrs } from './memory.ts';
import type { CgroupId, Hierarchy, Refusal, Writer } from './types.ts';

export class CgroupWriter implements Writer {
  readonly #xattrs: () => Xattrs | undefined;

  /** @param xattrs loads the native addon when first needed; undefined where it cannot be loaded */
  constructor(xattrs: () => Xattrs | undefined) {
    this.#xattrs = xattrs;
  }

  write(h: Hierarchy, id: CgroupId, file: string, text: string): Refusal | undefined {
    return attempt(h, id, file, (path) => {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
      try {
        const opened = fstatSync(fd, { bigint: true });
        if (!opened.isFile() || opened.dev !== h.device) return 'EXDEV';
        // a write of nothing does not reach the kernel's handler; a newline empties what can be empty
        const bytes = Buffer.from(text === '' ? '\n' : text);
        return writeSync(fd, bytes) === bytes.length ? undefined : 'EIO';
      } finally {
        closeSync(fd);
      }
    });
  }

  mkdir(h: Hierarchy, id: CgroupId): Refusal | undefined {
    return attempt(h, id, undefined, (path) => {
      const parent = parentId(id);
      if (parent === undefined || id === h.root) return 'EEXIST';
      if (!isOf(h, pathOf(h, parent))) return 'EXDEV';
      mkdirSync(path, 0o755);
      return undefined;
    });
  }

  rmdir(h: Hierarchy, id: CgroupId): Refusal | undefined {
    return attempt(h, id, undefined, (path) => {
      if (!isOf(h, path)) return 'EXDEV';
      rmdirSync(path);
      return undefined;
    });
  }

  remember(h: Hierarchy, id: CgroupId, asked: Readonly<Record<string, string>>): boolean {
    const value = Buffer.from(JSON.stringify(asked));
    const xattrs = this.#xattrs();
    if (xattrs === undefined || value.length > MAX_ASKED_BYTES) return false;
    const refusal = attempt(h, id, undefined, (path) => {
      if (!isOf(h, path)) return 'EXDEV';
      xattrs.setxattr(path, asUser() ? ASKED.user : ASKED.root, value);
      return undefined;
    });
    return refusal === undefined;
  }
}

/** Does something to a path; what it returns or the kernel throws is the errno. */
function attempt(
  h: Hierarchy,
  id: CgroupId,
  file: string | undefined,
  act: (path: string) => string | undefined,
): Refusal | undefined {
  if (!isWithin(id, h.root)) return { errno: 'ENOENT', path: h.mountPoint + id };
  const path = pathOf(h, id, file);
  try {
    const errno = act(path);
    return errno === undefined ? undefined : { errno, path };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return { errno, path };
  }
}

function isOf(h: Hierarchy, directory: string): boolean {
  const { dev } = statSync(directory, { bigint: true });
  return dev === h.device;
}
