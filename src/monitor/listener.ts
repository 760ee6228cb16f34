/**
 * The native watcher in this room's words: places instead of paths, and the best way that this kernel offers to hear of
 * directories and writes. fanotify tells of a whole hierarchy and who did it; inotify needs a watch a directory and does not know
 * who; where neither can be had, whoever listens has to look.
 */
import { CgError, errnoOf } from '../errors.ts';
import { EVENT_CONTROL, idAt } from '../hierarchy/notify.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import type { DirectoryNote, Native, Note, Watcher, WatchSpec } from '../native.ts';
import { OOM_TEXTS } from '../parse/kmsg.ts';
import { mostEventfds } from './descriptors.ts';
import type { Directory, Place, Tree } from './tree.ts';

/** How changes are heard of. */
export type Means = 'fanotify' | 'inotify' | 'polling';

/** Whose doing it was, as far as the kernel tells. */
export interface By {
  readonly pid?: number;
  readonly command?: string;
}

/** A file that can be listened to, in each group of one hierarchy. */
export interface Target {
  readonly hierarchy: number;
  readonly file: string;
  readonly mechanism: 'eventfd' | 'modify' | 'trigger';
  readonly beside?: readonly string[];
  readonly looks?: readonly number[];
}

export interface Hearer {
  /** A file notified, or was read again a while after: its text and those beside it. `at` is on {@link clock}. */
  text(key: number, texts: readonly string[], at: number): void;
  /** The group is gone, and the key with it. */
  ended(key: number): void;
  /** A directory came; by target, the keys that were registered in it at once. */
  made(place: Place, by: By, keys: ReadonlyMap<Target, number>): void;
  removed(place: Place, by: By): void;
  written(place: Place, file: string, by: By): void;
  /** A record of the kernel's log, and /proc/PID/cgroup of the process that it names. */
  log(text: string, groups: string | undefined): void;
  /** Something was missed. */
  lost(): void;
  /** All of the above that happened together has been told. */
  done(): void;
}

export interface Wanted {
  /** Registered in each group as it is made. */
  readonly births: readonly Target[];
  /** Files whose being written is told. */
  readonly names: readonly string[];
  /** Further records of the kernel's log that are told. */
  readonly log: readonly string[];
}

