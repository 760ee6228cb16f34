import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { parseSwaps } from '../../src/parse/procfs.ts';
import { atEnd, realKernel } from '../support/host.ts';
import { loopDisk } from './disk.ts';
import { absent, emulated, eventually, ownMachine, pause, testGroup } from './group.ts';

const MiB = 2 ** 20;

// In user space: a system call that copies into memory that is not to be had fails with EFAULT instead of waiting.
const GROW = 'exec perl -e \'push @a, "x" x 1048576 while 1\'';
/** Holds 32 MiB. */
const HOLD = 'exec perl -e \'$x = "x" x 33554432; sleep 100\'';

realKernel('beyond its limit a group is OOM-killed, and the kill is counted there', async (t) => {
  const group = await testGroup(t, { memory: '32m', 'memory-swap': '32m' });
  const child = await group.child('child');
  const { exited } = await child.sh(GROW);
  assert.equal((await exited).signal, 'SIGKILL');
  assert.equal(await child.figure('memory_oom_kills_total'), 1);
  assert.equal(await group.figure('memory_oom_kills_total'), 0, 'the victim was not of this group');
  // memory.failcnt stays 0 on recent kernels (seen on 6.18)
  if (group.dialect('memory.max') === 'v2') assert.ok((await group.figure('memory_limit_hits_total')) > 0);
  assert.ok(
    (await group.figure('memory_peak_bytes')) >= 31 * MiB || Number.isNaN(await group.figure('memory_peak_bytes')),
  );
});

realKernel('usage is what the processes hold', async (t) => {
  const group = await testGroup(t, { memory: '128m' });
  await group.sh(HOLD);
  await eventually(
    () => group.figure('memory_anon_bytes'),
    (seen) => seen >= 32 * MiB,
  );
  const usage = await group.figure('memory_usage_bytes');
  assert.ok(usage >= 32 * MiB && usage <= 128 * MiB, String(usage));
  assert.equal(await group.figure('memory_limit_bytes'), 128 * MiB);
});

realKernel('memory.high throttles and never kills', async (t) => {
  const group = await testGroup(t, { memory: '512m' });
  const lacking = group.lacks('memory.high');
  if (lacking) return absent(t, lacking);
  await group.set({ 'memory-high': '24m', 'memory-swap': '512m' });
  const { child } = await group.sh(HOLD);
  await eventually(
    () => group.figure('memory_high_events_total'),
    (seen) => seen > 0,
  );
  await pause(300);
  assert.equal(child.exitCode, null);
  assert.equal(await group.figure('memory_oom_kills_total'), 0);
});

realKernel('with oom_kill_disable a task sleeps at the limit until it is raised', async (t) => {
  const group = await testGroup(t, { memory: '24m', 'memory-swap': '24m' });
  const lacking = group.lacks('memory.oom_kill_disable');
  if (lacking) return absent(t, lacking);
  await group.set({ 'oom-kill-disable': 'true' });
  await group.sh(HOLD);
  await eventually(
    () => group.figure('memory_under_oom'),
    (seen) => seen === 1,
  );
  assert.equal(await group.figure('memory_oom_kills_total'), 0);
  await group.set({ memory: '128m', 'memory-swap': '128m' });
  await eventually(
    () => group.figure('memory_anon_bytes'),
    (seen) => seen >= 32 * MiB,
  );
  assert.equal(await group.figure('memory_under_oom'), 0);
});

realKernel('with oom.group an OOM ends the whole group', async (t) => {
  const group = await testGroup(t, { memory: '32m', 'memory-swap': '32m' });
  const lacking = group.lacks('memory.oom_group');
  if (lacking) return absent(t, lacking);
  await group.set({ 'memory-oom-group': 'true' });
  const bystander = await group.spawn('sleep', '100');
  const { exited } = await group.sh(GROW);
  assert.equal((await exited).signal, 'SIGKILL');
  assert.equal((await bystander.exited).signal, 'SIGKILL');
});

realKernel(
  'lowering the limit below usage is refused with both numbers; forced, the kernel reclaims, refuses or kills',
  async (t) => {
    const group = await testGroup(t, { memory: '128m', 'memory-swap': '128m' });
    await group.sh(HOLD);
    await eventually(
      () => group.figure('memory_anon_bytes'),
      (seen) => seen >= 32 * MiB,
    );
    const lower = { memory: '8m', 'memory-swap': '8m' };
    await assert.rejects(group.set(lower, { force: false }), {
      code: 'REFUSED',
      message: /--memory 8m is below the present usage of \d{8} bytes/,
    });
    assert.equal(await group.figure('memory_limit_bytes'), 128 * MiB, 'nothing was written');
    if (group.dialect('memory.max') === 'v1') {
      await assert.rejects(group.set(lower), /EBUSY: the kernel could not reclaim/);
      assert.equal(await group.figure('memory_limit_bytes'), 128 * MiB, 'put back');
    } else {
      await group.set(lower);
      await eventually(
        () => group.figure('memory_oom_kills_total'),
        (seen) => seen > 0,
      );
    }
  },
);

