/** What is kept in a group's extended attributes: it needs no file of ours and dies with the group. */
import { errnoOf } from '../errors.ts';
import { pathOf } from './cgroupfs.ts';
import { isWithin } from './id.ts';
import type { CgroupId, Hierarchy, Memory } from './types.ts';

/** trusted.* needs CAP_SYS_ADMIN; user.* is for the owner of a delegated group, and only v2 has it. */
export const ASKED = { root: 'trusted.cgctl.asked', user: 'user.cgctl.asked' } as const;
/** XATTR_SIZE_MAX (limits.h). */
export const MAX_ASKED_BYTES = 64 * 1024;

/** systemd's marks on the top of a delegated subtree (its docs/CGROUP_DELEGATION.md). */
const DELEGATE = ['trusted.delegate', 'user.delegate'];

export interface Xattrs {
  /** Undefined where there is none. Throws with an errno in `code`. */
  getxattr(path: string, name: string): Buffer | undefined;
  setxattr(path: string, name: string, value: Uint8Array): void;
}

export function asUser(): boolean {
  return process.geteuid?.() !== 0;
}

export class CgroupMemory implements Memory {
  readonly #xattrs: () => Xattrs | undefined;

  /** @param xattrs loads the native addon when first needed; undefined where it cannot be loaded */
  constructor(xattrs: () => Xattrs | undefined) {
    this.#xattrs = xattrs;
  }

  recall(h: Hierarchy, id: CgroupId): Readonly<Record<string, string>> | undefined {
    if (this.#xattrs() === undefined) return undefined;
    // root reads what a user kept in a delegated group too
    const texts = (asUser() ? [ASKED.user] : [ASKED.root, ASKED.user]).map((name) => this.#get(h, id, name));
    const text = texts.find((found) => found !== undefined);
    if (text !== undefined) return parseAsked(text);
    return asUser() ? undefined : {};
  }

  delegated(h: Hierarchy, id: CgroupId): boolean {
    return DELEGATE.some((name) => this.#get(h, id, name) === '1');
  }

  #get(h: Hierarchy, id: CgroupId, name: string): string | undefined {
    if (!isWithin(id, h.root)) return undefined;
    try {
      return this.#xattrs()?.getxattr(pathOf(h, id), name)?.toString('utf8');
    } catch (error) {
      // gone, not permitted, or not supported on this hierarchy: nothing is kept here
      if (errnoOf(error) === undefined) throw error;
      return undefined;
    }
  }
}

/** The attribute's text, which anybody who owns the directory may have written: only what has the form of a knob and a value is taken. */
export function parseAsked(text: string): Readonly<Record<string, string>> {
  if (text.length > MAX_ASKED_BYTES) return {};
  const parsed = parseJson(text);
  if (typeof parsed !== 'object' || parsed === null) return {};
  const entries = Object.entries(parsed).filter(
    (entry): entry is [string, string] => /^[a-z][\w.]{0,99}$/.test(entry[0]) && typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
