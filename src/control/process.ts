/** Processes as /proc tells, for those who freeze, kill and move them. */
import { readdirSync, readFileSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { printable } from '../parse/printable.ts';
import { type ProcStat, parseProcStat } from '../parse/procfs.ts';

const PF_EXITING = 0x00000004;
const PF_KTHREAD = 0x00200000;
/** How many processes a message lists. */
const LISTED = 10;

/** /proc/PID/stat, also of a thread; undefined when it is gone. */
export function processOf(pid: number): ProcStat | undefined {
  const text = procText(`${pid}/stat`);
  return text === undefined ? undefined : parseProcStat(text);
}

/** The threads of a process; empty when it is gone. */
export function threadsOf(pid: number): ProcStat[] {
  return (ifThere(() => readdirSync(`/proc/${pid}/task`)) ?? []).flatMap((tid) => {
    const text = procText(`${pid}/task/${tid}/stat`);
    return text === undefined ? [] : [parseProcStat(text)];
  });
}

/** A file below /proc; undefined when the process is gone. */
export function procText(file: string): string | undefined {
  return ifThere(() => readFileSync(`/proc/${file}`, 'utf8'));
}

/** Dead, but for its parent's taking note: it holds nothing any more. A process whose first thread alone has ended lives on. */
export const isZombie = ({ state, threads }: ProcStat): boolean => 'ZXx'.includes(state) && threads <= 1;

/** On its way out: it takes no signal, but its group may hold it still. */
export const isExiting = ({ flags, threads }: ProcStat): boolean => (flags & PF_EXITING) !== 0 && threads <= 1;

export const isKernelThread = ({ flags }: ProcStat): boolean => (flags & PF_KTHREAD) !== 0;

/** `1234 (make, D)` */
export const describe = ({ pid, comm, state }: ProcStat): string => `${pid} (${printable(comm)}, ${state})`;

/** The first few processes for a message; those that are gone meanwhile are left out of it. */
export function describeSome(pids: readonly number[]): string {
  const shown = pids.slice(0, LISTED).flatMap((pid) => processOf(pid) ?? []);
  const more = pids.length > LISTED ? `, and ${pids.length - LISTED} more` : '';
  return `${shown.map(describe).join(', ') || pids.slice(0, LISTED).join(', ')}${more}`;
}

/** For programs: what an error's details say of processes. */
export const processDetails = (pids: readonly number[]): { pid: number; comm: string; state: string }[] =>
  pids.flatMap((pid) => processOf(pid) ?? []).map(({ pid, comm, state }) => ({ pid, comm, state }));

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}
