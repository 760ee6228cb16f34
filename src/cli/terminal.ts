/** This process's streams. Written to by descriptor: `process.stdout` costs a start-up 5 ms, and a pipe's end shows at once. */
import { fstatSync, writeSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import type { Output, Screen, ScreenOwner, Streams } from '../verbs/verb.ts';

const DEFAULT_COLUMNS = 80;
const RETRY_MS = 5;
/** Major 1, minor 3 (Linux, admin-guide/devices.txt). */
const DEV_NULL = 0x103;

/** @param closed called when nobody reads standard output any more: a closed pipe, a terminal that was hung up */
export function terminal(closed: () => never): Streams {
  const out = output(1, closed);
  // Nobody who could be told is left when the error stream is closed.
  const err = output(2, () => undefined);
  return {
    out,
    err,
    confirm: (question) => confirm(question, err),
    takeScreen: (owner) => takeScreen(owner, out),
  };
}

async function takeScreen(owner: ScreenOwner, out: Output): Promise<Screen | undefined> {
  if (!isTerminal(0) || !out.isTTY) return undefined;
  const { openScreen } = await import('./screen.ts');
  return openScreen(owner, out);
}

function output(fd: 1 | 2, closed: () => void): Output {
  const isTTY = once(() => isTerminal(fd));
  return {
    write(text) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) {
        try {
          at += writeSync(fd, bytes, at);
        } catch (error) {
          if (errnoOf(error) === 'EAGAIN') pause();
          else if (errnoOf(error) === 'EPIPE' || (errnoOf(error) === 'EIO' && isTTY())) return closed();
          else throw error;
        }
      }
    },
    get isTTY() {
      return isTTY();
    },
    get columns() {
      const stream = fd === 1 ? process.stdout : process.stderr;
      return (isTTY() && stream.columns) || DEFAULT_COLUMNS;
    },
  };
}

async function confirm(question: string, err: Output): Promise<boolean> {
  if (!isTerminal(0) || !err.isTTY) return false;
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

/** node:tty is dear to load: it is asked about what may be a terminal. */
function isTerminal(fd: number): boolean {
  const file = fstatSync(fd);
  return file.isCharacterDevice() && file.rdev !== DEV_NULL && process.getBuiltinModule('node:tty').isatty(fd);
}

/** A non-blocking pipe that is full. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
}

function once<T>(compute: () => T): () => T {
  let value: { readonly of: T } | undefined;
  return () => {
    value ??= { of: compute() };
    return value.of;
  };
}
