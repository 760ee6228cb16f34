/**
 * What the live stream costs the service, on groups of the real kernel (CGROUPS of them, 1000 by default, a twentieth busy), with
 * CLIENTS clients (200 by default) at a message a second each: beside what JSON.stringify for each of them costs in the same run,
 * with one client that does not read, and how soon a new group is told of.
 */
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { defaultRegistry } from '../src/controllers/index.ts';
import { clock } from '../src/monitor/listener.ts';
import { LIMITS } from '../src/protocol/stream-schema.ts';
import { mountOf } from '../test/support/host.ts';
import { cgroupMounts } from '../test/support/scratch.ts';
import { cpuOf, median, quantile } from './figures.ts';
import { OutOfMemory } from './oom.ts';
import { Surroundings } from './service.ts';

const GROUPS = Number(process.env.CGROUPS ?? 1000);
const CLIENTS = Number(process.env.CLIENTS ?? 200);
const SECONDS = Number(process.env.SECONDS ?? 30);
const BUSY = Math.max(1, Math.round(GROUPS / 20));
const NEW_GROUPS = 20;
const KILLS = 40;
const ROOT = `/cgctl-test-${process.pid}-stream`;
const MIB = 2 ** 20;

const around = new Surroundings(ROOT);

const spread = (values: readonly number[]) =>
  `median ${median(values).toFixed(1)}, p99 ${quantile(values, 0.99).toFixed(1)}, most ${quantile(values, 1).toFixed(1)}`;

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** What clients got: they do not read it, so that they do not stand in the service's way. */
class Watch {
  messages = 0;
  bytes = 0;
  /** From the first client that had a table to each that has it, in ms. */
  behind: number[] = [];
  readonly #first = new Map<string, number>();

  reset(): void {
    this.messages = 0;
    this.bytes = 0;
    this.behind = [];
  }

  took(bytes: Buffer): void {
    this.messages++;
    this.bytes += bytes.length;
    const seq = /"seq":(\d+)/.exec(bytes.toString('latin1', 0, 100))?.[1] ?? '';
    const now = performance.now();
    const first = this.#first.get(seq) ?? now;
    this.#first.set(seq, first);
    this.behind.push(now - first);
  }
}

async function connect(url: string, wanted: object): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/stream`);
  await once(socket, 'message');
  socket.send(JSON.stringify({ type: 'subscribe', ...wanted }));
  return socket;
}

function toBuffer(data: WebSocket.RawData): Buffer {
  return Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/** CPU of the service in ms a second, and what clients got, over some seconds. */
async function measure(pid: number, watch: Watch): Promise<number> {
  watch.reset();
  const [before, started] = [cpuOf(pid), performance.now()];
  await sleep(SECONDS * 1000);
  return (cpuOf(pid) - before) / ((performance.now() - started) / 1000);
}

/** What each message would cost for each client, were it made for each. */
function stringify(snapshot: Buffer): { readonly ms: number; readonly bytes: number } {
  const message: unknown = JSON.parse(snapshot.toString());
  for (let warm = 0; warm < 20; warm++) JSON.stringify(message);
  const started = process.cpuUsage();
  for (let n = 0; n < CLIENTS; n++) Buffer.from(JSON.stringify(message));
  const { user, system } = process.cpuUsage(started);
  return { ms: (user + system) / 1000, bytes: snapshot.length };
}

async function many(pid: number, url: string): Promise<void> {
  const watch = new Watch();
  const sockets: WebSocket[] = [];
  const add = async (): Promise<WebSocket> => {
    const socket = await connect(url, { intervalMs: 1000, events: false });
    socket.on('message', (data) => watch.took(toBuffer(data)));
    sockets.push(socket);
    return socket;
  };
  const [whole] = await once(await add(), 'message');
  await sleep(3000);
  const one = await measure(pid, watch);
  while (sockets.length < CLIENTS) await add();
  await sleep(3000);
  const all = await measure(pid, watch);
  const naive = stringify(toBuffer(whole));
  const calm = watch.behind;
  console.log(
    `\n${GROUPS} groups, ${BUSY} of them busy; ${CLIENTS} clients, a message a second each, for ${SECONDS} s`,
  );
  console.log(`  CPU of the service with one client (looks at the groups included): ${one.toFixed(1)} ms a second`);
  console.log(`  with all of them:                                                  ${all.toFixed(1)} ms a second`);
  console.log(`  so each further message costs ${(((all - one) / (CLIENTS - 1)) * 1000).toFixed(0)} µs`);
  console.log(
    `  a message has ${(watch.bytes / watch.messages / 1024).toFixed(1)} KiB, a whole table ${(naive.bytes / 1024).toFixed(1)} KiB`,
  );
  console.log(`  JSON.stringify of the whole table for each client: ${naive.ms.toFixed(1)} ms a second, not sent yet`);

  const columns = defaultRegistry.allStats().map(({ stat }) => stat.name);
  const wanted = { type: 'subscribe', intervalMs: 100, columns: columns.slice(0, LIMITS.columns), events: false };
  const stuck = await connect(url, wanted);
  let held = 0;
  let told = '';
  stuck.on('message', (data) => {
    const bytes = toBuffer(data);
    if (told === '' && bytes.includes('"type":"resync"')) told = bytes.toString();
    else if (told === '') held += bytes.length;
  });
  await once(stuck, 'message');
  stuck.pause();
  held = 0;
  const resident = residentOf(pid);
  // Each time it asks, it is sent the whole table again.
  for (let n = 0; n < 100; n++) stuck.send(JSON.stringify(wanted));
  await measure(pid, watch);
  const more = residentOf(pid) - resident;
  console.log(`\nBeside them one that asks for ${wanted.columns.length} columns ten times a second, and does not read`);
  console.log(`  others have a message after the first that has it, in ms: ${spread(calm)} without it`);
  console.log(`                                                            ${spread(watch.behind)} with it`);
  stuck.resume();
  const deadline = performance.now() + 30_000;
  while (told === '' && performance.now() < deadline) await sleep(20);
  console.log(`  memory of the service has grown by ${(more / MIB).toFixed(1)} MiB meanwhile`);
  console.log(
    `  on its way to it, the kernel's buffers included: ${(held / MIB).toFixed(1)} MiB; then it is told ${told}`,
  );
  for (const socket of [...sockets, stuck]) socket.terminate();
}

