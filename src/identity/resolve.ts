/** What people call a cgroup, to its id: a path, the end of one, a container's id, a systemd unit, a process. */
import { readFileSync } from 'node:fs';
import { CgError, errnoOf } from '../errors.ts';
import { depthOf, nameOf, parseCgroupId, ROOT } from '../hierarchy/id.ts';
import { idOfProcPath, tops } from '../hierarchy/layout.ts';
import { walk } from '../hierarchy/tree.ts';
import type { CgroupId, Hierarchy, Host, Layout } from '../hierarchy/types.ts';
import { excerpt, quoteArg } from '../parse/printable.ts';
import { type ProcCgroup, parseProcCgroup } from '../parse/procfs.ts';
import { containerAt, slicePath } from './runtime.ts';

/** How many candidates or near misses a message lists. */
const LISTED = 20;
const NEAR = 5;
/** A name or its part of fewer letters is near to nothing. */
const SIMILAR = 3;

/**
 * The group that `<id>` means:
 * - `/a/b`: that path. Where every mount shows a deeper group at its top (a container), `/` is that group.
 * - `pid:N`: the group of process N ({@link groupOfProcess}).
 * - anything else: the group whose path ends in it at a slash (`web`, `a/web`, `sshd.service`), whose container's 64-digit id
 *   begins with it (4 digits or more), or, for a slice, that lies where its name says (`a-b.slice`). It must be the only one;
 *   units are written as systemd escapes them.
 * @throws CgError ID_INVALID, NOT_FOUND (`near` in its details), AMBIGUOUS (`candidates`, at most 20, and `total`)
 */
export function resolveId(host: Host, text: string): CgroupId {
  const pid = /^pid:(.*)$/s.exec(text)?.[1];
  if (pid !== undefined) return groupOfProcess(host.layout, pid);
  if (text.startsWith('/')) return existing(host, parseCgroupId(text));
  if (text === '') throw new CgError('ID_INVALID', 'A cgroup id cannot be empty');
  // as strict as for paths, before anything is compared with it
  const suffix = parseCgroupId(`/${text}`);
  const slice = slicePath(text);
  const digits = /^[0-9a-f]{4,64}$/.test(text) ? text : undefined;
  const matches = groups(host).filter(
    (id) => id.endsWith(suffix) || id === slice || (digits !== undefined && containerAt(id)?.id.startsWith(digits)),
  );
  const [only, ...others] = matches;
  if (only === undefined) throw notFound(host, text);
  if (others.length > 0) throw ambiguous(text, matches);
  return only;
}

/**
 * The group of a process. Where it is in different ones in different hierarchies, the deepest is meant, of equally deep ones the first in
 * the layout's order: hosts keep processes in the roots of the hierarchies that they do not use.
 * @param pid decimal digits
 * @throws CgError ID_INVALID, NOT_FOUND: no such process, or its group is removed or not shown by the mounts here
 */
export function groupOfProcess(layout: Layout, pid: string, proc = '/proc'): CgroupId {
  if (!/^[1-9]\d{0,9}$/.test(pid)) throw new CgError('ID_INVALID', `${excerpt(`pid:${pid}`)} is not pid: and a number`);
  const lines = membership(`${proc}/${pid}/cgroup`, pid);
  const ids = layout.hierarchies.flatMap((h) => {
    const line = lines.find((at) => isOf(h, at));
    const id = line === undefined || line.deleted ? undefined : idOfProcPath(h, line.path);
    return id === undefined ? [] : [id];
  });
  const [deepest] = ids.sort((a, b) => depthOf(b) - depthOf(a));
  if (deepest !== undefined) return deepest;
  throw new CgError('NOT_FOUND', `The cgroup of process ${pid} is removed, or outside of what is mounted here`, {
    paths: lines.map(({ path }) => path),
  });
}

function membership(file: string, pid: string): ProcCgroup[] {
  try {
    return parseProcCgroup(readFileSync(file, 'utf8'));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'ESRCH') throw error;
    throw new CgError('NOT_FOUND', `There is no process ${pid}`, { pid: Number(pid) });
  }
}

function isOf(h: Hierarchy, { hierarchy, controllers }: ProcCgroup): boolean {
  return h.dialect === 'v2' ? hierarchy === 0 : controllers.join(',') === h.key;
}

function existing(host: Host, id: CgroupId): CgroupId {
  if (host.reader.places(id).length > 0) return id;
  const [top, ...others] = tops(host.layout);
  if (id === ROOT && top !== undefined && others.length === 0) return top;
  throw notFound(host, id);
}

function groups({ reader }: Host): CgroupId[] {
  return Array.from(walk(reader), ({ id }) => id);
}

function notFound(host: Host, text: string): CgError {
  const wanted = text.slice(text.lastIndexOf('/') + 1).toLowerCase();
  const isNear = (name: string) => name.length >= SIMILAR && (name.includes(wanted) || wanted.includes(name));
  const near = wanted.length < SIMILAR ? [] : groups(host).filter((id) => isNear(nameOf(id).toLowerCase()));
  const named = near.slice(0, NEAR);
  const hint = named.length === 0 ? '' : `; there is ${named.map(quoteArg).join(', ')}`;
  return new CgError('NOT_FOUND', `There is no cgroup ${excerpt(text)}${hint}`, { id: text, near: named });
}

function ambiguous(text: string, matches: readonly CgroupId[]): CgError {
  const candidates = matches.slice(0, LISTED);
  const more = matches.length > LISTED ? ` and ${matches.length - LISTED} more` : '';
  return new CgError('AMBIGUOUS', `${excerpt(text)} may mean ${candidates.map(quoteArg).join(', ')}${more}`, {
    candidates,
    total: matches.length,
  });
}
