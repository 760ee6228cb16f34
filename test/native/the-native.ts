import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { addonFile, type Native, native, nativeProblem } from '../../src/native.ts';
import { needsKernel, TEST_TIMEOUT_MS, type TestFunction, testUnless } from '../support/host.ts';

/** A test of the addon on real cgroups. @param wanted hierarchies, as for realKernel */
export function realNative(name: string, fn: TestFunction, wanted: readonly string[]): void {
  testUnless(nativeProblem() ?? needsKernel(...wanted), name, fn);
}

/** The addon that such a test uses. */
export function theNative(): Native {
  const loaded = native();
  assert.ok(loaded, nativeProblem());
  return loaded;
}

/** JavaScript that has the addon as `addon.exports`, for threads and processes that run a text. */
export function loadingAddon(): string {
  return `const addon = { exports: {} }; process.dlopen(addon, ${JSON.stringify(addonFile())});`;
}

/** Node that runs a text until it ends, and what it printed and how it ended. */
export function runText(text: string): Pick<SpawnSyncReturns<string>, 'stdout' | 'stderr' | 'status' | 'signal'> {
  return spawnSync(process.execPath, ['-e', text], {
    encoding: 'utf8',
    timeout: TEST_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
}
