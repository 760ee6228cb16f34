/**
 * Running a command inside a group. A shell waits until it has been moved into every hierarchy and only then becomes the command:
 * no process of the command's was ever outside, and cgctl's own memory is never charged to the group.
 *
 * A shell keeps only those environment variables whose names it could have itself.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import type { Registry } from '../controllers/registry.ts';
import { CgError, errnoOf } from '../errors.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';
import { quoteArg } from '../parse/printable.ts';
import { attachWords, moveTo } from './attach.ts';
import { membersOf } from './members.ts';
import { describeSome, procText } from './process.ts';
import { refusal } from './refusal.ts';
import { remove } from './remove.ts';

export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The command's own three; default: those of this process, whose terminal it then has. */
  readonly stdio?: readonly ('inherit' | 'ignore' | 'pipe')[];
  /** Told of what the command prints on a piped output; the run lasts until nobody holds that pipe any more. */
  output?(stream: 'out' | 'err', text: string): void;
  /** Ends the command by SIGTERM. */
  readonly abort?: AbortSignal | undefined;
  /** Hands over the signals that this process gets; they are passed on. @returns what gives them back */
  takeSignals?(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): () => void;
  /** Remove the group when the command has ended or could not be started, killing what is left in it. */
  readonly rm?: boolean;
}

export interface Ran {
  /** The command's exit status; 128 + n where signal n ended it; 126 and 127 where it was not executable or not found. */
  readonly status: number;
  /** What `rm` killed, for people. */
  readonly killed?: string;
  /** Why `rm` did not remove the group. */
  readonly kept?: CgError;
}

export const FORWARDED: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGWINCH',
];
/** What a terminal sends to all of its foreground processes, so that the command has it already. */
const BY_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH'];

/** Reads one line from descriptor 3, closes it and becomes the command. At the end of file cgctl has died: nothing is run. */
const SHELL = '/bin/sh';
const SCRIPT = 'read -r _ <&3 || exit 125; exec 3<&-; exec "$@"';

/**
 * Runs a command in a group and waits for its end.
 * @param argv the command and its arguments
 * @throws CgError NOT_FOUND, RUN (it could not be started there)
 */
export async function run(
  host: Host,
  registry: Registry,
  id: CgroupId,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const stdio = options.stdio ?? ['inherit', 'inherit', 'inherit'];
  const child = spawn(SHELL, ['-c', SCRIPT, 'cgctl', ...argv], {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env) },
    stdio: [...stdio, 'pipe'] satisfies StdioOptions,
  });
  const ended = endOf(child, options.cwd);
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.stdout?.setEncoding('utf8').on('data', (text: string) => options.output?.('out', text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => options.output?.('err', text));
  const pass = (name: NodeJS.Signals): void => {
    if (!(BY_TERMINAL.includes(name) && isInForeground())) child.kill(name);
  };
  const release = options.takeSignals?.(FORWARDED, pass);
  const stop = () => child.kill('SIGTERM');
  options.abort?.addEventListener('abort', stop);
  try {
    await begin(host, registry, id, child);
    if (options.abort?.aborted) stop();
    const status = await ended;
    const cleaned = options.rm ? await cleanUp(host, registry, id) : {};
    await closed;
    return { status, ...cleaned };
  } catch (error) {
    child.kill('SIGKILL');
    await Promise.allSettled([ended]);
    if (options.rm) await cleanUp(host, registry, id);
    throw error;
  } finally {
    options.abort?.removeEventListener('abort', stop);
    release?.();
  }
}

/** Moves the waiting shell into the group, and lets it go. */
async function begin(host: Host, registry: Registry, id: CgroupId, child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return; // `ended` says why
  const places = host.reader.places(id);
  if (places.length === 0) throw new CgError('NOT_FOUND', `there is no cgroup ${id}`, { id });
  for (const hierarchy of places) {
    const refused = await moveTo(host, id, { task: { kind: 'process', number: pid }, hierarchy });
    if (refused) {
      const words = attachWords(host, registry, hierarchy, id);
      const cause = refusal(refused, { id, kind: 'attach', what: 'starting the command there', words });
      throw new CgError('RUN', cause.message, cause.details, { cause });
    }
  }
  const gate = child.stdio[3] as Writable;
  gate.on('error', () => undefined); // the shell was killed while it waited: `ended` tells
  gate.end('\n');
}

function endOf(child: ChildProcess, cwd = '.'): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const errno = errnoOf(error) ?? error.message;
      const text = `a shell (${SHELL}) could not be started in ${quoteArg(cwd)}: ${errno}`;
      reject(new CgError('RUN', text, { errno, cwd }, { cause: error }));
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** Failing to remove the group changes nothing of how the command ended. */
async function cleanUp(host: Host, registry: Registry, id: CgroupId): Promise<Omit<Ran, 'status'>> {
  if (host.reader.places(id).length === 0) return {};
  const left = [...membersOf(host.reader, id, true).keys()];
  const killed = left.length > 0 ? { killed: describeSome(left) } : {};
  try {
    await remove(host, registry, id, { recursive: true, force: true });
    return killed;
  } catch (error) {
    if (error instanceof CgError) return { ...killed, kept: error };
    throw error;
  }
}

/** Whether this process is of the foreground group of its terminal: proc_pid_stat(5), pgrp (5) and tpgid (8). */
function isInForeground(): boolean {
  const text = procText('self/stat') ?? '';
  const fields = text.slice(text.lastIndexOf(') ') + 2).split(' ');
  return fields[2] === fields[5];
}
