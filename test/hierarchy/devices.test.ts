import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlockDevices } from '../../src/hierarchy/devices.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { readTopology } from '../../src/hierarchy/topology.ts';
import { atEnd, needsRoot, realKernel, testUnless } from '../support/host.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cgctl-devices-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

interface Made {
  dev: string;
  /** Where the device’s directory lies, below devices/. */
  at: string;
  partition?: boolean;
  slaves?: readonly string[];
  scheduler?: string;
  size?: number;
}

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim();

/** A /sys with these block devices, laid out as the kernel does. */
function sysWith(t: TestContext, devices: Readonly<Record<string, Made>>, mountinfo = ''): BlockDevices {
  const sys = folder(t);
  for (const part of ['dev/block', 'class/block']) mkdirSync(join(sys, part), { recursive: true });
  for (const [name, { dev, at, partition, slaves, scheduler, size = 8 }] of Object.entries(devices)) {
    const directory = join(sys, 'devices', at);
    mkdirSync(join(directory, 'queue'), { recursive: true });
    writeFileSync(join(directory, 'dev'), `${dev}\n`);
    writeFileSync(join(directory, 'size'), `${size}\n`);
    if (partition) writeFileSync(join(directory, 'partition'), '1\n');
    if (scheduler !== undefined) writeFileSync(join(directory, 'queue/scheduler'), `${scheduler}\n`);
    if (slaves !== undefined) mkdirSync(join(directory, 'slaves'));
    for (const slave of slaves ?? []) writeFileSync(join(directory, 'slaves', slave), '');
    symlinkSync(directory, join(sys, 'dev/block', dev));
    symlinkSync(directory, join(sys, 'class/block', name));
  }
  return new BlockDevices({ mountinfo, sys, dev: join(sys, 'nowhere') });
}

const SDA: Readonly<Record<string, Made>> = {
  sda: { dev: '8:0', at: 'sda', scheduler: 'none [mq-deadline] bfq' },
  sda1: { dev: '8:1', at: 'sda/sda1', partition: true },
  sdb: { dev: '8:16', at: 'sdb', scheduler: 'none' },
  sdb2: { dev: '8:18', at: 'sdb/sdb2', partition: true },
  'dm-0': { dev: '253:0', at: 'dm-0', slaves: ['sda1', 'sdb2'] },
  'dm-1': { dev: '253:1', at: 'dm-1', slaves: ['dm-0', 'sdb'] },
  'cciss!c0d0': { dev: '104:0', at: 'cciss!c0d0' },
  loop0: { dev: '7:0', at: 'loop0', size: 0 },
};

const names = (devices: BlockDevices, text: string) => devices.resolve(text).map(({ name }) => name);

test('a partition stands for its disk, a mapping for the disks below it', (t) => {
  const devices = sysWith(t, SDA);
  assert.deepEqual(devices.resolve('sda'), [{ name: 'sda', majMin: '8:0', scheduler: 'mq-deadline' }]);
  for (const text of ['sda1', '8:1', '8:0']) assert.deepEqual(names(devices, text), ['sda']);
  assert.deepEqual(names(devices, 'dm-0'), ['sda', 'sdb']);
  assert.deepEqual(names(devices, '253:1'), ['sda', 'sdb']);
  assert.deepEqual(devices.resolve('cciss!c0d0'), [{ name: 'cciss/c0d0', majMin: '104:0' }]);
  assert.equal(devices.resolve('sdb')[0]?.scheduler, 'none');
});

test('numbers have names, and disks a medium', (t) => {
  const devices = sysWith(t, SDA);
  assert.equal(devices.nameOf('8:1'), 'sda1');
  assert.equal(devices.nameOf('104:0'), 'cciss/c0d0');
  for (const text of ['9:9', '', '../..', '8:0/..', 'Total']) assert.equal(devices.nameOf(text), undefined);
  assert.deepEqual(
    devices.disks().map(({ name }) => name),
    ['cciss/c0d0', 'dm-0', 'dm-1', 'sda', 'sdb'],
  );
});

