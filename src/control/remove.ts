/**
 * Removing groups: in every hierarchy, children first. The kernel refuses with EBUSY also for a while after the last process
 * has ended, until what it held is released; so that is tried again.
 */
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { ROOT } from '../hierarchy/id.ts';
import { childrenOf } from '../hierarchy/tree.ts';
import type { CgroupId, Hierarchy, Host, Reader, Refusal } from '../hierarchy/types.ts';
import type { Plan, PlanStep } from '../protocol/plan.ts';
import { kill } from './kill.ts';
import { type Members, membersOf, subtree } from './members.ts';
import { describeSome, processDetails } from './process.ts';
import { refusal, writerOf } from './refusal.ts';
import { until } from './wait.ts';

export interface RemoveOptions {
  /** The groups below it too. */
  readonly recursive?: boolean;
  /** Kill what is inside first. */
  readonly force?: boolean;
  /** How long to try, and to wait for the killed to go; default 10 s. */
  readonly timeoutMs?: number;
  readonly abort?: AbortSignal | undefined;
}

export interface Removed {
  readonly id: CgroupId;
  /** The directories that were removed; one that somebody else removed meanwhile is not among them. */
  readonly paths: readonly string[];
  /** The processes that were killed. */
  readonly killed: readonly number[];
}

const TIMEOUT_MS = 10_000;
const MAX_LISTED = 10;

/**
 * What {@link remove} would do: the steps in their order, children first.
 * @throws CgError as remove does before it touches anything
 */
export function planRemove({ reader }: Host, id: CgroupId, options: RemoveOptions = {}): Plan {
  const members = check(reader, id, options);
  const steps: PlanStep[] = reader.places(id).flatMap((h) =>
    subtree(reader, h, id)
      .reverse()
      .map((group) => ({
        kind: 'rmdir' as const,
        cgroup: group,
        hierarchy: h.key,
        path: reader.path(h, group),
        why: group === id ? 'the group itself' : 'it is below the group',
        irreversible: true,
      })),
  );
  const text = `killed first: ${describeSome([...members.keys()])}`;
  return { steps, notes: members.size > 0 ? [{ level: 'warning', cgroup: id, text }] : [], asked: {} };
}

/**
 * Removes a group from every hierarchy that it is in. What is gone already, or goes meanwhile, is success.
 * @throws CgError USAGE (the root), NOT_FOUND, BUSY (processes without force, children without recursive, or a kernel that does not
 * let go in time: the message says what is left where), REFUSED (cgctl itself is inside), FROZEN, PERMISSION
 */
export async function remove(
  host: Host,
  registry: Registry,
  id: CgroupId,
  options: RemoveOptions = {},
): Promise<Removed> {
  const { force = false, recursive = false, timeoutMs = TIMEOUT_MS, abort } = options;
  const members = check(host.reader, id, options);
  const writer = writerOf(host);
  const killed = new Set<number>();
  const clear = async (): Promise<void> => {
    for (const pid of (await kill(host, registry, id, { recursive, timeoutMs, abort })).pids) killed.add(pid);
  };
  if (members.size > 0) await clear();

  const paths: string[] = [];
  let refused: { readonly hierarchy: Hierarchy; readonly group: CgroupId; readonly refusal: Refusal }[] = [];
  const gone = await until(
    async () => {
      refused = [];
      for (const hierarchy of host.reader.places(id)) {
        const groups = recursive ? subtree(host.reader, hierarchy, id).reverse() : [id];
        for (const group of groups) {
          const answer = writer.rmdir(hierarchy, group);
          if (answer === undefined) paths.push(host.reader.path(hierarchy, group));
          else if (!isGone(answer)) refused.push({ hierarchy, group, refusal: answer });
        }
      }
      const final = refused.find(({ refusal: { errno } }) => errno !== 'EBUSY');
      if (final)
        throw refusal(final.refusal, { id: final.group, kind: 'rmdir', what: 'removing it', after: soFar(paths) });
      // somebody moved in meanwhile
      if (refused.length > 0 && force && membersOf(host.reader, id, recursive).size > 0) await clear();
      return refused.length === 0;
    },
    { timeoutMs, signal: abort },
  );
  if (!gone) throw leftBehind(host.reader, id, refused, paths);
  return { id, paths, killed: [...killed] };
}

const isGone = ({ errno }: Refusal): boolean => errno === 'ENOENT' || errno === 'ENODEV';

/** @returns the processes that have to be killed first */
function check(reader: Reader, id: CgroupId, { recursive = false, force = false }: RemoveOptions): Members {
  if (id === ROOT) throw new CgError('USAGE', 'the root cgroup cannot be removed', { id });
  const places = reader.places(id);
  if (places.length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { id });
  const children = childrenOf(reader, { id, places }).map((child) => child.id);
  if (children.length > 0 && !recursive) {
    const shown = children.slice(0, MAX_LISTED).join(', ');
    const more = children.length > MAX_LISTED ? `, and ${children.length - MAX_LISTED} more` : '';
    throw new CgError('BUSY', `${id} has groups below it: ${shown}${more}; -r removes them too`, { id, children });
  }
  const members = membersOf(reader, id, true);
  if (members.has(process.pid)) {
    throw new CgError('BUSY', `cgctl itself (pid ${process.pid}) is in ${id}: run it from outside`, {
      id,
      pid: process.pid,
    });
  }
  if (members.size > 0 && !force) throw occupied(id, members);
  return members;
}

function occupied(id: CgroupId, members: Members): CgError {
  const pids = [...members.keys()];
  const count = pids.length === 1 ? 'a process' : `${pids.length} processes`;
  return new CgError('BUSY', `${id} has ${count} in it: ${describeSome(pids)}; --force kills them`, {
    id,
    processes: processDetails(pids),
  });
}

function leftBehind(
  reader: Reader,
  id: CgroupId,
  refused: readonly { hierarchy: Hierarchy; group: CgroupId; refusal: Refusal }[],
  removed: readonly string[],
): CgError {
  const members = membersOf(reader, id, true);
  if (members.size > 0) return occupied(id, members);
  const left = refused.map(({ hierarchy, group, refusal: { errno, path } }) => ({
    hierarchy: hierarchy.key,
    cgroup: group,
    path,
    errno,
  }));
  const where = left.slice(0, MAX_LISTED).map(({ path }) => path);
  return new CgError('BUSY', `the kernel did not let go of ${where.join(', ')} in time; ${soFar(removed)}`, {
    id,
    left,
    removed,
  });
}

const soFar = (removed: readonly string[]): string =>
  removed.length > 0 ? ` (removed so far: ${removed.length} directories)` : '';
