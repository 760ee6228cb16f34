/** What the sampler knows of each group: the files that it has, where its figures are, and what of it is due to be read. */
import { isRootGroup } from '../hierarchy/locate.ts';
import { SUBTREE_CONTROL } from '../hierarchy/notify.ts';
import type { Hierarchy, Host } from '../hierarchy/types.ts';
import type { Row } from '../protocol/snapshot.ts';
import type { BatchReader } from './batch.ts';
import type { Slices } from './pause.ts';
import type { Pace, Paced, Presence, Programme, Step } from './programme.ts';
import { pins } from './read.ts';
import type { Group, Tree } from './tree.ts';

/** Files come and go as a v2 parent hands controllers down or not: so often it is asked whether a group's are still the same, in seconds. */
const FILES_SECONDS = 10;
/** But as long as the parent hands down the same, only so often: longer where it is heard when somebody writes what may hide some. */
const SAME_FILES_SECONDS = 300;
const TOLD_FILES_SECONDS = 1800;

export interface Member {
  readonly group: Group;
  /** Spreads over time what all groups do equally often: above 0 and up to 1. */
  readonly phase: number;
  /** Names its files to the reader. */
  handle: number;
  steps: readonly Step[];
  paced: Paced;
  /** The group's version that the steps were made for. */
  version: number;
  /** What it was then in each hierarchy; a hole where it is not. */
  presences: readonly (Presence | undefined)[];
  /** When that is to be asked next, on the monotonic clock in seconds. */
  relist: number;
  /** Its files by hierarchy, and what its parent handed down then; empty when they have to be listed. */
  listed: { readonly presence: Presence; readonly under: string; readonly until: number }[];
  /** Its row, -1 where it has none yet, and nothing of it was read. */
  row: number;
  /** When each pace's files were read, on the monotonic clock in seconds. */
  read: Record<Pace, number>;
  /** After something moved, and the first time, it is due earlier, by its phase. */
  readonly share: Record<Exclude<Pace, 'tick'>, number>;
  /** Something moved between the last two looks. */
  moved: boolean;
  /** Files that somebody wrote; undefined in it stands for all. */
  written: Set<string | undefined> | undefined;
}

const NEVER: Record<Pace, number> = {
  tick: Number.NEGATIVE_INFINITY,
  activity: Number.NEGATIVE_INFINITY,
  still: Number.NEGATIVE_INFINITY,
  setting: Number.NEGATIVE_INFINITY,
};

const NO_STEPS: readonly Step[] = [];
const NOWHERE: Member['presences'] = [];

export class Members {
  readonly #host: Host;
  readonly #programme: Programme;
  readonly #reader: BatchReader;
  readonly #tree: Tree;
  readonly #writesAreTold: () => boolean;
  readonly #known = new Map<Group, Member>();
  /** How many groups have a file of each rank. */
  readonly #ranks = new Map<number, number>();
  /** By hierarchy. */
  readonly #v1Files: { readonly presence: Presence; readonly until: number }[] = [];
  /** What parents hand down. */
  readonly #handed = new WeakMap<Group, { readonly text: string; readonly until: number }>();
  /** Most groups have the same files as others. */
  readonly #presencesBySignature = new Map<string, Presence>();
  /** Groups alike share the list, too. */
  readonly #presences = new WeakMap<readonly Step[], Member['presences']>();
  /** The tree's that the list was made from. */
  #groups: readonly Group[] | undefined;
  #list: readonly Member[] = [];
  #rows: readonly Row[] = [];

  constructor(host: Host, programme: Programme, reader: BatchReader, tree: Tree, writesAreTold: () => boolean) {
    this.#host = host;
    this.#programme = programme;
    this.#reader = reader;
    this.#tree = tree;
    this.#writesAreTold = writesAreTold;
  }

