/**
 * The sampler beside a bare C loop over the same 25 files of the same groups, round by round in one run.
 *
 *   npm run bench -- bench/sampler.bench.ts
 *
 * BENCH_GROUPS=1000,5000 BENCH_BUDGETS=4096,19000 BENCH_ROUNDS=15 BENCH_SECONDS=40 are its defaults: how many groups, how many descriptors, how many
 * full rounds, and for how long it watches at 1 Hz.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { controllers, defaultRegistry } from '../src/controllers/index.ts';
import { registry } from '../src/controllers/registry.ts';
import { parseCgroupId } from '../src/hierarchy/id.ts';
import { EventEngine } from '../src/monitor/events.ts';
import { Sampler } from '../src/monitor/sampler.ts';
import { Tree } from '../src/monitor/tree.ts';
import { keepYoungGeneration } from '../src/server/heap.ts';
import { mountOf } from '../test/support/host.ts';
import { median } from './figures.ts';
import { floorRegistry } from './files.ts';
import { makeGroups, startFloor } from './floor.ts';
import { hostBelow } from './host.ts';

const list = (name: string, otherwise: string) => (process.env[name] ?? otherwise).split(',').map(Number);
const SIZES = list('BENCH_GROUPS', '1000,5000');
const BUDGETS = list('BENCH_BUDGETS', '4096,19000');
const [ROUNDS = 15] = list('BENCH_ROUNDS', '15');
const [SECONDS = 40] = list('BENCH_SECONDS', '40');
/** Rounds before those that count. */
const WARM_UP = 30;
const FILES = 25;
/** One in so many groups is busy at 1 Hz. */
const BUSY_EVERY = 20;

/** What the sampling process is told to do, and what it answers. */
type Order =
  | { readonly do: 'round' | 'close' }
  | { readonly do: 'watch'; readonly seconds: number }
  | { readonly do: 'delay'; readonly seconds: number; readonly whole: boolean };
interface Answer {
  /** CPU time of the whole process, all threads, in µs. */
  readonly cpu: number;
  readonly looks: number;
  /** Files that were read. */
  readonly reads: number;
  readonly rows: number;
  readonly errors: number;
  readonly reader: string;
  readonly rss: number;
  /** How late the event loop was, in ms. */
  readonly delay: readonly number[];
}

if (process.env.WORKER_BUDGET === undefined) await main();
else {
  const { WORKER_BUDGET, WORKER_FILES, WORKER_BELOW = '' } = process.env;
  await work(WORKER_BELOW, Number(WORKER_BUDGET), WORKER_FILES === 'all');
}

/** The sampling process. */
async function work(name: string, budget: number, all: boolean): Promise<void> {
  keepYoungGeneration();
  const history = all ? { tick: 0 } : undefined;
  const host = hostBelow(parseCgroupId(`/${name}`));
  const tree = new Tree(host);
  // It keeps the tree, as in the service; the C loop does not listen to events, so without them.
  const events = new EventEngine(host, registry(all ? controllers : []), { tree });
  const sampler = new Sampler(host, all ? defaultRegistry : floorRegistry(), {
    tree,
    budget,
    ...(history && { history }),
  });
  await events.start();
  const answer = async (act: () => Promise<readonly number[]>): Promise<Answer> => {
    const before = { cpu: process.cpuUsage(), status: sampler.status() };
    const delay = await act();
    const { user, system } = process.cpuUsage(before.cpu);
    const { snapshots, reads, rows, errors, reader } = sampler.status();
    return {
      cpu: user + system,
      looks: snapshots - before.status.snapshots,
      reads: reads - before.status.reads,
      rows,
      errors: [...errors.values()].reduce((sum, count) => sum + count, 0),
      reader,
      rss: process.memoryUsage.rss(),
      delay,
    };
  };
  const watch = async (seconds: number): Promise<void> => {
    const end = sampler.subscribe(1000, () => undefined);
    await sleep(seconds * 1000);
    end();
  };
  const obey = async (order: Order): Promise<readonly number[]> => {
    if (order.do === 'round') await sampler.sample({ whole: true });
    if (order.do === 'watch') await watch(order.seconds);
    if (order.do === 'close') await sampler.close();
    if (order.do !== 'delay') return [];
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    const until = performance.now() + order.seconds * 1000;
    while (performance.now() < until) await (order.whole ? sampler.sample({ whole: true }) : watch(order.seconds));
    loop.disable();
    // What it counts is the time between its own ticks, of 1 ms.
    return [50, 99, 99.9, 100].map((part) => loop.percentile(part) / 1e6 - 1);
  };
  process.on('message', async (order: Order) => process.send?.(await answer(() => obey(order))));
  process.on('disconnect', () => process.exit());
}

