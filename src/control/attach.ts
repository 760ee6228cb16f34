/**
 * Moving processes and threads into a group: in every hierarchy that the group is in, one pid a write. All or nothing: when the
 * kernel refuses one of them somewhere, everything that was moved goes back to where /proc/PID/cgroup said it was.
 */

import { alternatives } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { CgError } from '../errors.ts';
import { idOfProcPath } from '../hierarchy/layout.ts';
import type { CgroupId, Hierarchy, Host, Refusal } from '../hierarchy/types.ts';
import { printable } from '../parse/printable.ts';
import { parseProcCgroup } from '../parse/procfs.ts';
import type { Plan } from '../protocol/plan.ts';
import { isKernelThread, isZombie, processOf, procText } from './process.ts';
import { refusal, writerOf } from './refusal.ts';
import { pause } from './wait.ts';

export interface Attached {
  readonly id: CgroupId;
  readonly pids: readonly number[];
  readonly threads: readonly number[];
  /** Those that were not there (any more): the others are moved all the same. */
  readonly gone: readonly number[];
  /** Hierarchies that take no single threads, and were left out because others do. */
  readonly skipped: readonly string[];
}

/** One task to move. */
export interface Task {
  readonly kind: 'process' | 'thread';
  readonly number: number;
}

export interface Move {
  readonly task: Task;
  readonly hierarchy: Hierarchy;
  readonly from: CgroupId | undefined;
}

/** A task that is being forked is refused for an instant. */
const TRIES = 5;
const RETRY_MS = 5;

/** The file that takes a task: a v2 group takes threads only within a threaded subtree (cgroup-v2.rst "Threads"). */
export function taskFile({ dialect }: Hierarchy, kind: Task['kind']): string {
  if (kind === 'process') return 'cgroup.procs';
  return dialect === 'v1' ? 'tasks' : 'cgroup.threads';
}

/** What {@link attach} would write. @throws CgError NOT_FOUND, UNSUPPORTED */
export function planAttach(host: Host, id: CgroupId, pids: readonly number[], threads: readonly number[] = []): Plan {
  const steps = prepare(host, id, pids, threads).moves.map(({ task, hierarchy, from }) => {
    const file = taskFile(hierarchy, task.kind);
    return {
      kind: 'attach' as const,
      cgroup: id,
      hierarchy: hierarchy.key,
      file,
      path: host.reader.path(hierarchy, id, file),
      text: String(task.number),
      why: from === undefined ? 'the group is in this hierarchy' : `it is in ${printable(from)} now`,
    };
  });
  return { steps, notes: [], asked: {} };
}

/**
 * Moves whole processes and single threads into a group.
 * @throws CgError NOT_FOUND (no such group, or none of the tasks), UNSUPPORTED (a kernel thread), KERNEL, PERMISSION, VANISHED when the
 * kernel refused one and all went back; ROLLBACK when some could not go back
 */
export async function attach(
  host: Host,
  registry: Registry,
  id: CgroupId,
  pids: readonly number[],
  threads: readonly number[] = [],
): Promise<Attached> {
  const { moves, gone, skipped } = prepare(host, id, pids, threads);
  const moved: Move[] = [];
  for (const move of moves) {
    if (gone.has(move.task.number)) continue;
    const refused = await moveTo(host, id, move);
    if (refused === undefined) moved.push(move);
    else if (refused.errno === 'ESRCH') gone.add(move.task.number);
    else throw putBack(host, registry, id, moved, { ...move, refused });
  }
  const left = (numbers: readonly number[]) => numbers.filter((number) => !gone.has(number));
  const done = { id, pids: left(pids), threads: left(threads), gone: [...gone], skipped };
  if (done.pids.length + done.threads.length > 0) return done;
  throw new CgError('NOT_FOUND', `there is no process or thread ${done.gone.join(', ')}`, { gone: done.gone });
}

