/**
 * The native addon behind types: a few system calls that Node lacks, and what is done too often for JavaScript. Everything
 * has to work, or say plainly that it cannot, where the addon is missing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package.ts';

export interface Native {
  /**
   * An extended attribute (getxattr(2), following no symbolic link), or undefined where there is none.
   * @throws Error with code (errno name), errno, syscall and path; so do all functions here
   */
  getxattr(path: string, name: string): Buffer | undefined;
  /** Set an extended attribute, whether it was there or not (setxattr(2)). */
  setxattr(path: string, name: string, value: Uint8Array): void;
  /** Remove an extended attribute. @returns whether there was one */
  removexattr(path: string, name: string): boolean;
  /**
   * Small files of one directory, at once. The kernel's caches keep no entry of them where they can be opened by handle
   * (open_by_handle_at(2)), which needs CAP_DAC_READ_SEARCH.
   * @param names in the directory itself
   * @param most bytes of each, at most 64 KiB; longer texts are cut
   * @returns in the order of names; undefined for what cannot be read
   */
  readTexts(directory: string, names: readonly string[], most: number): (string | undefined)[];
  /**
   * @param callback is called with what has happened since the last call, oldest first
   * @param mostEventfds of those that are registered at births: further groups have none; without it there is no limit
   */
  Watcher: new (
    callback: (notes: readonly Note[]) => void,
    mostEventfds?: number,
  ) => Watcher;
  /**
   * @param hierarchies a mount point, and how many bytes of a group's path lead to it (`/` and the mount's root)
   * @param columns how many there are
   * @param budget descriptors that are kept open, at most
   * @param noLimit a number from which on it stands for no limit
   */
  BatchReader: new (
    hierarchies: readonly { readonly path: string; readonly skip: number }[],
    columns: number,
    budget: number,
    noLimit: number,
  ) => BatchReader;
  /**
   * Write lines of an exposition: the name, the subject of a figure's row, its tail, the number. A line is left out where the
   * number is NaN, and where there is no subject or tail, or an empty one.
   * @param place where in the page the next line goes, and which figure it is: both are moved on, until all are written or there
   *   may be no room for one
   * @param which of the tails each figure has; undefined: figures are by row and have the first
   * @param starts of each text in the bytes, and the end of the last
   * @throws TypeError, RangeError
   */
  putLines(
    page: Uint8Array,
    place: Uint32Array,
    name: Uint8Array,
    values: Float64Array,
    rows: Int32Array,
    which: Int32Array | undefined,
    subjects: Uint8Array,
    subjectStarts: Uint32Array,
    tails: Uint8Array,
    tailStarts: Uint32Array,
  ): void;
}

/** Where a figure is in a file, as in `Format`, and what becomes of it. */
export interface FigureSpec {
  readonly at: string;
  /** The flat or numa key, the psi line, the keyed suffix, the nested field, the op. */
  readonly key?: string | undefined;
  /** Of the word. */
  readonly index?: number | undefined;
  readonly per?: number | undefined;
  readonly equals?: string | undefined;
  readonly unlimited?: string | undefined;
  readonly column: number;
  /** Whether the column's figures have labels. */
  readonly keyed: boolean;
  /** The label, where the file's name gives it. */
  readonly label?: string | undefined;
}

/**
 * Files of groups, to be read at once. The arrays that are filled are the batch's until it has been read: a buffer that is
 * transferred or made smaller meanwhile would be written to all the same.
 */
export interface BatchSpec {
  /** Of each file: its group's handle, the number of its step, the row that its figures are for. */
  readonly groups: Int32Array;
  readonly steps: Int32Array;
  readonly rows: Int32Array;
  /** Filled: 0 read, 1 absent, 2 failed, 3 not understood. */
  readonly outcomes: Uint8Array;
  /** Filled: when its turn came, in seconds on the clock that says `now`. */
  readonly times: Float64Array;
  /** Written at the rows: NaN where a file that was read holds no figure. */
  readonly columns: readonly (Float64Array | undefined)[];
  /** Files of lower rank stay open, and of this rank so many as are spare. */
  readonly level: number;
  readonly spare: number;
  readonly now: number;
}

