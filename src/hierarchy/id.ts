/** Cgroup ids: the only place where a text becomes one. Names below cgroupfs are chosen by whoever made the group. */
import { CgError } from '../errors.ts';
import { excerpt } from '../parse/printable.ts';
import type { CgroupId } from './types.ts';

/** NAME_MAX and PATH_MAX of Linux (limits.h), in bytes. */
const MAX_NAME = 255;
const MAX_PATH = 4096;
/** Most names: printable ASCII without a slash. */
const PLAIN = /^[ -.0-~]*$/;
/** What no name may hold: the slash and controls; lone surrogates have no bytes. */
const unacceptable = () => /[/\p{Cc}\p{Cs}]/u;

/** The cgroup at the top of every hierarchy. */
export const ROOT = '/' as CgroupId;

/**
 * An absolute path to an id: `//` and a trailing `/` are taken out, and nothing else is repaired.
 * @throws CgError ID_INVALID: not absolute, `.` or `..`, a control character, a name over 255 or a path over 4096 bytes
 */
export function parseCgroupId(text: string): CgroupId {
  if (!text.startsWith('/')) throw invalid(text, 'is not an absolute path');
  const names = text.split('/').filter((name) => name !== '');
  for (const name of names) {
    const reason = whyNot(name);
    if (reason !== undefined) throw invalid(text, reason);
  }
  return checked(`/${names.join('/')}`);
}

/**
 * The id of a group's child by its name.
 * @throws CgError ID_INVALID as {@link parseCgroupId}, also for an empty name or one with a slash
 */
export function childId(parent: CgroupId, name: string): CgroupId {
  const reason = whyNot(name);
  if (reason !== undefined) throw invalid(name, reason);
  return checked(join(parent, name));
}

/** Whether a name that the kernel listed can be part of an id; it lets through more than we do (tabs, escapes). */
export function isName(name: string): boolean {
  return whyNot(name) === undefined;
}

/** {@link childId} for a listed name: undefined where there can be no such id, as the tree is deeper than paths are long. */
export function tryChildId(parent: CgroupId, name: string): CgroupId | undefined {
  const path = join(parent, name);
  return isName(name) && fits(path) ? path : undefined;
}

/** The group above, or undefined for the root. */
export function parentId(id: CgroupId): CgroupId | undefined {
  return id === ROOT ? undefined : ((id.slice(0, id.lastIndexOf('/')) || '/') as CgroupId);
}

/** The last component; empty for the root. */
export function nameOf(id: CgroupId): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** All groups above, the root first; none for the root itself. */
export function ancestors(id: CgroupId): CgroupId[] {
  const above: CgroupId[] = [];
  for (let at = parentId(id); at !== undefined; at = parentId(at)) above.unshift(at);
  return above;
}

/** How many components: 0 for the root. */
export function depthOf(id: CgroupId): number {
  return id === ROOT ? 0 : id.split('/').length - 1;
}

/** Whether a group is `top` or below it. */
export function isWithin(id: CgroupId, top: CgroupId): boolean {
  return top === ROOT || id === top || id.startsWith(`${top}/`);
}

/** What is left of an id below `top` (which it must be within): empty for `top` itself, else `/a/b`. */
export function below(id: CgroupId, top: CgroupId): string {
  if (id === top) return '';
  return top === ROOT ? id : id.slice(top.length);
}

function join(parent: CgroupId, name: string): CgroupId {
  return (parent === ROOT ? `/${name}` : `${parent}/${name}`) as CgroupId;
}

function checked(path: string): CgroupId {
  if (!fits(path)) throw invalid(path, `is longer than ${MAX_PATH} bytes`);
  return path as CgroupId;
}

/** A UTF-16 unit is at most three bytes. */
function fits(path: string): boolean {
  return path.length * 3 <= MAX_PATH || Buffer.byteLength(path) <= MAX_PATH;
}

function whyNot(name: string): string | undefined {
  if (name === '') return 'has an empty name';
  if (name === '.' || name === '..') return `contains "${name}"`;
  if (!PLAIN.test(name) && unacceptable().test(name)) return 'contains a slash or a control character in a name';
  if (name.length * 3 > MAX_NAME && Buffer.byteLength(name) > MAX_NAME) return `has a name over ${MAX_NAME} bytes`;
  return undefined;
}

function invalid(text: string, reason: string): CgError {
  return new CgError('ID_INVALID', `The cgroup id ${excerpt(text)} ${reason}`);
}
