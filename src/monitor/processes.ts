/** What only a group's processes tell: their descriptors, limits, and network interfaces (proc(5)). All of it is a look at each process. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { parseCgroupId } from '../hierarchy/id.ts';
import { pidsOf } from '../hierarchy/procs.ts';
import type { Host } from '../hierarchy/types.ts';
import { type NetCounters, parseNetDev, parseProcStat, softLimit } from '../parse/procfs.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import { Slices } from './pause.ts';

/** By row; rows without processes have none. */
export interface ProcessFigures {
  readonly descriptors: Float64Array;
  readonly sockets: Float64Array;
  /** Soft limit of open files of the first process; Infinity is none. */
  readonly openFiles: Float64Array;
  /** Interfaces of each network namespace, in the row of its oldest process; this machine's own in that of the root. */
  readonly network: ReadonlyMap<number, readonly Interface[]>;
}

export interface Interface {
  readonly name: string;
  readonly receive: NetCounters;
  readonly transmit: NetCounters;
}

/** What to look for. */
export interface ProcessWish {
  readonly descriptors: boolean;
  readonly network: boolean;
}

/**
 * @param populated how many processes each row has: rows without are passed over
 * @param proc where the host's processes are
 */
export async function processFigures(
  host: Host,
  { rows }: Snapshot,
  populated: ArrayLike<number>,
  wish: ProcessWish,
  proc = '/proc',
): Promise<ProcessFigures> {
  const absent = () => new Float64Array(rows.length).fill(Number.NaN);
  const figures = { descriptors: absent(), sockets: absent(), openFiles: absent() };
  const namespaces = new Namespaces(proc);
  const slices = new Slices();
  for (const [at, { id }] of rows.entries()) {
    if (!((populated[at] ?? 0) > 0)) continue;
    if (slices.due()) await slices.pause();
    const pids = pidsIn(host, id);
    const [first] = pids;
    if (first === undefined) continue;
    if (wish.network) namespaces.note(at, first);
    if (wish.descriptors) {
      figures.openFiles[at] = softLimit(textOf(join(proc, String(first), 'limits')) ?? '', 'Max open files');
      const open: string[] = [];
      for (const pid of pids) {
        open.push(...descriptorsOf(join(proc, String(pid), 'fd')));
        if (slices.due()) await slices.pause();
      }
      figures.descriptors[at] = open.length;
      figures.sockets[at] = open.filter((target) => target.startsWith('socket:')).length;
    }
  }
  return { ...figures, network: wish.network ? namespaces.counts() : new Map() };
}

/** The loopback, and the host's ends of containers' interfaces, which those count themselves. */
const IGNORED = /^(?:lo$|veth|docker|nerdctl)/;

/** Network namespaces, each with its oldest process among those that were noted. */
class Namespaces {
  readonly #proc: string;
  /** The first process of the machine; our own where that one is closed to us. */
  readonly #init: string;
  readonly #own: string | undefined;
  readonly #oldest = new Map<string, { readonly row: number; readonly pid: number; readonly startTicks: number }>();

  constructor(proc: string) {
    this.#proc = proc;
    this.#init = linkOf(join(proc, '1/ns/net')) === undefined ? 'self' : '1';
    this.#own = linkOf(join(proc, this.#init, 'ns/net'));
  }

  note(row: number, pid: number): void {
    const name = linkOf(join(this.#proc, String(pid), 'ns/net'));
    const stat = textOf(join(this.#proc, String(pid), 'stat'));
    if (name === undefined || name === this.#own || stat === undefined) return;
    const { startTicks } = parseProcStat(stat);
    const known = this.#oldest.get(name);
    if (known === undefined || startTicks < known.startTicks) this.#oldest.set(name, { row, pid, startTicks });
  }

  counts(): ReadonlyMap<number, readonly Interface[]> {
    const counts = new Map([[0, this.#read(this.#init)]]);
    for (const { row, pid } of this.#oldest.values())
      counts.set(row, [...(counts.get(row) ?? []), ...this.#read(String(pid))]);
    return counts;
  }

  #read(process: string): Interface[] {
    const text = textOf(join(this.#proc, process, 'net/dev'));
    const all = text === undefined ? [] : [...parseNetDev(text)].map(([name, counters]) => ({ name, ...counters }));
    return all.filter(({ name }) => !IGNORED.test(name));
  }
}

/** Of the first hierarchy that has the group, in which the sampler counts them. */
function pidsIn({ layout, reader }: Host, path: string): number[] {
  const id = parseCgroupId(path);
  const hierarchy = layout.hierarchies.find((h) => reader.exists(h, id));
  return hierarchy === undefined ? [] : pidsOf(reader, hierarchy, id);
}

/** What each descriptor refers to. A process may end at any moment, and another user's is closed to us. */
function descriptorsOf(folder: string): string[] {
  return (tried(() => readdirSync(folder)) ?? []).flatMap((name) => linkOf(join(folder, name)) ?? []);
}

const linkOf = (path: string): string | undefined => tried(() => readlinkSync(path));
const textOf = (path: string): string | undefined => tried(() => readFileSync(path, 'utf8'));

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
