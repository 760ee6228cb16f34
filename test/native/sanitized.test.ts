/** The addon's tests once more, on one that finds what it does wrong with memory (scripts/sanitize.mjs). */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { isAbsolute, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { projectRoot } from '../support/files.ts';
import { TEST_TIMEOUT_MS, testUnless } from '../support/host.ts';

testUnless(
  needsSanitizers(),
  'no test of the addon goes beyond its memory, keeps what it should give back, or does what C++ leaves undefined',
  async (t) => {
    const child = spawn(process.execPath, [join(projectRoot, 'scripts/test.mjs'), '--sanitize'], {
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill());
    const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    assert.equal(status, 0, `${out}\n${err}`);
    assert.match(out, /^# pass [1-9]/m);
  },
  { timeout: 10 * TEST_TIMEOUT_MS },
);

/** The reason why nothing can be built with sanitizers, or undefined. */
function needsSanitizers(): string | undefined {
  // What it does not have is given back as it was asked for.
  const { stdout } = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  return isAbsolute((stdout ?? '').trim()) ? undefined : 'no g++ with AddressSanitizer (libasan)';
}
