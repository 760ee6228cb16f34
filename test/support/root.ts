/** What the unified root hands down to its children: all tests share it, as processes of their own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { withLock } from '../../src/control/lock.ts';
import { errnoOf } from '../../src/errors.ts';
import { atEnd, mountOf, TEST_TIMEOUT_MS } from './host.ts';

const words = (file: string): string[] => readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);

/**
 * Until the test ends no other one that asks holds it, and then it is as it was. To be asked for after the {@link scratch} group,
 * which is then removed first: the kernel takes nothing back that a child hands down further (cgroup-v2, "Top-down Constraint").
 * @returns the root's `cgroup.subtree_control`
 */
export async function holdRoot(t: TestContext): Promise<string> {
  const file = join(mountOf('cgroup2'), 'cgroup.subtree_control');
  const lock = { dir: join(tmpdir(), 'cgctl-test-root'), timeout: TEST_TIMEOUT_MS / 1000, who: t.name };
  let release: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    release = resolve;
  });
  await new Promise<void>((held, failed) => {
    withLock(lock, () => {
      held();
      return ended;
    }).catch(failed);
  });
  const before = words(file);
  atEnd(t, () => {
    for (const name of words(file).filter((word) => !before.includes(word))) takeBack(file, name);
    release();
  });
  return file;
}

function takeBack(file: string, controller: string): void {
  try {
    writeFileSync(file, `-${controller}`);
  } catch (error) {
    if (errnoOf(error) !== 'EBUSY') throw error; // a group that is not this test's hands it down
  }
}
