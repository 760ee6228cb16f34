/**
 * Killing what is in a group: by the kernel's own file where there is one, which no fork escapes, else by freezing the group so
 * that nothing can fork, signalling every process and thawing it, again until it is empty.
 *
 * A group's processes are those that any hierarchy names ({@link membersOf}). The kill file ends those that are in its own hierarchy;
 * the others are signalled. Pids are signalled as they were read: a process that ends in between could leave its number to another,
 * which the freezing makes all but impossible.
 */
import { constants } from 'node:os';
import type { ActionSlot, Slot } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { CgError, errnoOf } from '../errors.ts';
import { ROOT } from '../hierarchy/id.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { excerpt } from '../parse/printable.ts';
import type { Plan } from '../protocol/plan.ts';
import { frozenAbove, heldAbove, holds, isFrozen, settle, tell } from './freeze.ts';
import { type Members, membersOf, subtree } from './members.ts';
import { describeSome, isExiting, processDetails, processOf } from './process.ts';
import { writerOf } from './refusal.ts';
import { cover, freezers, killers, type Seat } from './seats.ts';
import { until } from './wait.ts';

export interface KillOptions {
  /** `KILL`, `TERM` …; default `KILL`. Others are delivered to every process once and nothing is waited for. */
  readonly signal?: string;
  /** The groups below it too; default true. */
  readonly recursive?: boolean;
  /** How long a SIGKILL may take until the group is empty; default 10 s. */
  readonly timeoutMs?: number;
  readonly abort?: AbortSignal | undefined;
  /** Also where cgctl itself is inside: it signals itself last. */
  readonly force?: boolean;
}

export interface Killed {
  readonly id: CgroupId;
  readonly signal: string;
  /** The processes that got it, as far as they were seen. */
  readonly pids: readonly number[];
  /** How: `kill-file`, `signals`, or both where hierarchies differ; `none` where there was nobody. */
  readonly by: readonly ('kill-file' | 'signals')[];
  /** The group is frozen, so that the signal acts when it is thawed. */
  readonly pending: boolean;
}

const TIMEOUT_MS = 10_000;
/** How long a group may take to freeze before it is signalled as it is. */
const FREEZE_MS = 200;
/** How long the killed may take to go before those that are left are signalled again. */
const ROUND_MS = [50, 100, 200, 500, 1000];
/** How often a signal other than KILL looks for processes that were forked meanwhile. */
const PASSES = 5;

/** A signal's name in Node's form. @param text `KILL`, `SIGKILL`, `kill` or `9` @throws CgError VALUE */
export function parseSignal(text: string): NodeJS.Signals {
  const bare = text.toUpperCase().replace(/^SIG/, '');
  const found = Object.entries(constants.signals).find(
    ([name, number]) => name === `SIG${bare}` || String(number) === text,
  );
  if (found) return found[0] as NodeJS.Signals;
  throw new CgError('VALUE', `${excerpt(text)} is not a signal; a name such as TERM, KILL, HUP or USR1, or a number`, {
    signal: text,
  });
}

/**
 * Sends a signal to every process of a group; after SIGKILL waits until none is left, and leaves the group thawed.
 * @throws CgError REFUSED (cgctl itself is inside), BUSY (some did not die in time, or cannot be reached), FROZEN (v1: a group above
 * is frozen, so that they cannot die), PERMISSION
 */
export async function kill(host: Host, registry: Registry, id: CgroupId, options: KillOptions = {}): Promise<Killed> {
  const { signal, recursive, members } = check(host, id, options);
  const done =
    signal === 'SIGKILL'
      ? await killAll(host, registry, id, { ...options, recursive })
      : signalAll(host, registry, id, signal, recursive);
  if (members.has(process.pid)) process.kill(process.pid, signal);
  return done;
}

/** Whom {@link kill} would signal. @throws CgError as kill does before it touches anything */
export function planKill(host: Host, registry: Registry, id: CgroupId, options: KillOptions = {}): Plan {
  const { signal, recursive, members } = check(host, id, options);
  const files = signal === 'SIGKILL' ? killFiles(host, registry, id, members, recursive) : [];
  const steps = files.map(({ slot, hierarchy }) => ({
    kind: 'action' as const,
    cgroup: id,
    hierarchy: hierarchy.key,
    file: slot.file,
    path: host.reader.path(hierarchy, id, slot.file),
    text: String(slot.write),
    why: 'the kernel kills every process in it and below',
    irreversible: true,
  }));
  const text = `${signal} goes to ${members.size > 0 ? describeSome([...members.keys()]) : 'nobody'}`;
  return { steps, notes: [{ level: 'info', cgroup: id, text }], asked: {} };
}

function check(host: Host, id: CgroupId, { signal: name = 'KILL', recursive = true, force = false }: KillOptions) {
  const signal = parseSignal(name);
  if (id === ROOT)
    throw new CgError('USAGE', 'the root cgroup holds the whole machine: it cannot be signalled', { id });
  if (host.reader.places(id).length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { id });
  const members = membersOf(host.reader, id, recursive);
  if (members.has(process.pid) && !force) {
    const text = `cgctl itself (pid ${process.pid}) is in ${id} and would be signalled too`;
    throw new CgError('REFUSED', text, { id, pid: process.pid });
  }
  return { signal, recursive, members };
}