/** Figures with labels, in the order in which they were found. */
export interface BatchResult {
  readonly keyed: readonly {
    readonly column: number;
    readonly row: Int32Array;
    /** Numbers of labels. */
    readonly label: Int32Array;
    readonly value: Float64Array;
  }[];
  /** Labels that are new, in the order of their numbers, which go on from the batch before. */
  readonly labels: readonly Buffer[];
}

/** Reads control files through descriptors that stay open as far as its budget goes, on a thread of libuv's pool. */
export interface BatchReader {
  /** Declare what is to be found in a file. @returns the step's number: 0, 1, 2 … */
  define(step: {
    readonly hierarchy: number;
    readonly file: string;
    readonly rank: number;
    readonly items: readonly FigureSpec[];
  }): number;
  /** @param path the group's, absolute. @returns its handle */
  add(path: string): number;
  /** Forget a group and close its files. */
  remove(handle: number): void;
  /** One at a time: meanwhile all but close() and open is EBUSY. @throws ECANCELED when it was closed meanwhile */
  read(batch: BatchSpec): Promise<BatchResult>;
  /** Let go of every descriptor; a batch that is being read ends early. Closing again does nothing, all else is EBADF then. */
  close(): void;
  /** How many files are kept open. */
  readonly open: number;
}

/** A kind of file that is watched, the same for many groups. */
export type WatchSpec =
  | {
      /** v1 notifications (Linux, admin-guide/cgroup-v1/memory.rst, section 9): `control` is the file that registrations are written to. */
      readonly mechanism: 'eventfd';
      readonly file: string;
      readonly control: string;
      /** Files that are read too when the first has changed. */
      readonly beside?: readonly string[];
      /** When to look again after a signal, in ms after it (at most a day), ascending: what changed meanwhile is told. */
      readonly looks?: readonly number[];
    }
  | {
      /** The file is modified (inotify); or the file is written with a trigger and then tells of pressure (accounting/psi.rst). */
      readonly mechanism: 'modify' | 'trigger';
      readonly file: string;
      readonly beside?: readonly string[];
    }
  /** By inotify: directories made and removed in it, and files written in it if that is wanted. */
  | { readonly mechanism: 'directory'; readonly hierarchy: number; readonly writes: boolean };

/** What the watching thread saw. Times are CLOCK_MONOTONIC in ms, process.hrtime()'s clock. */
export type Note =
  | {
      /** A file notified, or is different at a later look: its text now, and those beside it (empty where they cannot be read). */
      readonly kind: 'text';
      readonly key: number;
      /** When it notified. */
      readonly at: number;
      /** Which look it is; 0 is the one right after the notification. */
      readonly turn: number;
      readonly texts: readonly string[];
    }
  /** The group is gone, and the key with it. */
  | { readonly kind: 'ended'; readonly key: number }
  | {
      readonly kind: 'made' | 'removed' | 'written';
      readonly hierarchy: number;
      /** The absolute path of the directory in which it happened. */
      readonly directory: string;
      /** Of the directory that was made or removed, or of the file that was written. */
      readonly name: string;
      /** Who did it, where that is known, and their command's name if they are still there. */
      readonly pid?: number;
      readonly command?: string;
      /** made: the keys of the hierarchy's births, in their order; a hole where that could not be registered. */
      readonly keys?: readonly (number | undefined)[];
    }
  | {
      readonly kind: 'log';
      /** The record as /dev/kmsg gives it. */
      readonly text: string;
      /** /proc/PID/cgroup of the process that it names, if it is still there. */
      readonly groups?: string;
    }
  /** Something was not told, since too much happened at once. */
  | { readonly kind: 'lost' };

