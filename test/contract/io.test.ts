import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { change } from '../../src/control/change.ts';
import { describeKnobs } from '../../src/control/describe.ts';
import { machineOf, parseSpec } from '../../src/control/spec.ts';
import { defaultRegistry as registry } from '../../src/controllers/index.ts';
import { ROOT } from '../../src/hierarchy/id.ts';
import { realKernel, temporary } from '../support/host.ts';
import { loopDisk } from './disk.ts';
import { absent, eventually, type Given, ownMachine, type TestGroup, testGroup } from './group.ts';

const MiB = 2 ** 20;

/** Seconds that direct I/O of `count` blocks takes inside the group. */
async function seconds(group: TestGroup, ...dd: string[]): Promise<number> {
  const began = performance.now();
  const { exited } = await group.spawn('dd', ...dd, 'status=none');
  assert.equal((await exited).code, 0);
  return (performance.now() - began) / 1000;
}

// The kernel lets a first slice through before it throttles: the bounds leave it that.
realKernel('--device-write-bps slows direct writes, and 0 takes it away', async (t) => {
  const { path: device } = loopDisk(t);
  const group = await testGroup(t, { 'device-write-bps': [`${device}:4MB`] });
  const write = ['if=/dev/zero', `of=${device}`, 'bs=1M', 'count=8', 'oflag=direct', 'conv=notrunc'];
  const throttled = await seconds(group, ...write);
  assert.ok(throttled > 1.2, `8 MiB at 4 MiB/s took ${throttled} s`);
  assert.ok((await group.figure('io_written_bytes_total')) >= 8 * MiB);
  await group.set({ 'device-write-bps': [`${device}:0`] });
  // Where processors are short, starting dd alone may take as long.
  await eventually(
    () => seconds(group, ...write),
    (took) => took < throttled,
  );
});

realKernel('--device-read-bps slows direct reads', async (t) => {
  const { path: device } = loopDisk(t);
  const group = await testGroup(t, { 'device-read-bps': [`${device}:4MB`] });
  const took = await seconds(group, `if=${device}`, 'of=/dev/null', 'bs=1M', 'count=8', 'iflag=direct');
  assert.ok(took > 1.2, `8 MiB at 4 MiB/s took ${took} s`);
  assert.ok((await group.figure('io_read_bytes_total')) >= 8 * MiB);
  assert.ok((await group.figure('io_reads_total')) >= 8);
});

realKernel('--device-write-iops and --device-read-iops count operations', async (t) => {
  const { path: device } = loopDisk(t);
  const group = await testGroup(t, { 'device-write-iops': [`${device}:50`], 'device-read-iops': [`${device}:50`] });
  const wrote = await seconds(
    group,
    'if=/dev/zero',
    `of=${device}`,
    'bs=4k',
    'count=100',
    'oflag=direct',
    'conv=notrunc',
  );
  assert.ok(wrote > 1.2, `100 writes at 50/s took ${wrote} s`);
  const read = await seconds(group, `if=${device}`, 'of=/dev/null', 'bs=4k', 'count=100', 'iflag=direct');
  assert.ok(read > 1.2, `100 reads at 50/s took ${read} s`);
});

realKernel('a device is named by path, name, MAJ:MIN or mount point, and a file is not one', async (t) => {
  const { path: device, majMin } = loopDisk(t);
  const group = await testGroup(t);
  for (const name of [device, device.replace('/dev/', ''), majMin]) {
    const { steps } = await group.set({ 'device-read-iops': [`${name}:77`] });
    assert.equal(steps.length, 1, name);
    assert.ok(steps[0]?.text?.startsWith(`${majMin} `), steps[0]?.text);
    await group.set({ 'device-read-iops': [`${name}:max`] });
  }
  await assert.rejects(
    async () => group.set({ 'device-read-iops': ['/etc/hostname-not-there:1'] }),
    /hostname-not-there/,
  );
});

realKernel('a weight on one disk under bfq is the kernel’s, and goes away again', async (t) => {
  const group = await testGroup(t);
  const disk = loopDisk(t);
  if (!disk.schedule('bfq')) return absent(t, 'no bfq');
  const weights = () => describeKnobs(group.host, registry, group.id, ['io.blkio_weight_device']).at(0)?.value;
  await group.set({ 'blkio-weight-device': [`${disk.path}:300`] });
  assert.deepEqual(weights(), new Map([[disk.majMin, 300]]));
  await group.set({ 'blkio-weight-device': [`${disk.path}:0`] });
  assert.deepEqual(weights(), new Map());
});

ownMachine('v2: buffered writes are held back and charged to who wrote', async (t) => {
  const group = await testGroup(t);
  if (group.dialect('io.write_bps') !== 'v2') return absent(t, 'v1 does not know who wrote what is written back');
  const where = join(temporary(t), 'disk');
  mkdirSync(where);
  execFileSync('mkfs.ext4', ['-q', '-F', '/dev/vdc']);
  await group.set({ 'device-write-bps': ['/dev/vdc:3MB'] });
  execFileSync('mount', ['-t', 'ext4', '/dev/vdc', where]);
  try {
    const file = join(where, 'file');
    const took = await seconds(group, 'if=/dev/zero', `of=${file}`, 'bs=1M', 'count=12', 'conv=fsync');
    assert.ok(took > 2, `12 MiB at 3 MiB/s took ${took} s`);
    const wrote = await group.figure('io_written_bytes_total');
    assert.ok(wrote >= 11 * MiB, `${wrote} bytes`);
  } finally {
    execFileSync('umount', [where]);
  }
});

ownMachine('v2: the cost model, once switched on, takes weights and tells what I/O cost', async (t) => {
  const group = await testGroup(t);
  const lacking = group.lacks('io.weight');
  if (lacking) return absent(t, lacking);
  const machine = (given: Given) =>
    change(group.host, registry, [{ id: ROOT, values: parseSpec(registry, given, machineOf(group.host)).values }], {
      lock: { dir: temporary(t), timeout: 30, who: 'test' },
      yes: true,
    });
  await machine({ 'io-cost-qos': ['/dev/vda:enable=1'] });
  await group.set({ 'io-weight': '300' });
  assert.equal(describeKnobs(group.host, registry, group.id, ['io.weight']).at(0)?.value, 300);
  await seconds(group, 'if=/dev/zero', 'of=/dev/vda', 'bs=1M', 'count=64', 'oflag=direct');
  await eventually(
    () => group.figure('io_cost_usage_seconds_total'),
    (seen) => seen > 0,
  );
  await machine({ 'io-cost-qos': ['/dev/vda:enable=0'] });
});
