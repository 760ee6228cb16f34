/** What a test needs of the machine, and a promise that it is given back as it was. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cgroupMounts, type Mount, removeEverywhere } from './scratch.ts';

export { cgroupMounts, directoriesOf, type Mount } from './scratch.ts';

export type TestFunction = (t: TestContext) => void | Promise<void>;

/** Much slower in an emulator, where the matrix of kernels (test/kernels) runs tests, and where every access is checked. */
const slow = process.env.CGCTL_KERNEL_MODE !== undefined || process.env.CGCTL_NATIVE === 'sanitized';
export const TEST_TIMEOUT_MS = slow ? 600_000 : 120_000;
export const inCi = process.env.CI === 'true';

/** The reason why a test that needs root cannot run, or undefined. */
export function needsRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'not root';
}

/** The reason why a test that changes cgroups cannot run, or undefined. */
export function needsCgroups(): string | undefined {
  return cgroupMounts().some(writable) ? undefined : 'no writable cgroup mount';
}

/**
 * The reason why a test cannot have these hierarchies, or undefined.
 * @param wanted v1 controllers by name (`memory`), `cgroup2`, or a controller on the unified mount (`cgroup2:memory`)
 */
export function needsHierarchies(...wanted: readonly string[]): string | undefined {
  const lacking = wanted.filter((name) => findMount(name) === undefined);
  return lacking.length === 0 ? undefined : `no hierarchy with ${lacking.join(', ')}`;
}

/** The reason why a test on this machine's real cgroups cannot run, or undefined. @see {@link needsHierarchies} */
export function needsKernel(...wanted: readonly string[]): string | undefined {
  return needsRoot() ?? needsCgroups() ?? needsHierarchies(...wanted);
}

/** The mount point that {@link needsHierarchies} found for a name. */
export function mountOf(name: string): string {
  const mount = findMount(name);
  assert.ok(mount, `no hierarchy with ${name}`);
  return mount.point;
}

/** A test that something may be lacking for: skipped with that reason, but a failure in CI, where nothing may lack. */
export function testUnless(
  lacking: string | undefined,
  name: string,
  fn: TestFunction,
  options: { readonly timeout: number; readonly concurrency?: number } = { timeout: TEST_TIMEOUT_MS },
): void {
  if (lacking === undefined) test(name, options, fn);
  else if (inCi) test(name, () => assert.fail(`cannot run in CI: ${lacking}`));
  else test(name, { ...options, skip: lacking }, fn);
}

/** A test on this machine's real cgroups. @param wanted hierarchies, as in {@link needsHierarchies} */
export function realKernel(name: string, fn: TestFunction, wanted: readonly string[] = []): void {
  testUnless(needsKernel(...wanted), name, fn);
}

/** What has to be undone if the process ends before its tests do. */
const pending = new Set<() => void>();
let guarded = false;
let scratches = 0;

export interface Scratch {
  /** `/cgctl-test-<pid>-<n>`: nothing is there yet */
  readonly path: string;
  /** Thaw, kill and remove it in every hierarchy now; it happens at the test's end anyway. */
  cleanup(): void;
}

/** A cgroup path of the test's own, gone from every hierarchy when the test ends, however it ends. */
export function scratch(t: TestContext): Scratch {
  scratches += 1;
  const path = `/cgctl-test-${process.pid}-${scratches}`;
  const cleanup = () => removeEverywhere(path);
  atEnd(t, cleanup);
  return { path, cleanup };
}

/** An empty folder, removed with all in it when the test ends. */
export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cgctl-test-'));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Spawned {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** A process that sleeps until the test ends. */
export function spawnIdle(t: TestContext): Promise<Spawned> {
  return spawnFor(t, 'sleep', 'infinity');
}

/** A process that uses a CPU until the test ends. */
export function spawnBusy(t: TestContext): Promise<Spawned> {
  return spawnFor(t, 'sh', '-c', 'while :; do :; done');
}

/** A process that is killed when the test ends, and by the kernel if this process dies first (setpriv(1)). */
export async function spawnFor(t: TestContext, command: string, ...args: string[]): Promise<Spawned> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], { stdio: 'ignore' });
  const exited = new Promise<Awaited<Spawned['exited']>>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  atEnd(t, () => {
    // Not awaited: a frozen one dies when the scratch cgroup is thawed.
    child.kill('SIGKILL');
    child.unref();
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const { pid } = child;
  assert.ok(pid);
  await until(() => commandOf(pid) !== 'setpriv');
  return { pid, child, exited };
}

/** A process's command name; undefined when it is gone. */
function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/**
 * Wait until something holds. There are no timed assertions: it ends only when the test has had all its time, so that a process
 * whose test has failed does not go on for ever.
 */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TEST_TIMEOUT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it never held');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Undo something at the test's end, or at the process's if that comes first. */
export function atEnd(t: TestContext, undo: () => void): void {
  guard();
  pending.add(undo);
  t.after(() => {
    pending.delete(undo);
    undo();
  });
}

function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on('exit', undoAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Kept until all is undone: a second signal must not end the process half-way.
    process.on(signal, () => {
      undoAll();
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  }
}

function undoAll(): void {
  for (const undo of pending) {
    pending.delete(undo);
    undo();
  }
}

function findMount(name: string): Mount | undefined {
  const [first, onUnified] = name.split(':');
  return cgroupMounts().find((mount) =>
    first === 'cgroup2'
      ? mount.version === 2 && (onUnified === undefined || mount.controllers.includes(onUnified))
      : mount.version === 1 && mount.controllers.includes(name),
  );
}

function writable(mount: Mount): boolean {
  try {
    accessSync(mount.point, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
