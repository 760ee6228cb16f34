import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { realKernel } from '../support/host.ts';
import { absent, eventually, growthOver, pause, testGroup } from './group.ts';

const USAGE = 'cpu_usage_seconds_total';
/** A starved emulated CPU takes the quota back late. Without one a busy loop would use five times as much and more. */
const SLACK = 2;
const spin = 'while :; do :; done';

realKernel('shares 1024 and 512 on one CPU end near 2/3 and 1/3', async (t) => {
  const top = await testGroup(t, { 'cpuset-cpus': '0', 'cpu-shares': '262144' });
  const a = await top.child('a', { 'cpu-shares': '1024' });
  const b = await top.child('b', { 'cpu-shares': '512' });
  await a.sh(spin);
  await b.sh(spin);
  await pause(300);
  const [first = 0, second = 0] = await growthOver(4000, USAGE, a, b);
  t.diagnostic(`1024: ${first.toFixed(2)} s, 512: ${second.toFixed(2)} s`);
  assert.ok(Math.abs(first / (first + second) - 2 / 3) < 0.07, `${first} and ${second} s`);
});

realKernel('on different CPUs shares have no effect', async (t) => {
  const top = await testGroup(t, { 'cpu-shares': '262144' });
  const a = await top.child('a', { 'cpu-shares': '1024', 'cpuset-cpus': '0' });
  const b = await top.child('b', { 'cpu-shares': '64', 'cpuset-cpus': '1' });
  await a.sh(spin);
  await b.sh(spin);
  await pause(300);
  const [first = 0, second = 0] = await growthOver(2000, USAGE, a, b);
  // on one CPU the second would get 1/17
  assert.ok(second > first / 3, `${first} and ${second} s`);
});

realKernel('a quota throttles and is counted', async (t) => {
  const group = await testGroup(t, { 'cpu-quota': '20000', 'cpu-period': '100000' });
  await group.sh(spin);
  const began = performance.now();
  const [used = 0] = await growthOver(2000, USAGE, group);
  const elapsed = (performance.now() - began) / 1000;
  assert.ok(used <= SLACK * elapsed * 0.2 + 0.1, `${used} s in ${elapsed} s`);
  const throttled = await group.figure('cpu_throttled_periods_total');
  assert.ok(throttled > 0);
  assert.ok((await group.figure('cpu_throttled_seconds_total')) > 0);
  assert.ok((await group.figure('cpu_periods_total')) >= throttled);
});

realKernel('quota that was saved up is spent at once, and that is counted', async (t) => {
  const period = 500_000;
  const group = await testGroup(t, { 'cpu-quota': '20000', 'cpu-period': String(period) });
  const lacking = group.lacks('cpu.burst');
  if (lacking) return absent(t, lacking);
  await group.set({ 'cpu-burst': '20000' });
  // rests for more than two periods, then takes 30 ms, which is more than the quota
  await group.sh(
    `exec perl -e 'for (;;) { select undef, undef, undef, 1.2; $end = times() + 0.03; 1 while times() < $end }'`,
  );
  await eventually(
    () => group.figure('cpu_burst_periods_total'),
    (seen) => seen > 0,
  );
  assert.ok((await group.figure('cpu_burst_seconds_total')) > 0);
});

realKernel('--cpus is a quota over 100000 µs', async (t) => {
  const group = await testGroup(t, { cpus: '0.1' });
  assert.deepEqual([await group.figure('cpu_quota_seconds'), await group.figure('cpu_period_seconds')], [0.01, 0.1]);
  await group.sh(spin);
  const began = performance.now();
  const [used = 0] = await growthOver(1500, USAGE, group);
  const allowed = ((performance.now() - began) / 1000) * 0.1;
  assert.ok(used <= SLACK * allowed + 0.1, `${used} s, where ${allowed} s are allowed`);
});

realKernel('an idle group runs when nobody else wants the CPU', async (t) => {
  const top = await testGroup(t, { 'cpuset-cpus': '0', 'cpu-shares': '262144' });
  const lacking = top.lacks('cpu.idle');
  if (lacking) return absent(t, lacking);
  const busy = await top.child('busy');
  const idle = await top.child('idle', { 'cpu-idle': 'true' });
  await busy.sh(spin);
  await idle.sh(spin);
  await pause(300);
  const [first = 0, second = 0] = await growthOver(2000, USAGE, busy, idle);
  assert.ok(second < first / 10, `${first} and ${second} s`);
});

realKernel('a cpuset is what sched_getaffinity tells', async (t) => {
  const group = await testGroup(t, { 'cpuset-cpus': '1', 'cpuset-mems': '0' });
  const { pid } = await group.spawn('sleep', '100');
  const allowed = (): string | undefined =>
    /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  while (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep')) await pause(5);
  assert.equal(allowed(), '1');
  await group.set({ 'cpuset-cpus': '0' });
  assert.equal(allowed(), '0');
});

realKernel('--numa-node places CPUs and memory together', async (t) => {
  const group = await testGroup(t);
  const node = group.host.topology().nodes.find((n) => n.node === 1 && n.cpus.length > 0);
  if (node === undefined) return absent(t, 'one NUMA node');
  await group.set({ 'numa-node': '1' });
  const { pid } = await group.sh('exec perl -e \'$x = "x" x 33554432; sleep 100\'');
  while ((await group.figure('memory_anon_bytes')) < 32 * 2 ** 20) await pause(50);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  assert.match(status, new RegExp(`^Cpus_allowed_list:\\t${node.cpus[0]}-${node.cpus.at(-1)}$`, 'm'));
  const figures = await group.figures('memory_numa_anon_bytes');
  assert.ok((figures.get('1') ?? 0) >= 32 * 2 ** 20, JSON.stringify([...figures]));
  assert.ok((figures.get('1') ?? 0) > 20 * (figures.get('0') ?? 0), JSON.stringify([...figures]));
});
