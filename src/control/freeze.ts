/**
 * Freezing and thawing. Both kernels answer at once and finish later: v1's FREEZING becomes FROZEN when somebody looks, v2 tells
 * in cgroup.events (cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst "Core Interface Files").
 */
import type { Slot } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { ancestors } from '../hierarchy/id.ts';
import type { CgroupId, Host, Reader, Refusal } from '../hierarchy/types.ts';
import { parseKeyed } from '../parse/nested.ts';
import type { Plan } from '../protocol/plan.ts';
import { membersOf } from './members.ts';
import { describe, threadsOf } from './process.ts';
import { refusal, writerOf } from './refusal.ts';
import { cover, freezers, outside, type Seat } from './seats.ts';
import { pause, until } from './wait.ts';

export interface FreezeOptions {
  /** How long the kernel may take; default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Frozen {
  readonly id: CgroupId;
  readonly state: 'frozen' | 'thawed';
  /** False where all was so already. */
  readonly changed: boolean;
  /** The control files that were written. */
  readonly files: readonly string[];
  /** The highest group above that is frozen too: thawing this one alone would not let it run. */
  readonly frozenAbove?: CgroupId;
  /** Processes of the group that are only in hierarchies without a freezer: they run on. */
  readonly untouched: readonly number[];
}

type Freezer = Seat<Slot>;
type State = 'frozen' | 'thawed';

const TIMEOUT_MS = 10_000;
/** v1: after so many looks at a group that will not freeze, it is thawed for an instant, which lets a task that hangs on another go on. */
const LOOKS_BEFORE_RETRY = 25;
/** How long a thawed task is given to leave its frozen sleep before it is called stuck. */
const THAW_MS = 50;

/**
 * Freezes a group and all below it, and returns when every process stands still. Freezing a frozen group is fine.
 * @throws CgError FREEZE when some process did not freeze in time: the group is thawed again, the message names the processes;
 * NOT_FOUND, ABSENT (no freezer has it), UNSUPPORTED (cgctl itself is inside)
 */
export async function freeze(
  host: Host,
  registry: Registry,
  id: CgroupId,
  { timeoutMs = TIMEOUT_MS, signal }: FreezeOptions = {},
): Promise<Frozen> {
  const { reader } = host;
  const members = membersOf(reader, id, true);
  const seats = cover(present(host, registry, id), members);
  if (members.has(process.pid)) {
    const text = `cgctl itself (pid ${process.pid}) is in ${id} and would freeze too: run it from outside`;
    throw new CgError('UNSUPPORTED', text, { id, pid: process.pid });
  }
  const changed = !seats.every((seat) => isSettled(reader, seat, id, 'frozen'));
  // written even so: only an ancestor may have frozen it till now
  for (const seat of seats) command(host, seat, id, 'frozen');
  try {
    if (!(await settle(host, seats, id, { timeoutMs, signal }))) throw await stuck(host, seats, id, timeoutMs);
  } catch (error) {
    for (const seat of seats) command(host, seat, id, 'thawed');
    throw error;
  }
  return { ...result(host, seats, id), state: 'frozen', changed, untouched: outside(seats, members) };
}

/**
 * Thaws a group wherever it is frozen, and returns when it runs. Groups below that were frozen by themselves stay so.
 * @throws CgError FROZEN when a group above is frozen, FREEZE when the kernel does not say in time that it runs
 */
export async function thaw(
  host: Host,
  registry: Registry,
  id: CgroupId,
  { timeoutMs = TIMEOUT_MS, signal }: FreezeOptions = {},
): Promise<Frozen> {
  const seats = present(host, registry, id);
  const changed = !seats.every((seat) => isSettled(host.reader, seat, id, 'thawed'));
  for (const seat of seats) command(host, seat, id, 'thawed');
  const done = result(host, seats, id);
  if (done.frozenAbove !== undefined) throw heldAbove(id, done.frozenAbove);
  const thawed = await until(() => seats.every((seat) => isSettled(host.reader, seat, id, 'thawed')), {
    timeoutMs,
    signal,
  });
  if (!thawed)
    throw new CgError('FREEZE', `${id} was told to thaw but still reads frozen after ${timeoutMs} ms`, { id });
  return { ...done, state: 'thawed', changed, untouched: [] };
}

/** What {@link freeze} or {@link thaw} would write. @throws CgError NOT_FOUND, ABSENT */
export function planFreeze(host: Host, registry: Registry, id: CgroupId, state: State): Plan {
  const { reader } = host;
  const all = present(host, registry, id);
  const seats = state === 'frozen' ? cover(all, membersOf(reader, id, true)) : all;
  const steps = seats.map(({ slot, hierarchy }) => {
    const was = reader.tryRead(hierarchy, id, slot.file)?.trim();
    return {
      kind: 'write' as const,
      cgroup: id,
      hierarchy: hierarchy.key,
      file: slot.file,
      path: reader.path(hierarchy, id, slot.file),
      text: textOf(slot, state),
      ...(was !== undefined && { was }),
      why: state === 'frozen' ? 'every process in it and below stands still' : 'its processes go on',
    };
  });
  return { steps, notes: [], asked: {} };
}

