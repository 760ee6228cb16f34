import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseCpuLine,
  parseMeminfo,
  parseNetDev,
  parseProcCgroup,
  parseProcCgroups,
  parseProcStat,
  parseSwaps,
} from '../../src/parse/procfs.ts';
import { parseFixture, rejects, survives } from './hostile.ts';

test('/proc/PID/cgroup on a hybrid and on a v2 host', () => {
  const lines = parseProcCgroup(parseFixture('proc/cgroup-hybrid'));
  assert.equal(lines.length, 10);
  assert.deepEqual(lines[0], {
    hierarchy: 9,
    controllers: ['name=systemd'],
    path: '/cgctl-test-4370-parse',
    deleted: false,
  });
  assert.deepEqual(lines[9]?.controllers, []);
  assert.deepEqual(parseProcCgroup(parseFixture('proc/cgroup-v2')), [
    { hierarchy: 0, controllers: [], path: '/', deleted: false },
  ]);
});

test('a removed group is marked on v2 only; colons belong to the path', () => {
  assert.deepEqual(parseProcCgroup(parseFixture('proc/cgroup-deleted')).at(-1), {
    hierarchy: 0,
    controllers: [],
    path: '/cgctl-test-4370-parse/gone',
    deleted: true,
  });
  const [v1] = parseProcCgroup('4:cpu,cpuacct:/a:b (deleted)\n');
  assert.deepEqual(v1, { hierarchy: 4, controllers: ['cpu', 'cpuacct'], path: '/a:b (deleted)', deleted: false });
  for (const text of ['x', '0:/', ':a:/', '1:a:b']) rejects(() => parseProcCgroup(text), 'PARSE');
});

test('/proc/PID/stat whatever the command is called', () => {
  const stat = parseProcStat(parseFixture('proc/stat-parentheses'));
  assert.deepEqual(stat, {
    pid: 5767,
    comm: 'a) R (b c',
    state: 'S',
    ppid: 5762,
    flags: 4194304,
    userTicks: 0,
    systemTicks: 0,
    threads: 1,
    startTicks: 60669,
    virtualBytes: 2990080,
    rssPages: 412,
  });
  assert.equal(parseProcStat(parseFixture('proc/stat-newline')).comm, 'x\ny\\z');
  const kernel = parseProcStat(parseFixture('proc/stat-kernel-thread'));
  assert.equal(kernel.comm, 'kthreadd');
  assert.ok(kernel.flags & 0x00200000);
  for (const text of ['', '1', '1 (a', '1 (a) ', '1 (a) S 1', 'x (a) S 1 1'])
    rejects(() => parseProcStat(text), 'PARSE');
});

test('the host’s CPU time', () => {
  assert.deepEqual(parseCpuLine(parseFixture('proc/stat-host')), { total: 7194 + 4099 + 106593 + 610 + 206, cpus: 2 });
  assert.deepEqual(parseCpuLine('cpu  1 2 3 4 5 6 7 100 100 100\ncpu0 1\n'), { total: 28, cpus: 1 });
  for (const text of ['', 'cpu  1 2 3\n', 'cpu0 1 2 3 4 5 6 7\n', 'cpu  1 2 3 4 5 6 x\n'])
    rejects(() => parseCpuLine(text), 'PARSE');
});

test('/proc/cgroups', () => {
  const controllers = parseProcCgroups(parseFixture('proc/cgroups'));
  assert.equal(controllers.length, 12);
  assert.deepEqual(controllers[4], { name: 'memory', hierarchy: 4, groups: 10, enabled: true });
  rejects(() => parseProcCgroups('cpu 1 2 3\n'), 'PARSE');
});

test('/proc/meminfo in bytes, huge pages as counts', () => {
  const memory = parseMeminfo(parseFixture('proc/meminfo'));
  assert.equal(memory.get('MemTotal'), 24683620 * 1024);
  assert.equal(memory.get('Active(anon)'), 1552 * 1024);
  assert.equal(memory.get('HugePages_Total'), 0);
  rejects(() => parseMeminfo('MemTotal: x kB\n'), 'PARSE');
});

test('/proc/swaps', () => {
  assert.deepEqual(parseSwaps(parseFixture('proc/swaps')), [
    { file: '/var/tmp/cgctl swap.img', type: 'file', size: 8188 * 1024, used: 0, priority: 5 },
  ]);
  const [header = ''] = parseFixture('proc/swaps').split('\n');
  assert.deepEqual(parseSwaps(`${header}\n`), []);
  assert.equal(parseSwaps(`${header}\n/dev/zram0 partition\t1\t1\t-2\n`)[0]?.priority, -2);
  rejects(() => parseSwaps(`${header}\n/dev/zram0\n`), 'PARSE');
});

test('/proc/net/dev', () => {
  const interfaces = parseNetDev(parseFixture('proc/net-dev'));
  assert.deepEqual([...interfaces.keys()], ['lo', 'ifb0', 'ifb1', 'eth0']);
  assert.deepEqual(interfaces.get('eth0'), {
    receive: { bytes: 192891915, packets: 6965, errors: 0, dropped: 0 },
    transmit: { bytes: 507165, packets: 4329, errors: 0, dropped: 0 },
  });
  rejects(() => parseNetDev('\n\neth0: 1 2 3\n'), 'PARSE');
});

test('procfs parsers survive any text', () => {
  survives(parseProcCgroup, 'PARSE', parseFixture('proc/cgroup-hybrid'), parseFixture('proc/cgroup-deleted'));
  survives(parseProcStat, 'PARSE', parseFixture('proc/stat-parentheses'), parseFixture('proc/stat-newline'));
  survives(parseCpuLine, 'PARSE', parseFixture('proc/stat-host'));
  survives(parseProcCgroups, 'PARSE', parseFixture('proc/cgroups'));
  survives(parseMeminfo, 'PARSE', parseFixture('proc/meminfo'));
  survives(parseSwaps, 'PARSE', parseFixture('proc/swaps'));
  survives(parseNetDev, 'PARSE', parseFixture('proc/net-dev'));
});