/** Milliseconds on the clock of notes. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

export class Listener {
  readonly #host: Host;
  readonly #tree: Tree;
  readonly #native: Native;
  readonly #wanted: Wanted;
  readonly #hearer: Hearer;
  readonly #specs = new Map<Target, number>();
  readonly #births: (readonly Target[])[];
  readonly #directories = new Map<Directory, number>();
  readonly #warnings: string[] = [];
  /** Groups beyond it are polled. */
  readonly #most = mostEventfds();
  #watcher: Watcher;
  #eventfds = 0;
  #treeMeans: Means = 'fanotify';
  #writeMeans: Means = 'fanotify';
  #hearsLog = true;
  #release: (() => void) | undefined;

  constructor(host: Host, tree: Tree, native: Native, wanted: Wanted, hearer: Hearer) {
    this.#host = host;
    this.#tree = tree;
    this.#native = native;
    this.#wanted = wanted;
    this.#hearer = hearer;
    this.#births = host.layout.hierarchies.map((_, index) =>
      wanted.births.filter(({ hierarchy }) => hierarchy === index),
    );
    this.#watcher = this.#open();
    this.#listenToWrites();
    this.#listenToLog();
    this.#keepTree();
  }

  /** How directories that come and go are heard of. */
  get tree(): Means {
    return this.#treeMeans;
  }
  get writes(): Means {
    return this.#writeMeans;
  }
  get log(): boolean {
    return this.#hearsLog;
  }
  /** What cannot be heard, and why, for people. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** @param args what the file wants besides. @returns a key, or undefined where it does not notify or there is no descriptor or watch to be had */
  add(target: Target, id: CgroupId, args?: string): number | undefined {
    if (target.mechanism === 'eventfd' && this.#eventfds >= this.#most) return undefined;
    const path = this.#pathOf({ hierarchy: target.hierarchy, id });
    const key = unlessRefused(() => this.#watcher.add(this.#spec(target), path, args));
    if (key !== undefined && target.mechanism === 'eventfd') this.#eventfds += 1;
    return key;
  }

  /** @param target that the key was registered for */
  remove(target: Target, key: number): void {
    this.#watcher.remove(key);
    if (target.mechanism === 'eventfd') this.#eventfds -= 1;
  }

  close(): void {
    this.#release?.();
    this.#directories.clear();
    this.#watcher.close();
  }

  #open(): Watcher {
    const watcher = new this.#native.Watcher((notes) => this.#hear(notes), this.#most);
    this.#specs.clear();
    watcher.names(this.#wanted.names);
    return watcher;
  }

  #spec(target: Target): number {
    let spec = this.#specs.get(target);
    if (spec === undefined) {
      const { mechanism, file, beside = [], looks = [] } = target;
      const words: WatchSpec =
        mechanism === 'eventfd'
          ? { mechanism, file, beside, looks, control: EVENT_CONTROL }
          : { mechanism, file, beside };
      spec = this.#watcher.define(words);
      this.#specs.set(target, spec);
    }
    return spec;
  }

  #listenToWrites(): void {
    const { hierarchies } = this.#host.layout;
    const watcher = this.#watcher;
    const whole = unlessRefused(() => {
      for (const [index, { mountPoint }] of hierarchies.entries()) watcher.markTree(index, mountPoint);
      return true;
    });
    if (whole) return;
    // Marks that were made would tell twice what inotify tells.
    watcher.close();
    this.#watcher = this.#open();
    this.#treeMeans = 'inotify';
    const writes = unlessRefused(() => {
      for (const [index, { mountPoint }] of hierarchies.entries()) this.#watcher.markWrites(index, mountPoint);
      return true;
    });
    if (!writes) this.#writeMeans = 'inotify';
  }

  #listenToLog(): void {
    const texts = [...Object.values(OOM_TEXTS), ...this.#wanted.log];
    const heard = unlessRefused(() => {
      this.#watcher.kernelLog(texts, OOM_TEXTS.killed);
      return true;
    });
    if (heard) return;
    this.#hearsLog = false;
    this.#warnings.push('the kernel’s log cannot be read: the victims of OOM kills stay unnamed');
  }

  #keepTree(): void {
    for (const [index, births] of this.#births.entries())
      this.#watcher.births(
        index,
        births.map((target) => this.#spec(target)),
      );
    if (this.#treeMeans === 'fanotify') {
      this.#release = this.#tree.keep({ entered: () => undefined, left: () => undefined });
      return;
    }
    const writes = this.#writeMeans === 'inotify';
    const specs = this.#births.map((_, hierarchy) =>
      this.#watcher.define({ mechanism: 'directory', hierarchy, writes }),
    );
    this.#release = this.#tree.keep({
      entered: (directory, place) => this.#enter(directory, place, specs[place.hierarchy] ?? -1),
      left: (directory) => this.#leave(directory),
    });
  }

  #enter(directory: Directory, place: Place, spec: number): void {
    if (this.#treeMeans === 'polling') return;
    try {
      this.#directories.set(directory, this.#watcher.add(spec, this.#pathOf(place)));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      if (errno !== 'ENOENT') this.#giveUp(errno);
    }
  }

  #leave(directory: Directory): void {
    const key = this.#directories.get(directory);
    if (key !== undefined) this.#watcher.remove(key);
    this.#directories.delete(directory);
  }

  /** The watches there are serve the files of groups better than part of the tree. */
  #giveUp(errno: string): void {
    for (const key of this.#directories.values()) this.#watcher.remove(key);
    this.#directories.clear();
    this.#release?.();
    this.#release = undefined;
    this.#treeMeans = 'polling';
    if (this.#writeMeans === 'inotify') this.#writeMeans = 'polling';
    const how = errno === 'ENOSPC' ? 'raise fs.inotify.max_user_watches' : errno;
    this.#warnings.push(`directories cannot all be watched (${how}): new and removed groups are looked for instead`);
  }

  #hear(notes: readonly Note[]): void {
    for (const note of notes) this.#tell(note);
    this.#hearer.done();
  }

  #tell(note: Note): void {
    switch (note.kind) {
      case 'text':
        this.#hearer.text(note.key, note.texts, note.at);
        break;
      case 'ended':
        this.#hearer.ended(note.key);
        break;
      case 'log':
        this.#hearer.log(note.text, note.groups);
        break;
      case 'lost':
        this.#hearer.lost();
        break;
      default:
        this.#tellOf(note);
    }
  }

  #tellOf(note: DirectoryNote): void {
    const place = this.#placeOf(note);
    const keys = this.#keysOf(note);
    const by = {
      ...(note.pid !== undefined && { pid: note.pid }),
      ...(note.command !== undefined && { command: note.command }),
    };
    if (place === undefined) for (const [target, key] of keys) this.remove(target, key);
    else if (note.kind === 'made') this.#hearer.made(place, by, keys);
    else if (note.kind === 'removed') this.#hearer.removed(place, by);
    else this.#hearer.written(place, note.name, by);
  }

  #keysOf({ hierarchy, keys = [] }: DirectoryNote): Map<Target, number> {
    const births = this.#births[hierarchy] ?? [];
    const found = births.flatMap((target, at) => {
      const key = keys[at];
      return key === undefined ? [] : [[target, key] as const];
    });
    for (const [{ mechanism }] of found) if (mechanism === 'eventfd') this.#eventfds += 1;
    return new Map(found);
  }

  #pathOf({ hierarchy, id }: Place): string {
    const { layout, reader } = this.#host;
    const h = layout.hierarchies[hierarchy];
    if (h === undefined) throw new RangeError(`there is no hierarchy ${hierarchy}`);
    return reader.path(h, id);
  }

  /** The group itself, or for a file the group that has it. Undefined for names that no id can have, and outside of the mount. */
  #placeOf({ kind, hierarchy, directory, name }: DirectoryNote): Place | undefined {
    const h = this.#host.layout.hierarchies[hierarchy];
    const id: CgroupId | undefined = h && idAt(h, kind === 'written' ? directory : `${directory}/${name}`);
    return id && { hierarchy, id };
  }
}

/** What a system call yields; undefined when the kernel refuses. */
function unlessRefused<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (errnoOf(error) === undefined || error instanceof CgError) throw error;
    return undefined;
  }
}
