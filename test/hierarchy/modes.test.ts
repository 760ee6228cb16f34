import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectLayout, v1With } from '../../src/hierarchy/layout.ts';
import { MODES, modeNames } from '../kernels/lab/modes.ts';
import { captured } from '../support/files.ts';

for (const name of modeNames) {
  test(`the layout of a kernel booted as ${name}`, () => {
    const { v1 = [], v2 } = { v1: undefined, v2: undefined, ...MODES[name] };
    const root = v2 === undefined ? undefined : captured(`${name}/unified.txt`);
    const layout = detectLayout({
      mountinfo: captured(`${name}/proc.txt`).get('/proc/self/mountinfo') ?? '',
      rootControllers: (point) => (point === v2 ? root?.get('/cgroup.controllers') : undefined),
    });
    assert.deepEqual(layout.hierarchies.map(({ key }) => key).sort(), [...v1, ...(v2 ? ['unified'] : [])].sort());
    assert.equal(layout.mode, v2 === undefined ? 'v1' : v1.length > 0 ? 'hybrid' : 'v2');
    assert.equal(layout.unified?.mountPoint, v2);
  });
}

test('on a split host a controller is on one side only', () => {
  const mountinfo = captured('split/proc.txt').get('/proc/self/mountinfo') ?? '';
  const offered = captured('split/unified.txt').get('/cgroup.controllers');
  const layout = detectLayout({ mountinfo, rootControllers: () => offered });
  assert.deepEqual(layout.unified?.controllers, ['memory', 'pids']);
  assert.deepEqual(v1With(layout, 'memory'), []);
  assert.equal(v1With(layout, 'cpu').length, 1);
});
