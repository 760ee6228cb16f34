import assert from 'node:assert/strict';
import { realKernel } from '../support/host.ts';
import { eventually, testGroup } from './group.ts';

realKernel('a pids limit stops a fork and counts it', async (t) => {
  const group = await testGroup(t, { 'pids-limit': '3' });
  const { exited } = await group.sh('sleep 100 & sleep 100 & sleep 100 & sleep 100 & wait');
  assert.notEqual((await exited).code, 0, 'the shell could not fork');
  assert.ok((await group.figure('pids')) <= 3);
  assert.equal(await group.figure('pids_limit'), 3);
  const hits = await group.figure('pids_limit_hits_total');
  assert.ok(hits > 0 || Number.isNaN(hits), String(hits));
});

realKernel('no limit is no limit, and the count is the kernel’s', async (t) => {
  const group = await testGroup(t, { 'pids-limit': '0' });
  assert.equal(await group.figure('pids_limit'), Number.POSITIVE_INFINITY);
  await group.spawn('sleep', '100');
  await group.spawn('sleep', '100');
  await eventually(
    () => group.figure('pids'),
    (seen) => seen === 2,
  );
});
