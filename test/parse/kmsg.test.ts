import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseKmsg, parseOomConstraint, parseOomVictim } from '../../src/parse/kmsg.ts';

// Linux 6.18
const CONSTRAINT =
  '6,3611,7167492319,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=tail,pid=32125,uid=0';
const KILLED =
  '3,3612,7167492388,-;Memory cgroup out of memory: Killed process 32125 (tail) total-vm:18940kB, anon-rss:16128kB, file-rss:1460kB, shmem-rss:0kB, UID:0 pgtables:76kB oom_score_adj:0\n SUBSYSTEM=x\n';

const messageOf = (text: string) => parseKmsg(text)?.message ?? '';

test('a record is its number, its time and its message', () => {
  const record = parseKmsg(KILLED);
  assert.deepEqual([record?.seq, record?.seconds], [3612, 7167.492388]);
  assert.ok(record?.message.endsWith('oom_score_adj:0'));
  assert.equal(parseKmsg('no record'), undefined);
  assert.equal(messageOf('4,1,2,-,caller=T1;a\\x09b \\x5cx41 \\xc3\\xa9'), 'a\tb \\x41 é');
});

test('a victim, and the group that it was in', () => {
  assert.deepEqual(parseOomConstraint(messageOf(CONSTRAINT)), { pid: 32125, group: '/a/b', limited: '/a' });
  assert.deepEqual(parseOomVictim(messageOf(KILLED)), { pid: 32125, command: 'tail', anonBytes: 16128 * 1024 });
  assert.equal(parseOomVictim(messageOf(CONSTRAINT)), undefined);
  assert.equal(parseOomConstraint(messageOf(KILLED)), undefined);
});

test('the machine as a whole has no group whose limit it was', () => {
  const message =
    'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/x,task=a,pid=1,uid=0';
  assert.deepEqual(parseOomConstraint(message), { pid: 1, group: '/x' });
});

test('names that say what the kernel says do not mislead', () => {
  const forged = (name: string) =>
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=${name},task=x,pid=7,uid=0`;
  assert.equal(parseOomConstraint(forged('/a,task_memcg=/other')), undefined);
  assert.equal(parseOomConstraint(forged('/a,task=y,pid=8,uid=1'))?.pid, 7);
  assert.equal(
    parseOomVictim('Memory cgroup out of memory: Killed process 5 (a) total-vm:) total-vm:1kB, anon-rss:2kB, x')
      ?.command,
    'a) total-vm:',
  );
});

test('any text is a message or none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const message = messageOf(`6,1,2,-;${text}`);
      parseOomConstraint(message);
      parseOomVictim(message);
      parseKmsg(text);
    }),
  );
});
