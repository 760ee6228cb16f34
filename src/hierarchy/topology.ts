/** CPUs and NUMA nodes as /sys/devices/system tells (Documentation/ABI/stable/sysfs-devices-node). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCpuList } from '../parse/cpulist.ts';
import { unreadable } from '../parse/fail.ts';
import { digits } from '../parse/number.ts';
import { parseMeminfo } from '../parse/procfs.ts';
import type { Topology } from './types.ts';

const KIB = 1024;
/** What the kernel calls the distance of a node to itself. */
const LOCAL_DISTANCE = 10;

/** @throws CgError PARSE when a file has an unknown form */
export function readTopology({ sys = '/sys', proc = '/proc' } = {}): Topology {
  const read = (...path: string[]) => readFileSync(join(sys, 'devices/system', ...path), 'utf8');
  const onlineCpus = parseCpuList(read('cpu/online'), 'PARSE');
  if (!existsSync(join(sys, 'devices/system/node/online'))) {
    // a kernel without NUMA: all memory is node 0
    const memoryBytes = parseMeminfo(readFileSync(join(proc, 'meminfo'), 'utf8')).get('MemTotal') ?? 0;
    return { onlineCpus, nodes: [{ node: 0, cpus: onlineCpus, memoryBytes, distances: [LOCAL_DISTANCE] }] };
  }
  const nodes = parseCpuList(read('node/online'), 'PARSE').map((node) => ({
    node,
    cpus: parseCpuList(read(`node/node${node}/cpulist`), 'PARSE'),
    memoryBytes: memoryOf(read(`node/node${node}/meminfo`)),
    distances: read(`node/node${node}/distance`).trim().split(/\s+/).map(digits),
  }));
  return { onlineCpus, nodes };
}

/** The line `Node 0 MemTotal:  4028480 kB`. */
function memoryOf(meminfo: string): number {
  const total = /^Node \d+ MemTotal: +(\d+) kB$/m.exec(meminfo)?.[1];
  if (total === undefined) throw unreadable('a node’s meminfo', meminfo);
  return digits(total) * KIB;
}
