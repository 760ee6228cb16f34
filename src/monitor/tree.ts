/**
 * The tree of groups over all hierarchies. Whoever hears of directories that come and go keeps it by looks at those (look());
 * otherwise each refresh looks at all of them. A directory is listed anew only when its link count moved or a child of it is
 * gone: as long as neither is so, it has the children that are known.
 */
import { lstatSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { depthOf, nameOf, parentId, tryChildId } from '../hierarchy/id.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import type { Row } from '../protocol/snapshot.ts';
import { Slices } from './pause.ts';

/** A group's directory in one hierarchy. */
export interface Directory {
  /** NaN before the first look. */
  inode: number;
  links: number;
  /** Its list of children is to be read. */
  stale: boolean;
}

/** One generation of a path. */
export interface Group {
  readonly id: CgroupId;
  readonly depth: number;
  /** The directory's inode in the first hierarchy that has it; stays when the group is gone. */
  generation: string;
  parent: Group | undefined;
  /** By name; undefined where there never were any. */
  children: Map<string, Group> | undefined;
  /** By hierarchy (index in the layout); undefined where the group is not. */
  readonly directories: (Directory | undefined)[];
  /** Grows when the group enters or leaves a hierarchy. */
  version: number;
  /** It was removed, or its path now belongs to another generation. */
  gone: boolean;
}

export interface TreeChange {
  /** Parents before children. */
  readonly created: readonly Group[];
  readonly removed: readonly Group[];
  /** The first look: what was found was there before. */
  readonly first: boolean;
}

/** What a refresh found, as it goes. */
interface Findings {
  readonly created: Group[];
  readonly removed: Group[];
  /** Groups with directories that nobody looked at yet. */
  readonly unseen: Set<Group>;
}

/** Whoever watches directories is told of each that the tree enters, before its children are listed, and leaves. */
export interface Keeper {
  entered(directory: Directory, place: Place): void;
  left(directory: Directory): void;
}

/** A directory that came, went, or may have. */
export interface Place {
  readonly hierarchy: number;
  readonly id: CgroupId;
}

/** A directory in which there are no others: `.` and `..` in its parent. */
const LEAF_LINKS = 2;

export class Tree {
  readonly #host: Host;
  readonly #groups = new Map<CgroupId, Group>();
  readonly #watchers = new Set<(change: TreeChange) => void>();
  #list: readonly Group[] = [];
  #rows: readonly Row[] = [];
  /** The rows are as the groups are. */
  #arranged = true;
  #running: Promise<void> | undefined;
  #looked = false;
  #keeper: Keeper | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** As of the last look: parents before children, siblings by name. */
  get groups(): readonly Group[] {
    this.#arrange();
    return this.#list;
  }

  /** A row for each of {@link groups}. */
  get rows(): readonly Row[] {
    this.#arrange();
    return this.#rows;
  }

  get size(): number {
    return this.#groups.size;
  }

  find(id: string): Group | undefined {
    return this.#groups.get(id as CgroupId);
  }

  /** Be told of every change. @returns a function that ends it */
  watch(watcher: (change: TreeChange) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /**
   * Somebody watches the directories from now on, and calls look() for those that come and go: {@link refresh} need not.
   * @returns a function that ends it
   */
  keep(keeper: Keeper): () => void {
    this.#keeper = keeper;
    for (const { id, directories } of this.#groups.values()) {
      for (const [hierarchy, directory] of directories.entries())
        if (directory !== undefined) keeper.entered(directory, { hierarchy, id });
    }
    return () => {
      this.#keeper = undefined;
    };
  }

  /** Brings the tree up to date: by looks at every directory, unless somebody keeps it. */
  async refresh(): Promise<void> {
    if (this.#keeper === undefined || !this.#looked) await this.reconcile();
  }

  /** Looks at every directory. Calls while it runs share its result. */
  reconcile(): Promise<void> {
    this.#running ??= this.#reconcile().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #reconcile(): Promise<void> {
    const slices = new Slices();
    const found: Findings = { created: [], removed: [], unseen: new Set() };
    // A mount may show only what is below some group: its tree begins there.
    for (const [index, { root }] of this.#host.layout.hierarchies.entries()) this.#enter(root, index, found);
    // Children first: what is gone from a directory is known when its own turn comes. It may change during a pause.
    for (const group of this.groups.toReversed()) {
      if (!group.gone && !found.unseen.has(group)) this.#look(group, found);
      if (slices.due()) await slices.pause();
    }
    for (const group of found.unseen) {
      this.#lookFirst(group, found);
      if (slices.due()) await slices.pause();
    }
    this.#conclude(found);
    this.#looked = true;
  }

  /** Looks at these directories alone. */
  look(places: Iterable<Place>): void {
    const found: Findings = { created: [], removed: [], unseen: new Set() };
    for (const { hierarchy, id } of places) {
      const group = this.#groups.get(id);
      if (group?.directories[hierarchy] !== undefined) this.#look(group, found);
      // What is new is so below a group that is known; else the parent's turn brings it.
      const above = parentId(id);
      if (above === undefined || this.#groups.get(above)?.directories[hierarchy] !== undefined)
        this.#enter(id, hierarchy, found);
    }
    for (const group of found.unseen) this.#lookFirst(group, found);
    this.#conclude(found);
  }

  /** What is found meanwhile is looked at in its turn. */
  #lookFirst(group: Group, found: Findings): void {
    found.unseen.delete(group);
    if (!group.gone) this.#look(group, found);
  }

  #look(group: Group, found: Findings): void {
    let present = false;
    for (const [index, directory] of group.directories.entries()) {
      const hierarchy = this.#host.layout.hierarchies[index];
      if (directory === undefined || hierarchy === undefined) continue;
      const stat = statOf(this.#host.reader.path(hierarchy, group.id));
      if (stat === undefined) {
        this.#leave(group, index);
      } else if (stat.ino !== directory.inode && !Number.isNaN(directory.inode)) {
        // Another group by the same name: the old one ends here, and the parent's list brings the new one.
        this.#remove(group, found);
        return;
      } else {
        present = true;
        const known = Number.isNaN(directory.links) ? LEAF_LINKS : directory.links;
        if (stat.nlink !== known) directory.stale = true;
        directory.inode = stat.ino;
        directory.links = stat.nlink;
      }
    }
    if (!present) {
      this.#remove(group, found);
      return;
    }
    group.generation = generationOf(group);
    for (const [index, directory] of group.directories.entries()) {
      if (directory?.stale) this.#relist(group, index, directory, found);
    }
  }

  #relist(group: Group, index: number, directory: Directory, found: Findings): void {
    const hierarchy = this.#host.layout.hierarchies[index];
    if (hierarchy === undefined) return;
    directory.stale = false;
    for (const name of this.#host.reader.children(hierarchy, group.id)) {
      const id = tryChildId(group.id, name);
      if (id !== undefined) this.#enter(id, index, found);
    }
  }

  /** The group is in this hierarchy. */
  #enter(id: CgroupId, index: number, found: Findings): void {
    const hierarchy = this.#host.layout.hierarchies[index];
    let group = this.#groups.get(id);
    if (hierarchy === undefined || group?.directories[index] !== undefined) return;
    if (group === undefined) {
      group = {
        id,
        depth: depthOf(id),
        generation: '',
        parent: undefined,
        children: undefined,
        directories: [],
        version: 0,
        gone: false,
      };
      this.#groups.set(id, group);
      found.created.push(group);
    }
    this.#adopt(group);
    group.version++;
    const directory = { inode: Number.NaN, links: Number.NaN, stale: false };
    group.directories[index] = directory;
    this.#keeper?.entered(directory, { hierarchy: index, id });
    found.unseen.add(group);
    this.#arranged = false;
  }

  /** The parent may become known after its child, where a mount begins at the child. */
  #adopt(group: Group): void {
    const above = group.parent === undefined ? parentId(group.id) : undefined;
    group.parent ??= above && this.#groups.get(above);
    if (group.parent === undefined) return;
    group.parent.children ??= new Map();
    group.parent.children.set(nameOf(group.id), group);
  }

  /** The group is no longer in this hierarchy. */
  #leave(group: Group, index: number): void {
    const directory = group.directories[index];
    if (directory !== undefined) this.#keeper?.left(directory);
    group.directories[index] = undefined;
    group.version++;
    const above = group.parent?.directories[index];
    if (above !== undefined) above.stale = true;
    this.#arranged = false;
  }

  #remove(group: Group, found: Findings): void {
    for (const child of [...(group.children?.values() ?? [])]) this.#remove(child, found);
    for (const index of group.directories.keys()) this.#leave(group, index);
    group.parent?.children?.delete(nameOf(group.id));
    this.#groups.delete(group.id);
    group.gone = true;
    found.removed.push(group);
  }

  #conclude({ created, removed }: Findings): void {
    const passing = new Set(created);
    const change = {
      created: created.filter(({ gone }) => !gone),
      removed: removed.filter((group) => !passing.has(group)),
      first: !this.#looked,
    };
    if (change.created.length + change.removed.length === 0) return;
    for (const watcher of this.#watchers) watcher(change);
  }

  #arrange(): void {
    if (this.#arranged) return;
    this.#arranged = true;
    const list: Group[] = [];
    const rows: Row[] = [];
    const before = new Map(this.#rows.map((row) => [row.id, row]));
    const add = (group: Group, parent: number): void => {
      const row = { id: group.id, generation: group.generation, parent, depth: group.depth };
      const old = before.get(group.id);
      const at = list.push(group) - 1;
      rows.push(old?.generation === row.generation && old.parent === parent ? old : row);
      for (const [, child] of [...(group.children ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) add(child, at);
    };
    for (const group of this.#groups.values()) if (group.parent === undefined) add(group, -1);
    this.#list = list;
    this.#rows = rows;
  }
}

function generationOf({ directories }: Group): string {
  return String(directories.find((directory) => directory !== undefined)?.inode);
}

function statOf(path: string): { ino: number; nlink: number } | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
