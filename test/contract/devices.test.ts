import assert from 'node:assert/strict';
import { realKernel } from '../support/host.ts';
import { absent, testGroup } from './group.ts';

realKernel('a denied device cannot be written to; allowed again it can', async (t) => {
  const group = await testGroup(t);
  const lacking = group.lacks('devices.deny');
  if (lacking) return absent(t, lacking);
  const full = 'echo > /dev/full 2>/dev/null; echo x > /dev/null';
  assert.equal((await (await group.sh(full)).exited).code, 0);
  await group.set({ 'device-deny': ['c 1:3 w'] });
  assert.notEqual((await (await group.sh(full)).exited).code, 0);
  await group.set({ 'device-cgroup-rule': ['c 1:3 w'] });
  assert.equal((await (await group.sh(full)).exited).code, 0);
});