/** Whether the machine can swap; an emulated one has a disk to do that on. */
function canSwap(t: TestContext): boolean {
  if (emulated) {
    execFileSync('mkswap', ['/dev/vdc']);
    execFileSync('swapon', ['/dev/vdc']);
    atEnd(t, () => execFileSync('swapoff', ['/dev/vdc']));
  }
  return parseSwaps(readFileSync('/proc/swaps', 'utf8')).length > 0;
}

realKernel('a group swaps up to its limit of memory plus swap, and is OOM-killed beyond', async (t) => {
  const group = await testGroup(t, { memory: '16m', 'memory-swap': '64m' });
  if (!canSwap(t)) return absent(t, 'no swap device is on');
  const { child } = await group.sh(HOLD);
  await eventually(
    () => group.figure('memory_swap_bytes'),
    (seen) => seen > 8 * MiB,
  );
  assert.equal(child.exitCode, null);
  assert.equal(await group.figure('memory_oom_kills_total'), 0);
  const { exited } = await group.sh(GROW);
  assert.equal((await exited).signal, 'SIGKILL');
  assert.ok((await group.figure('memory_oom_kills_total')) > 0);
  assert.ok((await group.figure('memory_swap_bytes')) <= 48 * MiB);
});

realKernel('pages move to the other node when the nodes change', async (t) => {
  const group = await testGroup(t);
  if (!group.host.topology().nodes.some(({ node }) => node === 1)) return absent(t, 'one NUMA node');
  await group.set({
    'cpuset-mems': '0',
    ...(group.lacks('cpuset.memory_migrate') ? {} : { 'cpuset-memory-migrate': '1' }),
  });
  await group.sh(HOLD);
  await eventually(
    () => group.figure('memory_anon_bytes'),
    (seen) => seen >= 32 * MiB,
  );
  /** How much more is on the one node than on the other. */
  const excess = async (node: string, other: string): Promise<number> => {
    const figures = await group.figures('memory_numa_anon_bytes');
    return (figures.get(node) ?? 0) / (4096 + (figures.get(other) ?? 0));
  };
  assert.ok((await excess('0', '1')) > 20);
  await group.set({ 'cpuset-mems': '1' });
  await eventually(
    () => excess('1', '0'),
    (seen) => seen > 20,
  );
});

realKernel('page cache is reclaimed when it is asked for, and records begin anew', async (t) => {
  const group = await testGroup(t, { memory: '128m' });
  const { path } = loopDisk(t);
  // a disk's cache ends with its last opener
  await group.sh(`exec 3< ${path}; dd if=${path} of=/dev/null bs=1M count=32 2> /dev/null; exec sleep 100`);
  const cached = await eventually(
    () => group.figure('memory_file_bytes'),
    (seen) => seen >= 30 * MiB,
  );
  if (group.dialect('memory.max') === 'v2') {
    await assert.rejects(group.act('memory.force_empty'), { code: 'ABSENT' });
    await group.act('memory.reclaim', '16m');
    await eventually(
      () => group.figure('memory_file_bytes'),
      (seen) => seen <= cached - 12 * MiB,
    );
    await assert.rejects(group.act('memory.reclaim', '64g'), /EAGAIN: the kernel reclaimed less than was asked for/);
    return;
  }
  await assert.rejects(group.act('memory.reclaim', '16m'), { code: 'ABSENT' });
  await group.act('memory.force_empty');
  await eventually(
    () => group.figure('memory_file_bytes'),
    // pages on their way to the lists of what can be reclaimed stay
    (seen) => seen <= cached / 2,
  );
  assert.ok((await group.figure('memory_peak_bytes')) >= 30 * MiB);
  await group.act('memory.reset_peak');
  assert.ok((await group.figure('memory_peak_bytes')) < 30 * MiB);
  await group.act('memory.reset_failcnt');
  assert.equal(await group.figure('memory_limit_hits_total'), 0);
});

/** Asks for 8 MiB of huge pages and lets the kernel write to them: it stops where it gets no more. */
const HUGE =
  'exec perl -e \'$at = syscall(9, 0, 8388608, 3, 0x40022, -1, 0); open Z, "</dev/zero"; syscall(0, fileno(Z), $at, 8388608); sleep 100\'';

ownMachine('a limit of huge pages holds, and what it refused is counted', async (t) => {
  const group = await testGroup(t);
  const lacking = group.lacks('hugetlb.max');
  if (lacking) return absent(t, lacking);
  const pool = '/proc/sys/vm/nr_hugepages';
  writeFileSync(pool, '8');
  atEnd(t, () => writeFileSync(pool, '0'));
  await group.set({ 'hugetlb-limit': ['2MB:4m'] });
  await group.sh(HUGE);
  await eventually(
    () => group.figure('hugetlb_limit_hits_total'),
    (seen) => seen > 0,
  );
  assert.equal((await group.figures('hugetlb_usage_bytes')).get('2MB'), 4 * MiB);
});
