import assert from 'node:assert/strict';
import { Whereabouts } from '../../src/monitor/whereabouts.ts';
import { testGroup } from '../contract/group.ts';
import { needsKernel, testUnless } from '../support/host.ts';

testUnless(needsKernel(), 'who was in a group is known until it has been gone for a while', async (t) => {
  const group = await testGroup(t);
  const [hierarchy] = group.host.reader.places(group.id);
  assert.ok(hierarchy);
  const members = await Promise.all([1, 2, 3].map(() => group.spawn('sleep', 'infinity')));
  const [first, second, third] = members.map(({ pid }) => pid);
  const whereabouts = new Whereabouts(group.host.reader, hierarchy);
  const groupOf = (pid = 0) =>
    whereabouts.heard(`Killed process ${pid} (sleep) total-vm:1kB, anon-rss:1kB, file-rss:0kB`, undefined)?.cgroup;
  whereabouts.joined(group.id);

  for (let i = 0; i < 3; i++) whereabouts.forget(() => true);
  assert.equal(groupOf(first), group.id);
  whereabouts.forget(() => false);
  assert.equal(groupOf(second), group.id);
  whereabouts.forget(() => false);
  assert.equal(groupOf(third), undefined);
});
