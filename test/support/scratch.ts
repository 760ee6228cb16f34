/**
 * Removal of what tests leave in the cgroup hierarchies. It reads mountinfo by itself and uses nothing of src/,
 * so that a mistake there cannot hide a leak. All synchronous: it must also work in signal and exit handlers.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One cgroup mount of this process. */
export interface Mount {
  readonly point: string;
  readonly version: 1 | 2;
  /** v1: the mount's controllers, or `name=…`; v2: cgroup.controllers of the mount's root. */
  readonly controllers: readonly string[];
}

const NAME = /^cgctl-test-(\d+)/;
const REMOVAL_MS = 20_000;

/** The hierarchies in /proc/self/mountinfo (proc_pid_mountinfo(5)), each once: one may be mounted at several places. */
export function cgroupMounts(): Mount[] {
  const seen = new Set<string>();
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line): Mount[] => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , device = '', , place = ''] = before.split(' ');
      if (seen.has(device)) return [];
      if (after.startsWith('cgroup')) seen.add(device);
      const point = place.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
      const [type, , options = ''] = after.split(' ');
      if (type === 'cgroup') {
        const controllers = options.split(',').filter((word) => !['rw', 'ro', 'xattr', 'noprefix'].includes(word));
        return [{ point, version: 1, controllers }];
      }
      if (type !== 'cgroup2') return [];
      const controllers = read(join(point, 'cgroup.controllers')).split(/\s+/).filter(Boolean);
      return [{ point, version: 2, controllers }];
    });
}

/** Where a path (`/cgctl-test-…`) exists, in any hierarchy. */
export function directoriesOf(path: string): string[] {
  return cgroupMounts()
    .map((mount) => join(mount.point, path))
    .filter((directory) => existsSync(directory));
}

/**
 * Thaw, kill and remove a cgroup and all below it in every hierarchy, trying again while the kernel is busy.
 * @throws when something is still there after 20 s, naming it and the processes in it
 */
export function removeEverywhere(path: string): void {
  const deadline = Date.now() + REMOVAL_MS;
  for (let left = directoriesOf(path); left.length > 0; left = directoriesOf(path)) {
    if (Date.now() > deadline) {
      const inside = left.map((directory) => `${directory} (processes: ${members(directory).join(' ') || 'none'})`);
      throw new Error(`left behind after ${REMOVAL_MS / 1000} s: ${inside.join(', ')}`);
    }
    for (const directory of left) removeOnce(directory);
    if (directoriesOf(path).length > 0) pause(10);
  }
}

/** Remove the test cgroups of processes that are gone (killed, crashed), and say which they were. */
export function sweep(): string[] {
  const names = new Set(cgroupMounts().flatMap((mount) => list(mount.point).filter((name) => NAME.test(name))));
  const dead = [...names].filter((name) => !existsSync(`/proc/${NAME.exec(name)?.[1]}`)).map((name) => `/${name}`);
  for (const path of dead) removeEverywhere(path);
  return dead;
}

function removeOnce(directory: string): void {
  // From the top down: a v1 group stays frozen for as long as an ancestor is.
  const groups = withDescendants(directory);
  for (const group of groups) {
    write(join(group, 'freezer.state'), 'THAWED');
    write(join(group, 'cgroup.freeze'), '0');
    for (const pid of members(group)) expel(pid, directory);
  }
  for (const group of groups.reverse()) attempt(() => rmdirSync(group));
}

/** Kill a process; the test's own one is moved out instead. */
function expel(pid: number, directory: string): void {
  if (pid === process.pid) write(join(directory, '..', 'cgroup.procs'), String(pid));
  else attempt(() => process.kill(pid, 'SIGKILL'));
}

/** Members of one cgroup; a threaded v2 group lists only threads, and a signal to one reaches its process. */
function members(group: string): number[] {
  const text = read(join(group, 'cgroup.procs')) || read(join(group, 'cgroup.threads'));
  return text.split('\n').filter(Boolean).map(Number);
}

function withDescendants(directory: string): string[] {
  return [directory, ...list(directory).flatMap((name) => withDescendants(join(directory, name)))];
}

function list(directory: string): string[] {
  return (
    attempt(() =>
      readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name),
    ) ?? []
  );
}

function read(file: string): string {
  return attempt(() => readFileSync(file, 'utf8')) ?? '';
}

/** Write to a control file if it is there; without O_CREAT, which cgroupfs answers with EACCES. */
function write(file: string, value: string): void {
  attempt(() => writeFileSync(file, value, { flag: 'r+' }));
}

/**
 * Things vanish and are busy while they are being removed: a step that fails is tried again by the loop around it.
 * Only errors of the kernel are waved through.
 */
function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
