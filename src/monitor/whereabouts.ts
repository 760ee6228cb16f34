/** Which group a killed process was in: the kernel's log says so of few, and /proc only until the process is gone. */
import { CgError } from '../errors.ts';
import { parseCgroupId, ROOT } from '../hierarchy/id.ts';
import { idOfProcPath } from '../hierarchy/layout.ts';
import { pidsOf } from '../hierarchy/procs.ts';
import type { CgroupId, Hierarchy, Reader } from '../hierarchy/types.ts';
import { type OomConstraint, parseOomConstraint, parseOomVictim } from '../parse/kmsg.ts';
import { parseProcCgroup } from '../parse/procfs.ts';
import type { Victim } from './kills.ts';

/** The cgroup of what the machine counted and no group that is still there did. No path is so: they begin with a slash. */
export const UNATTRIBUTED = 'unattributed';

/** Processes whose group is remembered, at most. */
const MOST_MEMBERS = 16_384;
/** Records that wait for the one that they belong to: it follows at once. */
const MOST_CONSTRAINTS = 64;

export class Whereabouts {
  readonly #reader: Reader;
  /** Of the controller that kills. */
  readonly #hierarchy: Hierarchy;
  readonly #members = new Map<number, CgroupId>();
  readonly #constraints = new Map<number, OomConstraint>();
  /** Members whose group was gone when that was last asked. */
  #leaving: readonly number[] = [];

  constructor(reader: Reader, hierarchy: Hierarchy) {
    this.#reader = reader;
    this.#hierarchy = hierarchy;
  }

  /** Somebody moved a process into the group. */
  joined(id: CgroupId): void {
    for (const pid of pidsOf(this.#reader, this.#hierarchy, id)) {
      this.#members.delete(pid);
      this.#members.set(pid, id);
    }
    dropOldest(this.#members, MOST_MEMBERS);
  }

  /**
   * Lets go of the members of groups that are gone, and were when it was called before: the log speaks of a kill at once.
   * @param isThere whether a group is
   */
  forget(isThere: (id: CgroupId) => boolean): void {
    const gone = (pid: number): boolean => {
      const id = this.#members.get(pid);
      return id !== undefined && !isThere(id);
    };
    for (const pid of this.#leaving) if (gone(pid)) this.#members.delete(pid);
    this.#leaving = [...this.#members.keys()].filter(gone);
  }

  /**
   * Reads a message of the kernel's log.
   * @param groups /proc/PID/cgroup of the process that it names
   * @returns the victim that it speaks of, if it does
   */
  heard(message: string, groups: string | undefined): Victim | undefined {
    const constraint = parseOomConstraint(message);
    if (constraint !== undefined) {
      this.#constraints.set(constraint.pid, constraint);
      dropOldest(this.#constraints, MOST_CONSTRAINTS);
    }
    const victim = parseOomVictim(message);
    if (victim === undefined) return undefined;
    const known = this.#constraints.get(victim.pid);
    this.#constraints.delete(victim.pid);
    const cgroup = this.#named(known?.group) ?? this.#present(groups) ?? this.#members.get(victim.pid);
    this.#members.delete(victim.pid);
    return {
      ...victim,
      ...(cgroup !== undefined && { cgroup }),
      ...(known?.limited !== undefined && { limited: known.limited }),
    };
  }

  /** The log's paths are the kernel's own: what the mount shows begins at its root. */
  #named(path: string | undefined): CgroupId | undefined {
    return path === undefined ? undefined : unlessMalformed(() => parseCgroupId(path));
  }

  #present(groups = ''): CgroupId | undefined {
    return unlessMalformed(() => {
      const line = parseProcCgroup(groups).find(({ hierarchy, controllers }) =>
        this.#hierarchy.dialect === 'v2'
          ? hierarchy === 0
          : controllers.some((name) => this.#hierarchy.controllers.includes(name)),
      );
      const id = line && idOfProcPath(this.#hierarchy, line.path);
      // v1 says so of each process that is on its way out.
      return id === ROOT ? undefined : id;
    });
  }
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CgError) return undefined;
    throw error;
  }
}

function dropOldest(map: Map<number, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