test('a mount point stands for what is mounted there', (t) => {
  const mountinfo = [
    '1 0 8:16 / / rw - ext4 /dev/sdb rw',
    '2 1 8:1 / /data rw - ext4 /dev/sda1 rw',
    '3 1 0:40 / /over rw - tmpfs tmpfs rw',
    '4 2 8:18 / /data rw - ext4 /dev/sdb2 rw',
  ];
  const devices = sysWith(t, SDA, `${mountinfo.join('\n')}\n`);
  assert.deepEqual(names(devices, '/'), ['sdb']);
  assert.deepEqual(names(devices, '/data'), ['sdb']);
  assert.deepEqual(names(devices, '/data/'), ['sdb']);
  assert.throws(() => devices.resolve('/over'), { code: 'VALUE' });
});

test('what is no device is refused, with those that there are', (t) => {
  const devices = sysWith(t, SDA);
  for (const text of [
    '',
    'sdz',
    '8:99',
    '/dev/null',
    '/no/such',
    '..',
    '../sda',
    'sda/..',
    'a\0b',
    '/a\0b',
    '\x1b[2J',
    'x'.repeat(5000),
  ]) {
    const refused = { code: 'VALUE', message: /sda \(8:0\)/ };
    assert.throws(() => devices.resolve(text), refused, JSON.stringify(text));
  }
});

testUnless(needsRoot(), 'a real partition by path, name and number, and through a link', (t) => {
  const image = join(folder(t), 'image');
  writeFileSync(image, Buffer.alloc(1 << 20));
  const disk = run('losetup', '--find', '--show', image);
  // the kernel is told of the partition by hand: not every one reads partition tables
  run('addpart', disk, '1', '64', '64');
  atEnd(t, () => {
    run('delpart', disk, '1');
    run('losetup', '--detach', disk);
  });

  const { devices } = openHost();
  const name = disk.slice('/dev/'.length);
  const majMin = readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim();
  assert.deepEqual(
    devices.resolve(disk).map((found) => [found.name, found.majMin]),
    [[name, majMin]],
  );
  assert.ok(devices.disks().some((found) => found.majMin === majMin));
  const link = join(folder(t), 'link');
  symlinkSync(`${disk}p1`, link);
  const part = readFileSync(`/sys/class/block/${name}p1/dev`, 'utf8').trim();
  assert.equal(devices.nameOf(part), `${name}p1`);
  for (const text of [`${disk}p1`, `${name}p1`, part, link]) {
    assert.deepEqual(
      devices.resolve(text).map((found) => found.majMin),
      [majMin],
      text,
    );
  }
});

realKernel('the running kernel’s CPUs and nodes', () => {
  const { onlineCpus, nodes } = openHost().topology();
  assert.equal(onlineCpus.length, Number(execFileSync('getconf', ['_NPROCESSORS_ONLN'], { encoding: 'utf8' })));
  assert.deepEqual([...new Set(nodes.flatMap(({ cpus }) => cpus))].sort(), [...onlineCpus].sort());
  for (const [at, { memoryBytes, distances }] of nodes.entries()) {
    assert.ok(memoryBytes > 2 ** 20);
    assert.equal(distances.length, nodes.length);
    assert.equal(distances[at], Math.min(...distances));
  }
});

test('two nodes, one of them without CPUs; and a kernel without nodes', (t) => {
  const sys = folder(t);
  const system = join(sys, 'devices/system');
  const put = (path: string, text: string) => {
    mkdirSync(join(system, path, '..'), { recursive: true });
    writeFileSync(join(system, path), text);
  };
  put('cpu/online', '0-1\n');
  writeFileSync(join(sys, 'meminfo'), 'MemTotal:        1024 kB\nMemFree:          512 kB\n');
  assert.deepEqual(readTopology({ sys, proc: sys }), {
    onlineCpus: [0, 1],
    nodes: [{ node: 0, cpus: [0, 1], memoryBytes: 2 ** 20, distances: [10] }],
  });
  put('node/online', '0,2\n');
  for (const [node, cpus, distance] of [
    [0, '0-1', '10 20'],
    [2, '', '20 10'],
  ] as const) {
    put(`node/node${node}/cpulist`, `${cpus}\n`);
    put(`node/node${node}/meminfo`, `Node ${node} MemTotal:        2048 kB\nNode ${node} MemFree:          1024 kB\n`);
    put(`node/node${node}/distance`, `${distance}\n`);
  }
  assert.deepEqual(readTopology({ sys, proc: sys }).nodes, [
    { node: 0, cpus: [0, 1], memoryBytes: 2 ** 21, distances: [10, 20] },
    { node: 2, cpus: [], memoryBytes: 2 ** 21, distances: [20, 10] },
  ]);
});
