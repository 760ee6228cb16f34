/** What it costs to write an exposition, beside prom-client's own, in the same run; and how long the event loop waits meanwhile. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, Registry } from 'prom-client';
import { controller, counter, gauge, nested, scalar } from '../src/controllers/controller.ts';
import { registry } from '../src/controllers/registry.ts';
import { budgeted, Choice, EVERYTHING } from '../src/exporters/choice.ts';
import { pages, release } from '../src/exporters/exposition.ts';
import { NativeNames } from '../src/exporters/native.ts';
import type { View } from '../src/exporters/view.ts';
import { Slices } from '../src/monitor/pause.ts';
import type { Row, Snapshot } from '../src/protocol/snapshot.ts';
import { median } from './figures.ts';

/** Kinds of figures as a host has them: of 50 stats of a group, 40 are plain and two come for each of five devices. */
const PLAIN = 40;
const KEYED = 2;
const DEVICES = ['vda', 'vdb', 'vdc', 'nvme0n1', 'dm-0'];
const SERIES_A_GROUP = PLAIN + KEYED * DEVICES.length;
/** Before the first that count. */
const WARM = 10;
/** prom-client takes seconds at the larger size. */
const RUNS = new Map([
  [100_000, { ours: 60, theirs: 10 }],
  [600_000, { ours: 20, theirs: 4 }],
]);
const MS = 1e3;

const names = (count: number, suffix: string) => Array.from({ length: count }, (_, at) => `figure_${at}_${suffix}`);
const made = registry([
  controller(() => ({
    name: 'made',
    summary: 'Made up',
    v2: 'made',
    doc: 'none',
    stats: [
      ...names(PLAIN / 2, 'bytes').map((name) => gauge(name, 'bytes', 'Bytes', { v2: scalar('made') })),
      ...names(PLAIN / 2, 'seconds_total').map((name) => counter(name, 'seconds', 'Seconds', { v2: scalar('made') })),
      ...names(KEYED, 'read_bytes_total').map((name) =>
        counter(name, 'bytes', 'Bytes of a device', { v2: nested('made.io', 'r'), label: 'device' }),
      ),
    ],
  })),
]);

/** Figures of all sizes: zeros, small counts, gigabytes, seconds to the nanosecond and to the microsecond. */
function figure(seed: number): number {
  const random = Math.abs(Math.sin(seed) * 1e4) % 1;
  const kinds = [0, Math.floor(random * 1000), Math.floor(random * 64) * 4096, Math.floor(random * 2 ** 33)];
  const seconds = [Math.floor(random * 1e13) / 1e9, Math.floor(random * 1e10) / 1e6];
  return [...kinds, ...seconds][seed % 6] ?? 0;
}

function snapshotWith(series: number): Snapshot {
  const groups = Math.floor(series / SERIES_A_GROUP);
  const rows: Row[] = Array.from({ length: groups }, (_, at) => ({
    id:
      at === 0
        ? '/'
        : `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${(at * 7919).toString(16)}.slice/cri-${at}`,
    generation: String(at),
    parent: at === 0 ? -1 : 0,
    depth: at === 0 ? 0 : 4,
  }));
  const columns = new Map<string, Float64Array>();
  const keyed = new Map<string, { row: Int32Array; label: string[]; value: Float64Array }>();
  for (const [at, { stat }] of made.allStats().entries()) {
    if (stat.label === undefined) {
      columns.set(
        stat.name,
        Float64Array.from({ length: groups }, (_, row) => figure(row * 50 + at)),
      );
      continue;
    }
    const length = groups * DEVICES.length;
    keyed.set(stat.name, {
      row: Int32Array.from({ length }, (_, entry) => Math.floor(entry / DEVICES.length)),
      label: Array.from({ length }, (_, entry) => DEVICES[entry % DEVICES.length] ?? ''),
      value: Float64Array.from({ length }, (_, entry) => figure(entry + at)),
    });
  }
  const none = { rates: new Map(), errors: new Map(), staleness: new Float64Array(rows.length) };
  return { seq: 1, time: 0, monotonic: 0, durationSeconds: 0, rows, columns, keyed, ...none };
}

