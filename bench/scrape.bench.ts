/**
 * What scrapes cost the service as a whole process that sees nothing but the bench's own groups of the real kernel: each has a
 * process that sleeps.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { defaultRegistry } from '../src/controllers/index.ts';
import { parseCgroupId } from '../src/hierarchy/id.ts';
import { DESCRIPTOR_BUDGET } from '../src/monitor/read.ts';
import { BOUNDS } from '../src/monitor/sampler.ts';
import type { Sources } from '../src/server/config.ts';
import { keepYoungGeneration } from '../src/server/heap.ts';
import { LiveConfig } from '../src/server/live.ts';
import { openLog } from '../src/server/log.ts';
import { startService } from '../src/server/server.ts';
import { projectRoot } from '../test/support/files.ts';
import { mountOf } from '../test/support/host.ts';
import { cpuOf, median, quantile } from './figures.ts';
import { makeGroups, startFloor } from './floor.ts';
import { hostBelow } from './host.ts';

/** What is measured: `BENCH_PARTS=cpu,memory` leaves the others out. */
const PARTS = (process.env.BENCH_PARTS ?? 'cpu,idle,latency,memory').split(',');
const NAME = `cgctl-test-${process.pid}-scrape`;
/** Before those that count; each finds the last snapshot too old. */
const WARM_UP = 50;
const FRESHNESS_MS = 2000;
const FRESH_SCRAPES = 9;
/** A usual interval of Prometheus; a whole number of times they are in the bound of what stands still. */
const APART_MS = 15_000;
const WHOLE_SCRAPES = 3;
const STREAMS = 100;
const LATENCY_SCRAPES = 300;
/** Nobody has asked for so long before, and does not. */
const IDLE_MS = 60_000;
const MIB = 2 ** 20;

const children: ChildProcess[] = [];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]) =>
  `${median(values).toFixed(1)} (${quantile(values, 0).toFixed(1)} to ${quantile(values, 1).toFixed(1)})`;

/** The service in a process of its own, with nothing but the bench's groups. @param place a memory cgroup for it */
async function serve(
  flags: Sources['flags'],
  place?: string,
): Promise<{ pid: number; url: string; child: ChildProcess }> {
  const asked = { SERVE_BELOW: `/${NAME}`, SERVE_FLAGS: JSON.stringify(flags), ...(place && { SERVE_IN: place }) };
  const child = fork(process.argv[1] ?? '', { execArgv: [], env: { ...process.env, ...asked } });
  children.push(child);
  const [url] = await once(child, 'message');
  return { pid: child.pid ?? 0, url, child };
}

/** What that process does. */
async function work(below: string): Promise<void> {
  keepYoungGeneration();
  const { SERVE_IN, SERVE_FLAGS = '{}' } = process.env;
  if (SERVE_IN !== undefined) writeFileSync(join(SERVE_IN, 'cgroup.procs'), String(process.pid));
  const flags = { listen: ['127.0.0.1:0'], 'log-level': 'warn', ...JSON.parse(SERVE_FLAGS) };
  const log = openLog();
  const service = await startService({
    host: hostBelow(parseCgroupId(below)),
    registry: defaultRegistry,
    live: new LiveConfig({ flags, env: {}, file: undefined }, log),
    log,
    env: process.env,
    version: '0',
    webRoot: join(projectRoot, 'dist/web'),
  });
  process.send?.(service.urls[0]);
  process.on('disconnect', () => process.exit());
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  await once(child, 'exit');
}

interface Scraped {
  readonly ms: number;
  readonly bytes: number;
}

function scrape(url: string, path: string, gzip: boolean): Promise<Scraped> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const asking = request(
      `${url}${path}`,
      { headers: gzip ? { 'accept-encoding': 'gzip' } : {}, agent: false },
      (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        answer.on('end', () => resolve({ ms: performance.now() - started, bytes }));
        answer.on('error', reject);
      },
    );
    asking.on('error', reject);
    asking.end();
  });
}

/** What some work costs the process, without what it spends in as long a time anyway. */
async function costOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  const [before, started] = [cpuOf(pid), performance.now()];
  await work();
  await sleep(200);
  const [after, ended] = [cpuOf(pid), performance.now()];
  await sleep(ended - started);
  return after - before - (cpuOf(pid) - after);
}

const kib = (text: string, name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) * 1024;
const memoryOf = (pid: number, name: string) => kib(readFileSync(`/proc/${pid}/status`, 'utf8'), name);

