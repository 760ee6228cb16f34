/** What the verbs share that freeze, kill, move and remove whole groups. */
import { withLock } from '../control/lock.ts';
import { CgError } from '../errors.ts';
import type { CgroupId } from '../hierarchy/types.ts';
import { parseDuration } from '../parse/duration.ts';
import type { Plan } from '../protocol/plan.ts';
import { lockOptions, tellOutcome } from './changing.ts';
import { writeJson } from './output.ts';
import type { Arguments, Context, OptionSpec, Streams } from './verb.ts';

export const DRY_RUN: OptionSpec = { flags: '--dry-run', help: 'show what would be done; touch nothing' };
export const TIMEOUT: OptionSpec = {
  flags: '--timeout <duration>',
  help: 'how long the kernel may take, as 500ms or 30s (default 10s)',
};

/** @throws CgError VALUE */
export function timeoutOf({ options: { timeout } }: Arguments): { timeoutMs?: number } {
  return typeof timeout === 'string' ? { timeoutMs: 1000 * parseDuration(timeout) } : {};
}

/** Does something under the lock of all changes. @throws CgError LOCKED */
export function locked<T>(args: Arguments, ctx: Context, act: () => Promise<T>): Promise<T> {
  return withLock(lockOptions(args, ctx), act);
}

/**
 * Does the same to each group in turn, and tells of each: what fails with one does not keep the others.
 * @returns 0
 * @throws CgError the only failure, or all of them as one
 */
export async function each<T>(
  ids: readonly CgroupId[],
  act: (id: CgroupId) => Promise<T>,
  tell: (done: T) => void,
  args: Arguments,
  io: Streams,
): Promise<number> {
  const done: T[] = [];
  const errors: CgError[] = [];
  for (const id of ids) {
    try {
      const one = await act(id);
      done.push(one);
      if (!args.options.json) tell(one);
    } catch (error) {
      if (!(error instanceof CgError)) throw error;
      errors.push(error);
    }
  }
  if (args.options.json) writeJson(io.out, done);
  const [first, ...others] = errors;
  if (first === undefined) return 0;
  if (others.length === 0) throw first;
  throw new CgError(first.code, errors.map(({ message }) => message).join('\n'), { errors });
}

/** Shows plans as one. @returns 0 */
export function tellPlans(plans: readonly Plan[], args: Arguments, io: Streams, ctx: Context): number {
  const [steps, notes] = [plans.flatMap((plan) => plan.steps), plans.flatMap((plan) => plan.notes)];
  tellOutcome({ steps, notes, dryRun: true }, args, io, ctx);
  return 0;
}
