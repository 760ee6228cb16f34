import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Kill, Kills, killed, type Victim } from '../../src/monitor/kills.ts';

const victim = (pid: number, cgroup?: string): Victim => ({
  pid,
  command: 'hog',
  anonBytes: 1,
  ...(cgroup !== undefined && { cgroup }),
});
const kill = (cgroup: string, count = 1): Kill => ({ kind: 'oom_kill', cgroup, count });

function joined() {
  const told: string[] = [];
  const kills: Kills = new Kills({
    tell: ({ cgroup, count }, victims) => told.push(`${cgroup} ${count} ${victims.map(({ pid }) => pid)}`),
    believe: (cgroup, { pid }) => told.push(`${cgroup} believed ${pid}`),
  });
  return { kills, told };
}

test('whichever comes first, a kill has its victim', () => {
  const { kills, told } = joined();
  kills.counted(kill('/a'), true);
  kills.counted(kill('/b', 2), true);
  assert.deepEqual(told, []);
  kills.named(victim(1, '/b'));
  kills.named(victim(2, '/a'));
  kills.named(victim(3, '/b'));
  kills.named(victim(4, '/c'));
  kills.counted(kill('/c'), true);
  assert.deepEqual(told, ['/a 1 2', '/b 2 1,3', '/c 1 4']);
  kills.close();
});

test('a kill waits for a name, but not for long, and a name that comes later is not another kill', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { kills, told } = joined();
  kills.counted(kill('/a'), true);
  t.mock.timers.tick(1000);
  assert.deepEqual(told, ['/a 1 ']);
  kills.named(victim(1, '/a'));
  t.mock.timers.tick(1000);
  assert.deepEqual(told, ['/a 1 ']);
});

test('a victim of whom no counter speaks is believed after a while', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { kills, told } = joined();
  kills.named(victim(1, '/a'));
  t.mock.timers.tick(1000);
  assert.deepEqual(told, ['/a believed 1']);
});

test('a victim of nobody knows where is the lone kill’s, else it is kept for those that nobody accounts for', () => {
  const { kills, told } = joined();
  kills.counted(kill('/a'), true);
  kills.named(victim(1));
  assert.deepEqual(told, ['/a 1 1']);
  kills.counted(kill('/a'), true);
  kills.counted(kill('/b'), true);
  kills.named(victim(2));
  assert.deepEqual(told, ['/a 1 1']);
  assert.deepEqual(
    kills.takeStrays(5).map(({ pid }) => pid),
    [2],
  );
  kills.close();
  assert.equal(told.length, 3);
});

test('a kill as it is told', () => {
  assert.equal(
    killed({ ...kill('/a/b', 2), generation: '7' }, [victim(1, '/a/b')], '/a', { memory_limit_bytes: 5 }).text,
    'oom_kill × 2 in /a/b by the limit of /a: pid 1 (hog)',
  );
  const { details, ancestor } = killed(kill('unattributed'), [], undefined);
  assert.deepEqual([details, ancestor], [undefined, undefined]);
});
