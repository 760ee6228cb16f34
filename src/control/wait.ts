/** Waiting for what the kernel does in its own time. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Ends the wait by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Pauses between the looks in ms; the last one repeats. */
  readonly intervals?: readonly number[];
}

const BACK_OFF = [1, 2, 5, 10, 20, 50, 100];

/**
 * Looks at once, then again and again until `check` says so.
 * @param check called with the number of the look, from 0
 * @returns false when the time is up; there is always one look after the last pause
 */
export async function until(
  check: (look: number) => boolean | Promise<boolean>,
  { timeoutMs, signal, intervals = BACK_OFF }: WaitOptions,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let look = 0; ; look += 1) {
    signal?.throwIfAborted();
    if (await check(look)) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await pause(Math.min(left, intervals[look] ?? intervals.at(-1) ?? 1), signal);
  }
}

/** A pause that an abort ends with the abort's own reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal && { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}
