import assert from 'node:assert/strict';
import { describeKnobs } from '../../src/control/describe.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { bench } from '../control/support.ts';
import { cgroupMounts, directoriesOf, realKernel } from '../support/host.ts';
import { covers } from './support.ts';

realKernel('a group is made with two limits, and they are read back', async (t) => {
  const { host, id, create } = await bench(t, { existing: false });
  await create(id, { 'cpu-shares': '512', memory: '128m' });
  assert.ok(directoriesOf(id).length > 0);
  const keys = ['cpu.shares', 'memory.max'];
  // A weight cannot hold every number of shares, so what was asked for is kept beside it.
  const values = describeKnobs(host, defaultRegistry, id, keys).map(({ asked, value }) => asked ?? value);
  assert.deepEqual(values, [512, 128 * 2 ** 20]);
  for (const key of keys) covers(t, 'knob', key);
});

realKernel('the layout has every hierarchy that is mounted', () => {
  assert.equal(openHost().layout.hierarchies.length, cgroupMounts().length);
});
