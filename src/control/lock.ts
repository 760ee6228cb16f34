/**
 * One change at a time: an advisory lock in a directory of root's own (a lock on a cgroup's directory could be held by anybody).
 * The lock is the highest-numbered file whose owner lives. A taker links the next number into place, which only one can; since a
 * number is never reused while a higher one exists, a taker that finds itself overtaken steps back. Nothing is left to clean up
 * after a crash: a dead owner's file counts as free.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CgError, errnoOf } from '../errors.ts';
import { parseProcStat } from '../parse/procfs.ts';

export interface LockOptions {
  /** Directory of the lock; default `/run/cgctl/lock`, or below `XDG_RUNTIME_DIR` where not root. */
  readonly dir: string;
  /** Seconds to wait for another holder; 0 fails at once. */
  readonly timeout: number;
  /** Shown to whoever has to wait. */
  readonly who: string;
  readonly signal?: AbortSignal;
}

interface Owner {
  pid: number;
  start: number;
  who: string;
}

/** Runs `fn` while holding the lock. Throws LOCKED, naming the holder, when it stays taken. */
export async function withLock<T>(options: LockOptions, fn: () => Promise<T>): Promise<T> {
  const release = await take(options);
  try {
    return await fn();
  } finally {
    release();
  }
}

async function take({ dir, timeout, who, signal }: LockOptions): Promise<() => void> {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CgError(
      'PERMISSION',
      `the lock's directory ${dir} cannot be made: ${errnoOf(error)}; CGCTL_LOCK_DIR names another one`,
      { dir },
      { cause: error },
    );
  }
  const mine = join(dir, `.${process.pid}.${Math.random().toString(36).slice(2)}`);
  writeFileSync(mine, JSON.stringify({ pid: process.pid, start: startOf(process.pid) ?? 0, who } satisfies Owner), {
    mode: 0o600,
  });
  try {
    // Not performance.now(): its module takes Node 1 ms to load.
    const deadline = process.uptime() + timeout;
    for (;;) {
      const highest = numbers(dir)[0] ?? 0;
      const holder = highest > 0 ? livingOwner(join(dir, String(highest))) : undefined;
      if (holder === undefined) {
        const lock = join(dir, String(highest + 1));
        if (linked(mine, lock)) {
          const [top, ...older] = numbers(dir);
          if (top === highest + 1) {
            for (const number of older) remove(join(dir, String(number)));
            return () => writeFileSync(lock, '');
          }
          remove(lock);
        }
      } else if (process.uptime() >= deadline) {
        throw new CgError(
          'LOCKED',
          `another change is under way: pid ${holder.pid} (${holder.who}); waited ${timeout} s`,
          { ...holder },
        );
      }
      signal?.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 20));
    }
  } finally {
    remove(mine);
  }
}

/** The numbers in use, highest first. */
function numbers(dir: string): number[] {
  return readdirSync(dir)
    .filter((name) => /^\d{1,15}$/.test(name))
    .map(Number)
    .sort((a, b) => b - a);
}

function livingOwner(path: string): Owner | undefined {
  let owner: Partial<Owner>;
  try {
    const text = readFileSync(path, 'utf8');
    if (text === '') return undefined; // released
    owner = JSON.parse(text);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { pid, start, who } = owner;
  if (typeof pid !== 'number' || typeof start !== 'number' || typeof who !== 'string') return undefined;
  return startOf(pid) === start ? { pid, start, who } : undefined;
}

/** When a process started, in ticks since boot: with the pid it names a process for good. Undefined when it is gone. */
function startOf(pid: number): number | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).startTicks;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