/** From a directory that is made to the client that knows. */
async function latency(url: string): Promise<void> {
  const socket = await connect(url, { intervalMs: 100, columns: ['pids'], subtree: ROOT });
  let waiting: { readonly id: string; readonly resolve: () => void } | undefined;
  socket.on('message', (data) => {
    if (waiting !== undefined && toBuffer(data).includes(`"created","cgroup":"${waiting.id}"`)) waiting.resolve();
  });
  await sleep(1000);
  const times: number[] = [];
  for (let n = 0; n < NEW_GROUPS; n++) {
    const id = `${ROOT}/new-${n}`;
    const [mount] = cgroupMounts();
    const started = performance.now();
    await new Promise<void>((resolve) => {
      waiting = { id, resolve };
      mkdirSync(join(mount?.point ?? '', id));
    });
    times.push(performance.now() - started);
    await sleep(100);
  }
  console.log(`\nFrom a new group to the client that is told of it, in ms, of ${times.length}: ${spread(times)}`);
  socket.terminate();
}

/** From the kernel's notification to the client that is told of the kill. */
async function oom(url: string): Promise<void> {
  const group = join(mountOf('memory'), ROOT, 'oom');
  mkdirSync(group);
  writeFileSync(join(group, 'memory.limit_in_bytes'), '16M');
  const socket = await connect(url, { intervalMs: 1000, columns: ['pids'], subtree: ROOT });
  let told: ((at: number) => void) | undefined;
  socket.on('message', (data) => {
    if (/"kind":"oom_kill","cgroup":"[^"]*\/oom"/.test(toBuffer(data).toString())) told?.(clock());
  });
  await sleep(1000);
  const kills = new OutOfMemory(group);
  const times: number[] = [];
  for (let n = 0; n < KILLS; n++) {
    const at = new Promise<number>((resolve) => {
      told = resolve;
    });
    kills.cause();
    times.push((await at) - (await kills.signalled()));
    await sleep(50);
  }
  kills.close();
  socket.terminate();
  console.log(
    `From the kernel's notification of an OOM to the client that is told, in ms, of ${KILLS}: ${spread(times)}`,
  );
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    around.end();
    process.exit(130);
  });

try {
  around.makeGroups(GROUPS, BUSY, 0.5);
  const limits = ['--limit-streams', String(CLIENTS + 10), '--limit-connections', String(CLIENTS + 50)];
  const { pid, url } = await around.serve(...limits);
  await many(pid, url);
  await latency(url);
  await oom(url);
} finally {
  around.end();
}