/** Everything that can be known and refused before the first move. */
function prepare(
  host: Host,
  id: CgroupId,
  pids: readonly number[],
  threads: readonly number[],
): { moves: Move[]; gone: Set<number>; skipped: string[] } {
  const places = host.reader.places(id);
  if (places.length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { id });
  const tasks: Task[] = [
    ...pids.map((number) => ({ kind: 'process' as const, number })),
    ...threads.map((number) => ({ kind: 'thread' as const, number })),
  ];
  const gone = new Set(tasks.filter((task) => !isThere(task)).map(({ number }) => number));
  const forThreads = places.filter((h) => h.dialect === 'v1' || isThreaded(host, h, id));
  // where no hierarchy takes threads, the kernel says why
  const takers = { process: places, thread: forThreads.length > 0 ? forThreads : places };
  const moves = tasks
    .filter(({ number }) => !gone.has(number))
    .flatMap((task) =>
      takers[task.kind].map((hierarchy) => ({ task, hierarchy, from: placeOf(task.number, hierarchy) })),
    );
  const skipped = threads.length > 0 ? places.filter((h) => !takers.thread.includes(h)).map(({ key }) => key) : [];
  return { moves, gone, skipped };
}

/** What refusals mean that a group of this hierarchy causes: v1's that take no task before some of their files are filled. */
export function attachWords(
  { reader }: Host,
  registry: Registry,
  hierarchy: Hierarchy,
  id: CgroupId,
): Readonly<Record<string, string>> | undefined {
  const empty = registry.allKnobs().flatMap(({ controller, knob }) => {
    const slot = alternatives(knob.v1).find(({ populate }) => populate);
    const here = slot && hierarchy.controllers.includes(slot.in ?? controller.v1 ?? controller.name);
    return here && reader.tryRead(hierarchy, id, slot.file)?.trim() === '' ? [`${slot.file} (${knob.flag})`] : [];
  });
  return empty.length > 0
    ? { ENOSPC: `it takes no task while these are empty, set them first: ${empty.join(', ')}` }
    : undefined;
}

/** Moves a task in one hierarchy: one write, tried again where the kernel refuses for an instant. */
export async function moveTo(
  host: Host,
  id: CgroupId,
  { task, hierarchy }: Pick<Move, 'task' | 'hierarchy'>,
): Promise<Refusal | undefined> {
  for (let left = TRIES; ; left -= 1) {
    const refused = writerOf(host).write(hierarchy, id, taskFile(hierarchy, task.kind), String(task.number));
    if (refused?.errno !== 'EINVAL' || left === 0) return refused;
    await pause(RETRY_MS);
  }
}

function putBack(
  host: Host,
  registry: Registry,
  id: CgroupId,
  moved: readonly Move[],
  { task, hierarchy, refused }: Move & { refused: Refusal },
): CgError {
  const left = moved.toReversed().flatMap((move) => {
    const { number, kind } = move.task;
    if (move.from === undefined) return [`${number} stays in ${id} in ${move.hierarchy.key}`];
    const again = writerOf(host).write(move.hierarchy, move.from, taskFile(move.hierarchy, kind), String(number));
    return again && again.errno !== 'ESRCH' ? [`${number} did not go back to ${again.path}: ${again.errno}`] : [];
  });
  const what = `moving ${task.kind} ${task.number} there`;
  const undone = moved.length > 0 ? 'everything was moved back' : 'nothing was moved';
  const after = left.length > 0 ? left.join('; ') : undone;
  const error = refusal(refused, {
    id,
    kind: 'attach',
    what,
    words: attachWords(host, registry, hierarchy, id),
    after,
  });
  return left.length > 0 ? new CgError('ROLLBACK', error.message, { ...error.details, left }) : error;
}

/** @throws CgError UNSUPPORTED for a kernel thread: the kernel would answer EINVAL */
function isThere({ kind, number }: Task): boolean {
  const process = processOf(number);
  if (process === undefined || (kind === 'process' && isZombie(process))) return false;
  if (!isKernelThread(process)) return true;
  throw new CgError(
    'UNSUPPORTED',
    `${number} (${printable(process.comm)}) is a kernel thread, which the kernel does not let be moved`,
    { pid: number },
  );
}

/** Only such a v2 group takes single threads; on a hybrid host v1 does that work. */
const isThreaded = ({ reader }: Host, h: Hierarchy, id: CgroupId): boolean =>
  reader.tryRead(h, id, 'cgroup.type')?.trim() === 'threaded';

/** Where a task is in a hierarchy; undefined where that has no name here: outside of the mount or the namespace, or removed. */
function placeOf(task: number, hierarchy: Hierarchy): CgroupId | undefined {
  const line = parseProcCgroup(procText(`${task}/cgroup`) ?? '').find((line) =>
    hierarchy.dialect === 'v2' ? line.hierarchy === 0 : line.controllers.join(',') === hierarchy.key,
  );
  return line === undefined || line.deleted ? undefined : idOfProcPath(hierarchy, line.path);
}