  /** By row. */
  get list(): readonly Member[] {
    return this.#list;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** Which files may stay open, see {@link pins}. */
  get pins(): ReturnType<typeof pins> {
    return pins(this.#ranks, this.#reader.budget);
  }

  find(group: Group): Member | undefined {
    return this.#known.get(group);
  }

  /** Follows the tree and what files there are. @returns of each row, which one it was; undefined where nothing is different */
  async gather(now: number, slices: Slices): Promise<Int32Array | undefined> {
    let same = this.#groups === this.#tree.groups;
    if (!same) {
      this.#groups = this.#tree.groups;
      this.#rows = this.#tree.rows;
      this.#list = this.#groups.map((group) => this.#member(group));
    }
    for (const member of this.#list) {
      if (this.#renew(member, now)) same = false;
      if (slices.due()) await slices.pause();
    }
    return same ? undefined : this.#number();
  }

  /** What the group hands down may be different: so may its children's files. */
  handsDown(group: Group): void {
    this.#handed.delete(group);
    for (const child of group.children?.values() ?? []) {
      const member = this.#known.get(child);
      if (member !== undefined) member.relist = 0;
    }
  }

  /** A file of the row's group that was there is not: its files are listed anew. */
  suspect(row: number): void {
    const member = this.#list[row];
    if (member !== undefined) listAnew(member);
  }

  /** Leaves out rows of groups that are gone, and what is below them. @returns as {@link gather} */
  drop(gone: Uint8Array): Int32Array {
    const place = new Int32Array(gone.length).fill(-1);
    const list: Member[] = [];
    const rows: Row[] = [];
    for (const [at, row] of this.#rows.entries()) {
      const member = this.#list[at];
      const parent = row.parent < 0 ? -1 : (place[row.parent] ?? -1);
      if (member === undefined) continue;
      if (gone[at] === 1 || (row.parent >= 0 && parent < 0)) {
        member.row = -1;
        continue;
      }
      place[at] = list.push(member) - 1;
      rows.push(parent === row.parent ? row : { ...row, parent });
    }
    this.#list = list;
    this.#rows = rows;
    this.#groups = undefined;
    return this.#number();
  }

  /** Something is different in a group that what is read each time does not show: all of it is read at the next look. */
  stir(group: Group): void {
    const member = this.#known.get(group);
    if (member !== undefined) member.moved = true;
  }

  forget(group: Group): void {
    const member = this.#known.get(group);
    if (member === undefined) return;
    this.#reader.remove(member.handle);
    this.#count(member, -1);
    this.#known.delete(group);
  }

  #number(): Int32Array {
    const from = Int32Array.from(this.#list, ({ row }) => row);
    for (const [row, member] of this.#list.entries()) member.row = row;
    return from;
  }

  #member(group: Group): Member {
    let member = this.#known.get(group);
    if (member === undefined) {
      const handle = this.#reader.add(group.id);
      member = {
        group,
        // Multiples of the golden ratio lie evenly however many there are.
        phase: 1 - ((handle * 0.618034) % 1),
        handle,
        steps: NO_STEPS,
        paced: this.#programme.paced(NO_STEPS),
        version: -1,
        presences: NOWHERE,
        relist: 0,
        listed: [],
        row: -1,
        read: { ...NEVER },
        share: { activity: 1, still: 1, setting: 1 },
        moved: false,
        written: undefined,
      };
      this.#known.set(group, member);
    }
    return member;
  }

  /** @returns whether the group's files are others now: then nothing of it was read */
  #renew(member: Member, now: number): boolean {
    const { group } = member;
    if (group.gone || (member.version === group.version && now < member.relist)) return false;
    const presences = this.#host.layout.hierarchies.map(
      (hierarchy, index) => group.directories[index] && this.#presence(member, index, hierarchy, now),
    );
    member.relist = now + FILES_SECONDS * mostOf(member);
    if (member.version === group.version && presences.every((here, index) => here === member.presences[index]))
      return false;
    const steps = this.#programme.stepsFor(presences);
    member.presences = this.#presences.get(steps) ?? presences;
    this.#presences.set(steps, member.presences);
    if (steps === member.steps && member.version === group.version) return false;
    this.#count(member, -1);
    this.#reader.remove(member.handle);
    member.handle = this.#reader.add(group.id);
    member.steps = steps;
    member.paced = this.#programme.paced(steps);
    member.version = group.version;
    member.row = -1;
    member.read = { ...NEVER };
    this.#count(member, 1);
    return true;
  }

  #count({ steps }: Member, change: number): void {
    for (const { rank } of steps) this.#ranks.set(rank, (this.#ranks.get(rank) ?? 0) + change);
  }

  /** On v1 all groups but the root are alike; v2 files follow from what the parent hands down, and a root's are its own. */
  #presence(member: Member, index: number, hierarchy: Hierarchy, now: number): Presence {
    const { parent } = member.group;
    if (parent === undefined) return this.#listed(member, index, hierarchy, '', now);
    if (hierarchy.dialect === 'v1') return this.#alike(member, index, hierarchy, now);
    return this.#listed(member, index, hierarchy, this.#handedDown(parent, hierarchy, now), now);
  }

  /** Not all hierarchies at once: some directories are large. */
  #listed(member: Member, index: number, hierarchy: Hierarchy, under: string, now: number): Presence {
    const known = member.listed[index];
    if (known !== undefined && known.under === under && now < known.until) return known.presence;
    const presence = this.#found(member, hierarchy);
    const share = mostOf(member) / (1 + index / this.#host.layout.hierarchies.length);
    const seconds = this.#writesAreTold() ? TOLD_FILES_SECONDS : SAME_FILES_SECONDS;
    member.listed[index] = { presence, under, until: now + seconds * share };
    return presence;
  }

  #handedDown(parent: Group, hierarchy: Hierarchy, now: number): string {
    let known = this.#handed.get(parent);
    if (known === undefined || now >= known.until) {
      const text = this.#host.reader.tryRead(hierarchy, parent.id, SUBTREE_CONTROL) ?? '';
      known = { text, until: now + FILES_SECONDS / 2 };
      this.#handed.set(parent, known);
    }
    return known.text;
  }

  /** What is so for a v1 hierarchy's groups; a kernel module that is loaded may add files. One that is being removed has no say. */
  #alike(member: Member, index: number, hierarchy: Hierarchy, now: number): Presence {
    const known = this.#v1Files[index];
    if (known !== undefined && now < known.until) return known.presence;
    const presence = this.#found(member, hierarchy);
    if (this.#host.reader.exists(hierarchy, member.group.id))
      this.#v1Files[index] = { presence, until: now + FILES_SECONDS };
    return presence;
  }

  #found({ group }: Member, hierarchy: Hierarchy): Presence {
    const { reader } = this.#host;
    const root = group.parent === undefined && isRootGroup(reader, hierarchy, group.id);
    return this.#presenceOf(root, reader.files(hierarchy, group.id));
  }

  #presenceOf(root: boolean, files: readonly string[]): Presence {
    const signature = `${root} ${files.join(' ')}`;
    const presence = this.#presencesBySignature.get(signature) ?? { root, files, signature };
    this.#presencesBySignature.set(signature, presence);
    return presence;
  }
}

/** Its files may be others. */
export function listAnew(member: Member): void {
  member.relist = 0;
  member.listed = [];
}

/** A share of a time above a half, by the member's phase. */
const mostOf = ({ phase }: Member): number => (1 + phase) / 2;
