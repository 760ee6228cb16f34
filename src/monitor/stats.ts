/** The arithmetic of `docker stats`, from two looks at the tree; figures are found by their role. */
import { readFileSync } from 'node:fs';
import type { Role } from '../controllers/controller.ts';
import type { Registry } from '../controllers/registry.ts';
import { parseCpuLine, parseMeminfo } from '../parse/procfs.ts';
import type { Row, Snapshot } from '../protocol/snapshot.ts';
import { figuresOf } from './columns.ts';
import type { Sampler } from './sampler.ts';

/** A snapshot, and what the machine had spent then. */
export interface Look {
  readonly snapshot: Snapshot;
  /** CPU time of all CPUs together since boot, idle time included, in clock ticks. */
  readonly ticks: number;
  /** CPUs that are online. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** Docker's columns for one group; NaN is absent. */
export interface Figures {
  readonly row: Row;
  /** Of one CPU: 200 is two CPUs' worth. NaN at the first look. */
  readonly cpuPercent: number;
  /** Usage without the page cache that is first to go. */
  readonly memoryBytes: number;
  /** The group's own limit, or the machine's memory where it has none or more than that. */
  readonly limitBytes: number;
  readonly memoryPercent: number;
  /** Since the group was made. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly pids: number;
}

/** A new snapshot with the machine's figures beside it. */
export async function look(sampler: Sampler): Promise<Look> {
  const snapshot = await sampler.sample();
  const { total: ticks, cpus } = parseCpuLine(readFileSync('/proc/stat', 'utf8'));
  const memoryBytes = parseMeminfo(readFileSync('/proc/meminfo', 'utf8')).get('MemTotal') ?? Number.NaN;
  return { snapshot, ticks, cpus, memoryBytes };
}

/**
 * Docker's figures for every row of the later look. CPU is the growth of usage over the growth of the machine's time, times
 * the CPUs that are online; memory leaves out inactive file pages when that is less than usage.
 */
export function figures(registry: Registry, before: Look | undefined, after: Look): readonly Figures[] {
  const now = columnsByRole(registry, after.snapshot);
  const then = before && columnsByRole(registry, before.snapshot);
  const old = new Map(before?.snapshot.rows.map((row, at) => [row.id, { row, at }]));
  const machineSeconds = before && (after.ticks - before.ticks) / TICKS_PER_SECOND;
  const [usage, memory, inactive, limit] = [
    now('cpu.usage'),
    now('memory.usage'),
    now('memory.cache.inactive'),
    now('memory.limit'),
  ];
  const [read, written, pids] = [now('io.read.bytes'), now('io.write.bytes'), now('pids.current')];
  const usageThen = then?.('cpu.usage');
  return after.snapshot.rows.map((row, at) => {
    const was = old.get(row.id);
    const spent = was?.row.generation === row.generation ? usage(at) - (usageThen?.(was.at) ?? Number.NaN) : Number.NaN;
    const used = memory(at);
    const dropped = inactive(at);
    const memoryBytes = dropped < used ? used - dropped : used;
    const limitBytes = Number.isNaN(used)
      ? Number.NaN
      : Math.min(...[limit(at), after.memoryBytes].filter((bytes) => !Number.isNaN(bytes)));
    return {
      row,
      cpuPercent: machineSeconds && spent >= 0 ? (spent / machineSeconds) * after.cpus * 100 : Number.NaN,
      memoryBytes,
      limitBytes,
      memoryPercent: (memoryBytes / limitBytes) * 100,
      readBytes: read(at),
      writtenBytes: written(at),
      pids: pids(at),
    };
  });
}

/** USER_HZ, the unit of /proc/stat: 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** By role, a column as a function of the row: the first stat with the role that this host has. */
function columnsByRole(registry: Registry, snapshot: Snapshot): (role: Role) => (row: number) => number {
  return (role) => {
    for (const { stat } of registry.statsByRole(role)) {
      const column = figuresOf(snapshot, { metric: stat.name, rate: false });
      if (column !== undefined) return (row) => column[row] ?? Number.NaN;
    }
    return () => Number.NaN;
  };
}
