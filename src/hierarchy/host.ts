/** The machine as one object. Opening it reads two small files; the rest is looked at when asked for. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { native } from '../native.ts';
import { CgroupReader } from './cgroupfs.ts';
import { BlockDevices } from './devices.ts';
import { detectLayout } from './layout.ts';
import { CgroupMemory } from './memory.ts';
import { readTopology } from './topology.ts';
import type { Host, Topology } from './types.ts';
import { CgroupWriter } from './writer.ts';

export interface HostOptions {
  /** Only mounts at or below this directory count: for running in a container with the host's cgroups mounted somewhere. */
  cgroupRoot?: string | undefined;
  /** No writer. */
  readOnly?: boolean | undefined;
}

/** AT_PAGESZ of getauxval(3). */
const AT_PAGESZ = 6n;

/** This machine. @throws CgError NO_CGROUPS */
export function openHost({ cgroupRoot, readOnly = false }: HostOptions = {}): Host {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const layout = detectLayout({
    mountinfo,
    cgroupRoot: cgroupRoot === undefined ? undefined : real(cgroupRoot),
    rootControllers: (mountPoint) => readIfThere(`${mountPoint}/cgroup.controllers`),
  });
  let topology: Topology | undefined;
  let pageSize: number | undefined;
  return {
    layout,
    reader: new CgroupReader(layout),
    memory: new CgroupMemory(native),
    writer: readOnly ? undefined : new CgroupWriter(native),
    devices: new BlockDevices({ mountinfo }),
    topology() {
      topology ??= readTopology();
      return topology;
    },
    get pageSize() {
      pageSize ??= readPageSize();
      return pageSize;
    },
  };
}

/** From the vector that the kernel hands every process (64-bit: pairs of a type and a value). */
function readPageSize(): number {
  const vector = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === AT_PAGESZ) return Number(vector.readBigUInt64LE(at + 8));
  }
  return 4096;
}

/** Without symbolic links, as mountinfo has it; what is not there has no mounts. */
function real(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