/** A note of a directory, or of a file in one. */
export type DirectoryNote = Extract<Note, { readonly directory: string }>;

/** Listens to all that the kernel tells of cgroups, with one thread. It does not keep Node alive unless ref() is called. */
export interface Watcher {
  /** @returns the spec's number */
  define(spec: WatchSpec): number;
  /**
   * Watch a file of a directory, or the directory.
   * @param args what the file wants besides: a threshold in bytes, a pressure level, a trigger
   * @returns a key that names it in notes and in remove()
   */
  add(spec: number, directory: string, args?: string): number;
  /** Forget a key, and let go of its descriptor or watch. What was on its way may still be told. @returns whether it was there */
  remove(key: number): boolean;
  /** Files whose being written is told, by name; `{key}` in a name stands for anything. */
  names(names: readonly string[]): void;
  /** What is registered in each directory that is made in a hierarchy from now on, before anything happens there. */
  births(hierarchy: number, specs: readonly number[]): void;
  /** Be told of directories and writes in the whole file system of a mount. @throws ENODEV where the kernel cannot (fanotify(7)) */
  markTree(hierarchy: number, mountPoint: string): void;
  /** Be told of writes alone, with the writer. */
  markWrites(hierarchy: number, mountPoint: string): void;
  /**
   * Follow the kernel's log.
   * @param texts records that hold one of these are told
   * @param beforePid what stands before a process id: the groups of that process are looked up at once
   */
  kernelLog(texts: readonly string[], beforePid: string): void;
  /** Stop the thread and let go of every descriptor. Closing again does nothing; adding afterwards is EBADF. */
  close(): void;
  /** Keep Node alive until close() or unref(). */
  ref(): void;
  unref(): void;
}

let loaded: { readonly native: Native } | { readonly problem: string } | undefined;

/** The addon, loaded at the first call; undefined where it cannot be, and {@link nativeProblem} says why. */
export function native(): Native | undefined {
  loaded ??= load();
  return 'native' in loaded ? loaded.native : undefined;
}

/** Why there is no addon, for people; undefined where there is one. */
export function nativeProblem(): string | undefined {
  loaded ??= load();
  return 'problem' in loaded ? loaded.problem : undefined;
}

/**
 * Built in this clone, or shipped with the package. CGCTL_NATIVE=sanitized is the one that scripts/sanitize.mjs builds for
 * tests. The variable chooses among these and cannot name a file: root's programs load it.
 */
export function addonFile(): string | undefined {
  const usual = ['build/Release/cgctl.node', `prebuilds/${process.platform}-${process.arch}/cgctl.node`];
  const files = process.env.CGCTL_NATIVE === 'sanitized' ? ['dist/sanitized/build/Release/cgctl.node'] : usual;
  return files.map((file) => join(packageRoot(), file)).find((file) => existsSync(file));
}

/** The file must be loaded from where it is: bundles do not hold it. */
function load(): NonNullable<typeof loaded> {
  if (process.env.CGCTL_NATIVE === '0') return { problem: 'the native addon is turned off (CGCTL_NATIVE=0)' };
  const file = addonFile();
  if (file === undefined) return { problem: `the native addon is not built for ${process.platform}-${process.arch}` };
  const module: { exports: Partial<Native> } = { exports: {} };
  try {
    // Not require(): this runs in ES modules and in CommonJS bundles alike.
    process.dlopen(module, file);
  } catch (error) {
    return { problem: `the native addon does not load: ${error instanceof Error ? error.message : error}` };
  }
  return isWhole(module.exports) ? { native: module.exports } : { problem: `the native addon ${file} is out of date` };
}

function isWhole(exports: Partial<Native>): exports is Native {
  const { getxattr, setxattr, removexattr, readTexts, Watcher, BatchReader, putLines } = exports;
  return [getxattr, setxattr, removexattr, readTexts, Watcher, BatchReader, putLines].every(
    (member) => typeof member === 'function',
  );
}