async function main(): Promise<void> {
  console.log(`load before: ${loadavg()[0]?.toFixed(2)}`);
  for (const n of SIZES) {
    const name = `cgctl-test-${process.pid}-bench`;
    const made = await makeGroups(name, n, BUSY_EVERY);
    console.log(`\n${made.ready}, one in ${BUSY_EVERY} is busy`);
    try {
      for (const budget of BUDGETS) await compare(name, n, budget);
      await memory(name, n);
    } finally {
      await made.remove();
    }
  }
}

function startWorker(name: string, budget: number, files: '25' | 'all') {
  const child: ChildProcess = fork(process.argv[1] ?? '', {
    execArgv: [],
    env: { ...process.env, WORKER_BELOW: name, WORKER_BUDGET: String(budget), WORKER_FILES: files },
  });
  return {
    pid: child.pid ?? 0,
    async order(order: Order): Promise<Answer> {
      child.send(order);
      const [answer] = await once(child, 'message');
      return answer;
    },
    async end() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

async function compare(name: string, n: number, budget: number): Promise<void> {
  const floor = startFloor(name, n, budget);
  const worker = startWorker(name, budget, '25');
  try {
    const first = await worker.order({ do: 'round' });
    const others = first.rows - n;
    const bare: number[] = [];
    const ours: number[] = [];
    let kept = 0;
    let reads = 0;
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const a = await floor.round();
      const b = await worker.order({ do: 'round' });
      kept = a.kept;
      reads = b.reads;
      if (b.errors > 0) throw new Error(`${b.errors} files could not be read`);
      if (round < 0) continue;
      bare.push(a.us);
      // The machine's other groups are read as well.
      ours.push(b.cpu / (b.reads / FILES));
    }
    const ratios = ours.map((us, round) => us / (bare[round] ?? Number.NaN));
    console.log(
      `\n${n} groups, ${FILES} files, budget ${budget} (${kept} files a group in the C loop), ${first.reader} reader, ${others} other rows, ${reads} files read`,
    );
    console.log(
      `  full refresh, CPU us a group   C loop ${spread(bare)}   cgctl ${spread(ours)}   ratio ${spread(ratios, 2)}`,
    );

    const whole = await worker.order({ do: 'delay', seconds: 10, whole: true });
    console.log(`  event loop late, full refreshes one after the other: ${delays(whole)}`);
    await worker.order({ do: 'watch', seconds: 15 });
    const steady = await worker.order({ do: 'watch', seconds: SECONDS });
    const after = [await floor.round(), await floor.round(), await floor.round()].map(({ us }) => us);
    const us = steady.cpu / steady.looks / n;
    console.log(
      `  at 1 Hz, CPU us a group and look: C loop reading all ${spread(after)}   cgctl ${us.toFixed(1)}   ratio ${(us / median(after)).toFixed(2)}   (${(steady.reads / steady.looks / n).toFixed(1)} files a group, ${((steady.cpu / SECONDS) * 1e-4).toFixed(1)}% of a CPU)`,
    );
    const late = await worker.order({ do: 'delay', seconds: SECONDS / 2, whole: false });
    console.log(`  event loop late at 1 Hz: ${delays(late)}   (load now ${loadavg()[0]?.toFixed(2)})`);
  } finally {
    floor.end();
    await worker.end();
  }
}

/** All of cgctl's files with the history kept, watched, in a memory cgroup of its own: what it holds in the kernel shows when it closes. */
async function memory(name: string, n: number): Promise<void> {
  const own = join(mountOf('memory'), `cgctl-test-${process.pid}-service`);
  mkdirSync(own);
  const worker = startWorker(name, 4096, 'all');
  try {
    writeFileSync(join(own, 'cgroup.procs'), String(worker.pid));
    const kernel = () => Number(readFileSync(join(own, 'memory.kmem.usage_in_bytes'), 'utf8'));
    const { rss, reader, rows } = await worker.order({ do: 'watch', seconds: 3 * SECONDS });
    const all = kernel();
    await worker.order({ do: 'close' });
    const [resident, held, rest] = [rss, all - kernel(), kernel()].map((bytes) => bytes / 2 ** 20);
    console.log(
      `\n${n} groups (${rows} rows), all of cgctl's files and events, budget 4096, ${reader} reader, after ${3 * SECONDS} s at 1 Hz with history:\n  RSS ${resident?.toFixed(1)} MiB + ${held?.toFixed(1)} MiB that its descriptors hold in the kernel = ${((resident ?? 0) + (held ?? 0)).toFixed(1)} MiB; other kernel memory charged to it (inodes, watches) ${rest?.toFixed(1)} MiB`,
    );
  } finally {
    await worker.end();
    rmdirSync(own);
  }
}

function spread(values: readonly number[], digits = 1): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)}..${high.toFixed(digits)})`;
}

function delays({ delay }: Answer): string {
  const [p50, p99, p999, most] = delay.map((ms) => ms.toFixed(1));
  return `p50 ${p50}, p99 ${p99}, p99.9 ${p999}, most ${most} ms`;
}
