/** What the machine is: CPUs, memory, NUMA nodes, and their pools of huge pages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../hierarchy/types.ts';
import { parseMeminfo } from '../parse/procfs.ts';

export interface MachineFacts {
  readonly cpus: number;
  /** NaN where the kernel does not tell. */
  readonly physicalCores: number;
  readonly sockets: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly nodes: readonly NodeFacts[];
  /** `MAJ:MIN` of each block device by its name. */
  readonly devices: ReadonlyMap<string, string>;
  /** Seconds since the epoch. */
  readonly bootTime: number;
}

export interface NodeFacts {
  readonly node: number;
  readonly memoryBytes: number;
  readonly distances: readonly number[];
  /** How many huge pages of each size in KiB. */
  readonly hugepages: ReadonlyMap<string, number>;
}

/** @throws CgError PARSE, or with an errno, where /sys or /proc is not as it should be */
export function machineFacts(host: Host, { sys = '/sys', proc = '/proc' } = {}): MachineFacts {
  const { onlineCpus, nodes } = host.topology();
  const memory = parseMeminfo(readFileSync(join(proc, 'meminfo'), 'utf8'));
  const boot = /^btime (\d+)$/m.exec(readFileSync(join(proc, 'stat'), 'utf8'))?.[1];
  const places = onlineCpus.map((cpu) => {
    const topology = join(sys, 'devices/system/cpu', `cpu${cpu}`, 'topology');
    return { socket: textOf(join(topology, 'physical_package_id')), core: textOf(join(topology, 'core_id')) };
  });
  const known = places.every(({ socket, core }) => socket !== undefined && core !== undefined);
  return {
    cpus: onlineCpus.length,
    physicalCores: known ? new Set(places.map(({ socket, core }) => `${socket} ${core}`)).size : Number.NaN,
    sockets: known ? new Set(places.map(({ socket }) => socket)).size : Number.NaN,
    memoryBytes: memory.get('MemTotal') ?? Number.NaN,
    swapBytes: memory.get('SwapTotal') ?? Number.NaN,
    nodes: nodes.map(({ node, memoryBytes, distances }) => ({
      node,
      memoryBytes,
      distances,
      hugepages: hugepagesOf(join(sys, 'devices/system/node', `node${node}`, 'hugepages')),
    })),
    devices: new Map(host.devices.disks().map(({ name, majMin }) => [name, majMin])),
    bootTime: Number(boot ?? Number.NaN),
  };
}

function hugepagesOf(folder: string): ReadonlyMap<string, number> {
  const pools = new Map<string, number>();
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const size = /^hugepages-(\d+)kB$/.exec(name)?.[1];
    const count = textOf(join(folder, name, 'nr_hugepages'));
    if (size !== undefined && count !== undefined) pools.set(size, Number(count));
  }
  return pools;
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}
