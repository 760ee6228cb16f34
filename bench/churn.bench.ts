/**
 * What stays behind when groups come and go: 200 a second in every hierarchy, a process in every tenth, for a minute, while the
 * sampler looks ten times a second and the event engine listens. And how soon a group that was just made is in a snapshot.
 *
 *   npm run bench -- bench/churn.bench.ts        (BENCH_SECONDS=60)
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultRegistry } from '../src/controllers/index.ts';
import { errnoOf } from '../src/errors.ts';
import { openHost } from '../src/hierarchy/host.ts';
import { EventEngine } from '../src/monitor/events.ts';
import { Sampler } from '../src/monitor/sampler.ts';
import { Tree } from '../src/monitor/tree.ts';
import { keepYoungGeneration } from '../src/server/heap.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 60);
const A_SECOND = 200;
const PROCESS_EVERY = 10;
const LIFE_MS = 200;
const HZ = 10;
const BIRTHS = 50;

interface Point {
  readonly at: number;
  readonly mib: number;
}

const host = openHost({ readOnly: true });
const path = process.env.CHURN_PATH ?? `/cgctl-test-${process.pid}-bench`;
const places = host.layout.hierarchies.map(({ mountPoint }) => join(mountPoint, path));
/** v1 cpusets take no process before they are filled: these groups go without. */
const occupied = places.filter((place) => !existsSync(join(place, '..', 'cpuset.cpus')));

if (process.env.CHURN_PATH === undefined) await main();
else await churn();

async function main(): Promise<void> {
  keepYoungGeneration();
  for (const place of places) mkdirSync(place);
  try {
    await births();
    await remains();
  } finally {
    for (const place of places) {
      for (const name of readdirSync(place))
        if (existsSync(join(place, name, 'cgroup.procs'))) await removed(join(place, name));
      rmdirSync(place);
    }
  }
}

/** From the moment before mkdir to the end of the first look that has the group. */
async function births(): Promise<void> {
  const { sampler, engine, close } = await watchers();
  const delays: number[] = [];
  for (let i = 0; i < BIRTHS; i++) {
    const id = `${path}/born${i}`;
    const started = performance.now();
    for (const place of places) mkdirSync(join(place, `born${i}`));
    while (!(await sampler.sample()).rows.some((row) => row.id === id)) assert.ok(performance.now() - started < 60_000);
    delays.push(performance.now() - started);
    for (const place of places) rmdirSync(join(place, `born${i}`));
    await sleep(20);
  }
  const rows = (await sampler.sample()).rows.length;
  const { tree } = engine.status();
  await close();
  delays.sort((a, b) => a - b);
  console.log(
    `a group made in ${places.length} hierarchies is in a snapshot after ${delays[BIRTHS >> 1]?.toFixed(1)} ms (median; most ${delays.at(-1)?.toFixed(1)}), the making included; ` +
      `${rows} groups, tree by ${tree}`,
  );
}

async function remains(): Promise<void> {
  const { sampler, engine, close } = await watchers();
  await sampler.sample();
  const before = { descriptors: descriptors(), ...engine.status() };
  const end = sampler.subscribe(1000 / HZ, () => undefined);
  const other: ChildProcess = fork(process.argv[1] ?? '', { execArgv: [], env: { ...process.env, CHURN_PATH: path } });
  const done = once(other, 'exit');
  const counted = once(other, 'message');
  const [sizes, heap]: Point[][] = [[], []];
  const started = performance.now();
  const timer = setInterval(() => {
    global.gc?.();
    const at = (performance.now() - started) / 1000;
    const { rss, heapUsed } = process.memoryUsage();
    sizes?.push({ at, mib: rss / 2 ** 20 });
    heap?.push({ at, mib: heapUsed / 2 ** 20 });
  }, 1000);
  const [{ made, processes }] = await counted;
  await done;
  clearInterval(timer);
  end();
  await engine.poll();
  await sampler.sample();
  const after = { descriptors: descriptors(), ...engine.status() };
  const { snapshots, rows, errors } = sampler.status();
  await close();
  const later = (points: readonly Point[] = []) => slope(points.filter(({ at }) => at > SECONDS / 3)).toFixed(2);
  const failed = [...errors].map(([file, count]) => `${file} ${count}`).join(', ') || 'none';
  console.log(
    `${made} groups in ${SECONDS} s in ${places.length} hierarchies (${processes} with a process), ${snapshots} snapshots: errors ${failed}; ${rows} rows left\n` +
      `  descriptors ${before.descriptors} → ${after.descriptors}, eventfds ${before.eventfds} → ${after.eventfds}, watches ${before.modified} → ${after.modified}, events ${after.events - before.events}, dropped ${after.dropped - before.dropped}\n` +
      `  RSS ${sizes?.[0]?.mib.toFixed(1)} → ${sizes?.at(-1)?.mib.toFixed(1)} MiB; its slope ${later(sizes)} MiB a minute after the first ${(SECONDS / 3).toFixed(0)} s, that of JavaScript's objects ${later(heap)}`,
  );
}

async function watchers() {
  const tree = new Tree(host);
  const engine = new EventEngine(host, defaultRegistry, { tree });
  const sampler = new Sampler(host, defaultRegistry, { tree });
  await engine.start();
  const close = async () => {
    await sampler.close();
    await engine.close();
  };
  return { sampler, engine, close };
}

/** The process that makes and removes them. */
async function churn(): Promise<void> {
  const living: { name: string; until: number; child?: ChildProcess }[] = [];
  let [made, processes] = [0, 0];
  const started = performance.now();
  while (performance.now() - started < SECONDS * 1000) {
    const due = ((performance.now() - started) / 1000) * A_SECOND;
    for (; made < due; made++) {
      const name = `g${made}`;
      for (const place of places) mkdirSync(join(place, name));
      const child = made % PROCESS_EVERY === 0 ? spawn('sleep', ['100'], { stdio: 'ignore' }) : undefined;
      if (child !== undefined) {
        for (const place of occupied) writeFileSync(join(place, name, 'cgroup.procs'), String(child.pid));
        processes += 1;
      }
      living.push({ name, until: performance.now() + LIFE_MS, ...(child && { child }) });
    }
    while ((living[0]?.until ?? Number.POSITIVE_INFINITY) <= performance.now()) await end(living.shift());
    await sleep(1);
  }
  for (const each of living) await end(each);
  process.send?.({ made, processes });
  process.disconnect();
}

async function end(group: { name: string; child?: ChildProcess } | undefined): Promise<void> {
  if (group === undefined) return;
  if (group.child !== undefined) {
    const gone = once(group.child, 'exit');
    group.child.kill('SIGKILL');
    await gone;
  }
  for (const place of places) await removed(join(place, group.name));
}

/** A process that has ended may be counted for a moment still. */
async function removed(directory: string): Promise<void> {
  for (;;) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EBUSY') throw error;
      await sleep(1);
    }
  }
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Of the line of least squares, a minute. */
function slope(points: readonly Point[]): number {
  const mean = (of: (point: { at: number; mib: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [at, mib] = [mean((p) => p.at), mean((p) => p.mib)];
  const along = points.reduce((sum, p) => sum + (p.at - at) * (p.mib - mib), 0);
  return (along / points.reduce((sum, p) => sum + (p.at - at) ** 2, 0)) * 60;
}