async function killAll(
  host: Host,
  registry: Registry,
  id: CgroupId,
  { recursive, timeoutMs = TIMEOUT_MS, abort }: KillOptions & { recursive: boolean },
): Promise<Killed> {
  const { reader } = host;
  const seen = new Set<number>();
  const by = new Set<'kill-file' | 'signals'>();
  const living = (): Members => {
    const members = new Map(membersOf(reader, id, recursive));
    members.delete(process.pid);
    for (const pid of members.keys()) seen.add(pid);
    return members;
  };
  const all = freezers(host, registry, id);
  const own = membersOf(reader, id, true).get(process.pid);
  const notOurs = ({ hierarchy }: Seat<unknown>): boolean => !own?.has(hierarchy);
  // v1: what is frozen takes the signal only when it runs again
  const thawAll = (): void => {
    for (const seat of all) {
      const groups = recursive ? subtree(reader, seat.hierarchy, id) : [id];
      for (const group of groups) if (holds(reader, seat, group)) tell(host, seat, group, 'thawed');
    }
  };
  const deadline = performance.now() + timeoutMs;
  for (let round = 0; ; round += 1) {
    const left = living();
    if (left.size === 0) {
      // nobody may have been there at all, but who enters next is not to stand still for ever
      if (round === 0) thawAll();
      break;
    }
    if (round > 0) {
      const above = all.map((seat) => frozenAbove(reader, seat, id)).find((group) => group !== undefined);
      if (above !== undefined) throw heldAbove(id, above);
      if (performance.now() >= deadline) throw survived(id, left);
    }
    abort?.throwIfAborted();

    const files = killFiles(host, registry, id, left, recursive).filter(notOurs);
    // one that refuses, as in a threaded group, leaves its processes to the signals
    const used = files.filter(
      ({ slot, hierarchy }) => !writerOf(host).write(hierarchy, id, slot.file, String(slot.write)),
    );
    if (used.length > 0) by.add('kill-file');
    const beyond = (members: Members) =>
      new Map([...members].filter(([, places]) => !used.some(({ hierarchy }) => places.has(hierarchy))));
    try {
      const others = beyond(left);
      // What was forked while the hierarchies were read was seen in some of them only; of what ends, v2 tells no more.
      const again = used.length > 0 && others.size > 0 ? beyond(living()) : others;
      for (const pid of others.keys()) if (!again.has(pid) || isEnding(pid)) others.delete(pid);
      if (others.size > 0) {
        await standStill(host, cover(all.filter(notOurs), others), id, abort);
        for (const pid of beyond(living()).keys()) if (send(pid, 'SIGKILL')) by.add('signals');
      }
    } finally {
      thawAll();
    }
    const patience = Math.min(ROUND_MS[round] ?? ROUND_MS.at(-1) ?? 0, Math.max(0, deadline - performance.now()));
    await until(() => living().size === 0, { timeoutMs: patience, signal: abort });
  }
  return { id, signal: 'SIGKILL', pids: [...seen].filter((pid) => pid > 0), by: [...by], pending: false };
}

function isEnding(pid: number): boolean {
  const process = processOf(pid);
  return process === undefined || isExiting(process);
}

/** Freezes for a short while what can be frozen; a group that is gone, or does not freeze, is signalled as it is. */
async function standStill(
  host: Host,
  seats: readonly Seat<Slot>[],
  id: CgroupId,
  signal: AbortSignal | undefined,
): Promise<void> {
  const told = seats.filter((seat) => !tell(host, seat, id, 'frozen'));
  try {
    await settle(host, told, id, { timeoutMs: FREEZE_MS, signal });
  } catch (error) {
    if (!(error instanceof CgError && error.code === 'VANISHED')) throw error;
  }
}

/** The kill files that serve: those whose hierarchy has processes of the group, and which end no others. */
function killFiles(
  host: Host,
  registry: Registry,
  id: CgroupId,
  members: Members,
  recursive: boolean,
): Seat<ActionSlot>[] {
  return killers(host, registry, id).filter(
    ({ hierarchy }) =>
      [...members.values()].some((places) => places.has(hierarchy)) &&
      (recursive || host.reader.children(hierarchy, id).length === 0),
  );
}

function signalAll(host: Host, registry: Registry, id: CgroupId, signal: NodeJS.Signals, recursive: boolean): Killed {
  const sent = new Set<number>();
  for (let pass = 0; pass < PASSES; pass += 1) {
    const fresh = [...membersOf(host.reader, id, recursive).keys()].filter(
      (pid) => !sent.has(pid) && pid !== process.pid,
    );
    if (fresh.length === 0) break;
    for (const pid of fresh) if (send(pid, signal)) sent.add(pid);
  }
  const pending = isFrozen(host, registry, id);
  return { id, signal, pids: [...sent], by: sent.size > 0 ? ['signals'] : [], pending };
}

/** @returns whether there was somebody. @throws CgError PERMISSION */
function send(pid: number, signal: NodeJS.Signals): boolean {
  // 0: a process of another PID namespace, which has no number here. 1: the whole machine
  if (pid <= 1) return false;
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    if (errnoOf(error) !== 'EPERM') throw error;
    throw new CgError(
      'PERMISSION',
      `not permitted to signal process ${describeSome([pid])}`,
      { pid, signal },
      { cause: error },
    );
  }
}

function survived(id: CgroupId, left: Members): CgError {
  const pids = [...left.keys()];
  const foreign = left.has(0) ? '; some are of another PID namespace and cannot be signalled from here' : '';
  return new CgError('BUSY', `${pids.length} of ${id} did not die: ${describeSome(pids)}${foreign}`, {
    id,
    processes: processDetails(pids),
  });
}
