import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Journal } from '../../src/monitor/journal.ts';

const happening = (cgroup: string) => ({ kind: 'oom_kill', cgroup, text: '' });

test('the last thousand events are kept, numbered without a gap', () => {
  const journal = new Journal();
  for (let i = 0; i < 1200; i++) journal.record(happening(`/${i}`));
  const kept = journal.since(0);
  assert.equal(kept.length, 1000);
  assert.deepEqual([kept[0]?.seq, kept.at(-1)?.seq, journal.seq], [201, 1200, 1200]);
  assert.deepEqual(
    journal.since(1198).map(({ seq }) => seq),
    [1199, 1200],
  );
  assert.deepEqual(journal.since(1200), []);
});

test('groups that come and go do not push out the few events that matter', () => {
  const journal = new Journal();
  journal.record(happening('/first'));
  for (let i = 0; i < 1500; i++) journal.record({ kind: 'created', cgroup: `/${i}`, text: '' });
  journal.record(happening('/last'));
  const kept = journal.since(0);
  assert.deepEqual([kept.length, kept[0]?.cgroup, kept.at(-1)?.cgroup], [1002, '/first', '/last']);
  assert.ok(kept.every(({ seq }, at) => at === 0 || seq > (kept[at - 1]?.seq ?? 0)));
  assert.equal(journal.dropped, 500);
});

test('a follower gets what it has not seen, then each as it happens, until it is stopped', async () => {
  const journal = new Journal();
  journal.record(happening('/before'));
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const event of journal.follow(stop.signal, 0)) {
      seen.push(event.cgroup);
      if (event.cgroup === '/last') stop.abort();
    }
  })();
  await new Promise((resolve) => setImmediate(resolve));
  journal.record(happening('/a'));
  journal.record(happening('/last'));
  journal.record(happening('/after'));
  await following;
  assert.deepEqual(seen, ['/before', '/a', '/last']);
});

test('a follower that waits is let go by the signal', async () => {
  const stop = new AbortController();
  const following = new Journal().follow(stop.signal).next();
  stop.abort();
  assert.equal((await following).done, true);
});

test('totals of a group that is gone stay for a time, unless nothing happened in it', () => {
  const journal = new Journal();
  journal.count('oom_kill', '/killed', 2);
  journal.count('oom_kill', '/quiet', 0);
  journal.gone('/killed');
  journal.gone('/quiet');
  assert.deepEqual(journal.totals(), [{ kind: 'oom_kill', cgroup: '/killed', count: 2 }]);
  journal.expire(Date.now() + 14 * 60_000);
  assert.equal(journal.totals().length, 1);
  journal.expire(Date.now() + 16 * 60_000);
  assert.deepEqual(journal.totals(), []);
});

test('of a state that nothing counts, the total is over with its group', () => {
  const journal = new Journal(new Set(['populated']));
  journal.count('populated', '/a', 1);
  journal.count('populated', '/b', 1);
  journal.count('oom_kill', '/b', 1);
  assert.equal(journal.totals().length, 3);
  journal.gone('/a');
  journal.gone('/b');
  assert.deepEqual(journal.totals(), [{ kind: 'oom_kill', cgroup: '/b', count: 1 }]);
});

test('a subscriber that has ended hears nothing', () => {
  const journal = new Journal();
  const heard: string[] = [];
  const end = journal.subscribe(({ cgroup }) => heard.push(cgroup));
  journal.record(happening('/a'));
  end();
  journal.record(happening('/b'));
  assert.deepEqual(heard, ['/a']);
});