/** As Prometheus scrapes, and beside it a bare loop that reads 25 files of each group and does nothing with them. */
async function cpu(groups: number): Promise<void> {
  const floor = startFloor(NAME, groups, DESCRIPTOR_BUDGET);
  const { pid, url, child } = await serve({ freshness: String(FRESHNESS_MS / 1000), 'history-tick': '0' });
  for (let warm = 0; warm < WARM_UP; warm++) {
    await scrape(url, '/metrics', false);
    await sleep(FRESHNESS_MS + 50);
  }
  const bare: number[] = [];
  const [fresh, packed, plain, whole]: number[][] = [[], [], [], []];
  for (let at = 0; at < FRESH_SCRAPES; at++) {
    await sleep(APART_MS);
    fresh?.push(await costOf(pid, () => scrape(url, '/metrics', false)));
    plain?.push(await costOf(pid, () => scrape(url, '/metrics', false)));
    packed?.push(await costOf(pid, () => scrape(url, '/metrics', true)));
    bare.push(((await floor.round()).us * groups) / 1000);
  }
  for (let at = 0; at < WHOLE_SCRAPES; at++) {
    await sleep(BOUNDS.still * 1000 + 1000);
    whole?.push(await costOf(pid, () => scrape(url, '/metrics', false)));
  }
  const { bytes } = await scrape(url, '/metrics', false);
  const own = await (await fetch(`${url}/metrics?collect[]=service`)).text();
  const seen = /^cgctl_sample_rows (\d+)$/m.exec(own)?.[1];
  console.log(
    `\n${groups} groups, ${seen} with those above them, ${(bytes / MIB).toFixed(1)} MiB of exposition; CPU in ms, median (least to most)`,
  );
  console.log(
    `  sampled and scraped fresh every ${APART_MS / 1000} s:    ${spread(fresh ?? [])}, mean ${mean(fresh ?? []).toFixed(0)}`,
  );
  console.log(`  the same when every file is read again:  ${spread(whole ?? [])}`);
  console.log(`  a bare C loop that reads 25 files each:  ${spread(bare)}`);
  console.log(`  from the same snapshot:                  ${spread(plain ?? [])}`);
  console.log(`  from the same snapshot, compressed once: ${spread(packed ?? [])}`);
  floor.end();
  await end(child);
}

/** What it costs while nobody asks. */
async function idle(groups: number): Promise<void> {
  console.log(`\n${groups} groups, nobody asks anything for a minute; CPU`);
  for (const tick of ['0', '10']) {
    const { pid, child } = await serve({ 'history-tick': tick });
    await sleep(IDLE_MS);
    const before = cpuOf(pid);
    await sleep(IDLE_MS);
    const share = ((cpuOf(pid) - before) / IDLE_MS) * 100;
    console.log(
      `  ${tick === '0' ? 'without history' : `a look for the history every ${tick} s`}: ${share.toFixed(3)} %`,
    );
    await end(child);
  }
}

async function latency(groups: number): Promise<void> {
  const { url, child } = await serve({ freshness: '0.9' });
  const streams = Array.from({ length: STREAMS }, () => new WebSocket(`${url.replace('http', 'ws')}/api/v1/stream`));
  await Promise.all(streams.map((stream) => once(stream, 'message')));
  const times: number[] = [];
  for (let at = 0; at < LATENCY_SCRAPES; at++) {
    times.push((await scrape(url, '/metrics', true)).ms);
    await sleep(100);
  }
  console.log(
    `\n${groups} groups, ${STREAMS} clients of the stream; time to the end of the answer in ms, of ${times.length} scrapes`,
  );
  console.log(
    `  median ${median(times).toFixed(1)}, p99 ${quantile(times, 0.99).toFixed(1)}, most ${quantile(times, 1).toFixed(1)}`,
  );
  for (const stream of streams) stream.terminate();
  await end(child);
}

/** The kernel's memory is what is charged to the service's own memory cgroup: most of it are entries of directories, which it takes back. */
async function memory(groups: number): Promise<void> {
  const own = join(mountOf('memory'), `cgctl-test-${process.pid}-service`);
  mkdirSync(own);
  const { pid, url, child } = await serve({ freshness: '0' }, own);
  try {
    const kernel = () => Number(readFileSync(join(own, 'memory.kmem.usage_in_bytes'), 'utf8'));
    const mib = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`;
    const tell = (name: string) => {
      const [rss, slab] = [memoryOf(pid, name), kernel()];
      return `RSS ${mib(rss)} and kernel ${mib(slab)}: ${mib(rss + slab)}`;
    };
    console.log(`\n${groups} groups; memory of the service, and of the kernel for it`);
    for (const [when, scrapes, apart] of [
      ['the first scrapes', 5, 0],
      [`scrapes every ${APART_MS / 1000} s`, 12, APART_MS],
    ] as const) {
      for (let at = 0; at < scrapes; at++) {
        await scrape(url, '/metrics', true);
        await sleep(apart);
      }
      writeFileSync(`/proc/${pid}/clear_refs`, '5'); // proc_pid_clear_refs(5): the peak begins anew
      await scrape(url, '/metrics', true);
      await scrape(url, '/metrics', false);
      console.log(`  ${when}: most during one: ${tell('VmHWM')}`);
      await sleep(5_000);
      console.log(`    5 s after it:           ${tell('VmRSS')}`);
    }
    await sleep(60_000);
    console.log(`  nothing for a minute:     ${tell('VmRSS')}`);
    writeFileSync(join(own, 'memory.force_empty'), '0');
    console.log(`  the kernel's is ${mib(kernel())} when it takes back what it can`);
  } finally {
    await end(child);
    rmdirSync(own);
  }
}

if (process.env.SERVE_BELOW === undefined) await main();
else await work(process.env.SERVE_BELOW);

async function main(): Promise<void> {
  const thousand = PARTS.filter((part) => part !== 'memory');
  if (thousand.length > 0) {
    await withGroups(1000, async (groups) => {
      if (thousand.includes('cpu')) await cpu(groups);
      if (thousand.includes('idle')) await idle(groups);
      if (thousand.includes('latency')) await latency(groups);
    });
  }
  if (PARTS.includes('memory')) await withGroups(5000, memory);
}

async function withGroups(groups: number, measure: (groups: number) => Promise<void>): Promise<void> {
  const made = await makeGroups(NAME, groups);
  try {
    await measure(groups);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await made.remove();
  }
}