const choice = new Choice({
  include: [],
  exclude: [],
  depth: Number.POSITIVE_INFINITY,
  groups: 'all',
  collect: [],
  skip: ['info', 'events'],
  perCpu: true,
  perDevice: true,
  series: 10_000_000,
});

/** All that a scrape does between a snapshot and the socket. */
function* render(native: NativeNames, snapshot: Snapshot): Generator<Buffer> {
  const view: View = { snapshot, choice, wish: EVERYTHING, events: [], dead: [] };
  const families = [...native.families(view)];
  const { audience } = budgeted(families, snapshot.rows, native.subjects.audience(view), choice.policy.series);
  yield* pages(families, audience, 'text');
}

/** The same series in prom-client. */
function promClient({ rows, columns, keyed }: Snapshot): Registry {
  const all = new Registry();
  const registers = [all];
  for (const [name, values] of columns) {
    const own = new Gauge({ name: `cgroup_${name}`, help: 'Figure', labelNames: ['cgroup'], registers });
    for (const [at, { id }] of rows.entries()) own.set({ cgroup: id }, values[at] ?? 0);
  }
  for (const [name, { row, label, value }] of keyed) {
    const own = new Gauge({ name: `cgroup_${name}`, help: 'Figure', labelNames: ['cgroup', 'device'], registers });
    for (const [at, device] of label.entries())
      own.set({ cgroup: rows[row[at] ?? 0]?.id ?? '', device }, value[at] ?? 0);
  }
  return all;
}

interface Times {
  readonly cpu: number[];
  readonly wall: number[];
}

/** CPU of this thread's process and wall clock of each run, in ms. */
async function measure(runs: number, work: () => unknown): Promise<Times> {
  const times: Times = { cpu: [], wall: [] };
  for (let run = 0; run < runs; run++) {
    const [cpu, wall] = [process.cpuUsage(), performance.now()];
    await work();
    times.wall.push(performance.now() - wall);
    const { user, system } = process.cpuUsage(cpu);
    times.cpu.push((user + system) / MS);
  }
  return times;
}

function tell(name: string, series: number, { cpu, wall }: Times): void {
  const each = (ms: number) => ((ms * MS) / series).toFixed(3);
  console.log(
    `${name.padEnd(23)} ${each(median(cpu)).padStart(7)} µs a series (CPU, median; ${each(Math.min(...cpu))} to ${each(Math.max(...cpu))})   ${median(wall).toFixed(1).padStart(8)} ms wall`,
  );
}

for (const [series, runs] of RUNS) {
  const snapshot = snapshotWith(series);
  const count = snapshot.rows.length * SERIES_A_GROUP;
  const native = new NativeNames(made);
  let bytes = 0;
  const write = () => {
    bytes = 0;
    for (const page of render(native, snapshot)) {
      bytes += page.length;
      release(page);
    }
  };
  const cold = await measure(1, write);
  await measure(WARM, write);
  const ours = await measure(runs.ours, write);
  console.log(`\n${count} series, ${snapshot.rows.length} groups, ${(bytes / 2 ** 20).toFixed(1)} MiB`);
  tell('cgctl', count, ours);
  tell('cgctl, the first time', count, cold);
  const client = promClient(snapshot);
  const theirs = await measure(runs.theirs, () => client.metrics());
  client.clear();
  tell('prom-client', count, theirs);
  console.log(`prom-client takes ${(median(theirs.cpu) / median(ours.cpu)).toFixed(1)} times as much CPU`);

  const delay = monitorEventLoopDelay({ resolution: 1 });
  const slices = new Slices();
  delay.enable();
  for (const page of render(native, snapshot)) {
    release(page);
    if (slices.due()) await slices.pause();
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  console.log(
    `longest wait of the event loop while a page after the other is written: ${(delay.max / 1e6).toFixed(1)} ms`,
  );
}
