/** Block devices as /sys/dev/block tells (Documentation/ABI/stable/sysfs-block). Limits want whole disks; people name other things. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CgError, errnoOf } from '../errors.ts';
import { formatMajMin, parseMajMin } from '../parse/device.ts';
import { type Mount, parseMountinfo } from '../parse/mountinfo.ts';
import { excerpt } from '../parse/printable.ts';
import type { BlockDevice, Devices } from './types.ts';

/** Where the machine is looked at; tests point it elsewhere. */
export interface DeviceSources {
  /** Text of /proc/self/mountinfo. */
  mountinfo: string;
  sys?: string;
  dev?: string;
}

export class BlockDevices implements Devices {
  readonly #block: string;
  readonly #class: string;
  readonly #dev: string;
  readonly #mountinfo: string;

  constructor({ mountinfo, sys = '/sys', dev = '/dev' }: DeviceSources) {
    this.#block = join(sys, 'dev/block');
    this.#class = join(sys, 'class/block');
    this.#dev = dev;
    this.#mountinfo = mountinfo;
  }

  resolve(text: string): readonly BlockDevice[] {
    const majMin = this.#find(text);
    if (majMin === undefined) throw this.#unknown(text);
    const disks = this.#wholeDisks(majMin);
    if (disks.length === 0) throw this.#unknown(text);
    return disks;
  }

  nameOf(majMin: string): string | undefined {
    const directory = this.#directory(majMin);
    return directory === undefined ? undefined : nameIn(directory);
  }

  /** Whole disks that have a medium. */
  disks(): readonly BlockDevice[] {
    return readdirSync(this.#block)
      .flatMap((majMin) => {
        const directory = this.#directory(majMin);
        return directory === undefined || isPartition(directory) || readLine(directory, 'size') === '0'
          ? []
          : [describe(directory)];
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The device number that a text means. */
  #find(text: string): string | undefined {
    const number = parseMajMin(text);
    if (number !== undefined) return formatMajMin(number);
    if (text.startsWith('/')) return deviceAt(text) ?? this.#below(text);
    return this.#named(text);
  }

  /** A kernel name (`vda`, `cciss!c0d0`) or what lies in /dev under that name (`mapper/x`). */
  #named(name: string): string | undefined {
    if (/[\0-\x1f]/.test(name) || name.split('/').some((part) => part === '' || part === '.' || part === '..'))
      return undefined;
    return (
      (name.includes('/') ? undefined : readLine(join(this.#class, name), 'dev')) ?? deviceAt(join(this.#dev, name))
    );
  }

  /** What is mounted at a point. File systems over several devices have a number of their own: then the source tells. */
  #below(mountPoint: string): string | undefined {
    const mount = parseMountinfo(this.#mountinfo).findLast(
      (at: Mount) => at.mountPoint === (mountPoint.replace(/\/+$/, '') || '/'),
    );
    if (mount === undefined) return undefined;
    return this.#directory(mount.device) === undefined ? deviceAt(mount.source) : mount.device;
  }

  /** A partition's disk; a mapping's parts' disks, however deep. */
  #wholeDisks(majMin: string, seen = new Set<string>()): BlockDevice[] {
    const directory = this.#directory(majMin);
    if (directory === undefined || seen.has(directory)) return [];
    seen.add(directory);
    if (isPartition(directory)) {
      const disk = readLine(dirname(directory), 'dev');
      return disk === undefined ? [] : this.#wholeDisks(disk, seen);
    }
    const parts = slavesOf(directory).flatMap((slave) => readLine(join(this.#class, slave), 'dev') ?? []);
    return parts.length === 0 ? [describe(directory)] : parts.flatMap((part) => this.#wholeDisks(part, seen));
  }

  #directory(majMin: string): string | undefined {
    if (parseMajMin(majMin) === undefined) return undefined;
    const link = join(this.#block, majMin);
    return existsSync(link) ? realpathSync(link) : undefined;
  }

  #unknown(text: string): CgError {
    const known = this.disks().map(({ name, majMin }) => `${name} (${majMin})`);
    const tried =
      'a device in /dev, a name in /sys/class/block, MAJ:MIN, or the mount point of a file system on a disk';
    return new CgError(
      'VALUE',
      `${excerpt(text)} is not a block device: it is none of ${tried}; disks here: ${known.join(', ') || 'none'}`,
    );
  }
}

function deviceAt(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isBlockDevice() ? formatMajMin(splitDevice(stat.rdev)) : undefined;
  } catch (error) {
    // a NUL in it, a directory that may not be searched, a link to itself: not a device
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** stat(2)'s device number apart (glibc's major and minor). */
function splitDevice(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}

function describe(directory: string): BlockDevice {
  const scheduler = schedulerOf(readLine(directory, 'queue/scheduler'));
  return {
    name: nameIn(directory),
    majMin: readLine(directory, 'dev') ?? '',
    ...(scheduler === undefined ? {} : { scheduler }),
  };
}

/** `[none] mq-deadline bfq`, or a single word where there is no choice. */
function schedulerOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : (/\[(\S+)\]/.exec(text)?.[1] ?? (text || undefined));
}

/** sysfs writes a slash in a name as `!`. */
function nameIn(directory: string): string {
  return basename(directory).replaceAll('!', '/');
}

function isPartition(directory: string): boolean {
  return existsSync(join(directory, 'partition'));
}

function slavesOf(directory: string): string[] {
  const slaves = join(directory, 'slaves');
  return existsSync(slaves) ? readdirSync(slaves) : [];
}

function readLine(directory: string, file: string): string | undefined {
  try {
    return readFileSync(join(directory, file), 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