/** That a group cannot run, or its processes cannot die, before one above it is thawed. */
export function heldAbove(id: CgroupId, above: CgroupId): CgError {
  return new CgError('FROZEN', `${id} stays frozen for as long as ${above} is: thaw that one`, { id, frozenBy: above });
}

/** The highest group above this one that this freezer holds; v1 shows in each group what an ancestor imposed. */
export function frozenAbove(reader: Reader, seat: Freezer, id: CgroupId): CgroupId | undefined {
  return ancestors(id).find((above) => holds(reader, seat, above));
}

/** Whether a group stands still, or is on its way there: by itself or through a group above. */
export function isFrozen(host: Host, registry: Registry, id: CgroupId): boolean {
  return freezers(host, registry, id).some(
    (seat) => holds(host.reader, seat, id) || frozenAbove(host.reader, seat, id) !== undefined,
  );
}

/** Whether a group's own file says that it is frozen or on its way there. */
export function holds(reader: Reader, { slot, hierarchy }: Freezer, id: CgroupId): boolean {
  const text = reader.tryRead(hierarchy, id, slot.file)?.trim();
  return text !== undefined && text !== textOf(slot, 'thawed');
}

/** Tells the kernel, which gets there later. @returns its refusal */
export function tell(host: Host, { slot, hierarchy }: Freezer, id: CgroupId, state: State): Refusal | undefined {
  return writerOf(host).write(hierarchy, id, slot.file, textOf(slot, state));
}

/** As {@link tell}. @throws CgError KERNEL, VANISHED, PERMISSION */
function command(host: Host, seat: Freezer, id: CgroupId, state: State): void {
  const refused = tell(host, seat, id, state);
  if (refused === undefined) return;
  throw refusal(refused, { id, kind: 'write', what: `writing "${textOf(seat.slot, state)}"`, words: seat.slot.errno });
}

/** Waits until every freezer says that all below it stands still. @returns false when the time is up */
export function settle(
  host: Host,
  seats: readonly Freezer[],
  id: CgroupId,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<boolean> {
  return until((look) => {
    const waiting = seats.filter((seat) => !isSettled(host.reader, seat, id, 'frozen'));
    if (look % LOOKS_BEFORE_RETRY === LOOKS_BEFORE_RETRY - 1) {
      for (const seat of waiting.filter(({ hierarchy }) => hierarchy.dialect === 'v1')) {
        command(host, seat, id, 'thawed');
        command(host, seat, id, 'frozen');
      }
    }
    return waiting.length === 0;
  }, options);
}

function present(host: Host, registry: Registry, id: CgroupId): Freezer[] {
  const seats = freezers(host, registry, id);
  if (seats.length > 0) return seats;
  const places = host.reader.places(id).map(({ key }) => key);
  if (places.length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { id });
  throw new CgError(
    'ABSENT',
    `${id} cannot be frozen: it is only in ${places.join(', ')}, where there is no freezer for it`,
    { id, places },
  );
}

function result(
  { reader }: Host,
  seats: readonly Freezer[],
  id: CgroupId,
): Pick<Frozen, 'id' | 'files' | 'frozenAbove'> {
  const above = seats.map((seat) => frozenAbove(reader, seat, id)).find((group) => group !== undefined);
  const files = seats.map(({ slot, hierarchy }) => reader.path(hierarchy, id, slot.file));
  return { id, files, ...(above !== undefined && { frozenAbove: above }) };
}

const textOf = (slot: Slot, state: State): string => slot.encode?.(state, () => undefined) ?? state;

function isSettled(reader: Reader, { slot, hierarchy }: Freezer, id: CgroupId, state: State): boolean {
  const { file, key, is } = slot.settle ?? { file: slot.file, is: { [state]: textOf(slot, state) } };
  const text = reader.read(hierarchy, id, file);
  return (key === undefined ? text.trim() : parseKeyed(text).get(key)) === is[state];
}

/**
 * Who did not freeze. A frozen task looks like one in uninterruptible sleep on v1 and like one in a plain sleep on v2, so the
 * group is thawed: who runs before, or still sleeps uninterruptibly after, was not frozen.
 */
async function stuck(host: Host, seats: readonly Freezer[], id: CgroupId, timeoutMs: number): Promise<CgError> {
  const pids = [...membersOf(host.reader, id, true).keys()];
  const before = pids.map((pid) => ({ pid, threads: threadsOf(pid) }));
  for (const seat of seats) command(host, seat, id, 'thawed');
  await pause(THAW_MS);
  const stuckThreads = before.flatMap(({ pid, threads }) => {
    const after = new Map(threadsOf(pid).map((thread) => [thread.pid, thread.state]));
    const thread = threads.find(({ pid: tid, state }) => state === 'R' || (state === 'D' && after.get(tid) === 'D'));
    return thread ? [{ pid, thread }] : [];
  });
  const processes = stuckThreads.map(({ pid, thread }) => ({ pid, comm: thread.comm, state: thread.state }));
  const named = stuckThreads.map(({ pid, thread }) => describe({ ...thread, pid })).join(', ');
  const who = named || `one of ${pids.length} processes`;
  return new CgError('FREEZE', `${id} did not freeze in ${timeoutMs} ms because of ${who}; it was thawed again`, {
    id,
    processes,
  });
}
