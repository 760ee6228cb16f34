import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_FAMILIES, REFUSED } from '../../src/controllers/cadvisor.ts';
import { cadvisorOf } from '../../src/controllers/derive.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { CadvisorNames, type Surroundings } from '../../src/exporters/cadvisor.ts';
import { pages } from '../../src/exporters/exposition.ts';
import type { View } from '../../src/exporters/view.ts';
import type { Snapshot } from '../../src/protocol/snapshot.ts';
import { keyedOf, rowsOf, snapshotOf } from '../monitor/support.ts';
import { fixture } from '../support/files.ts';
import { viewOf } from './support.ts';

const NO = Number.NaN;
const NONE = Number.POSITIVE_INFINITY;
const GIB = 2 ** 30;

/** `/`, `/docker`, and a container in it. */
const CONTAINER = `/docker/${'ab'.repeat(32)}`;
const rows = rowsOf('/docker', CONTAINER).map((row, at) => ({ ...row, parent: at - 1, depth: at }));

const v1: Snapshot = snapshotOf(
  rows,
  {
    cpu_usage_seconds_total: [100.5, 2.25, 2.000000001],
    cpu_throttled_seconds_total: [NO, 0, 0.75],
    cpu_shares: [NO, 1024, 512],
    cpu_period_seconds: [NO, 0.1, 0.1],
    cpu_quota_seconds: [NO, NONE, 0.025],
    memory_usage_bytes: [5 * GIB, 4096, 8192],
    memory_inactive_file_bytes: [GIB, 8192, 1024],
    memory_limit_bytes: [NO, NONE, GIB],
    memory_swap_limit_bytes: [NO, NONE, 2 * GIB],
    memory_reservation_bytes: [NO, NONE, NONE],
    memory_page_faults_total: [900, 90, 9],
    memory_major_page_faults_total: [9, 2, 1],
    memory_limit_hits_total: [NO, 0, 3],
    memory_oom_kills_total: [NO, 0, 1],
    pids: [NO, 3, 2],
    pids_limit: [NO, NONE, 100],
  },
  {
    keyed: new Map([
      ['cpu_percpu_usage_seconds_total', keyedOf([0, '0', 60], [0, '1', 40.5], [2, '0', 2], [2, '1', 1e-9])],
      ['io_read_bytes_total', keyedOf([0, 'vda', 7], [2, 'vda', 5], [2, '7:0', 1])],
      ['memory_numa_anon_bytes', keyedOf([1, '0', 4 * 4096], [2, '0', 3 * 4096])],
      ['hugetlb_limit_hits_total', keyedOf([2, '2MB', 1])],
    ]),
  },
);

const v2: Snapshot = snapshotOf(
  rows,
  {
    cpu_usage_seconds_total: [100.5, 2.25, 2],
    cpu_weight: [NO, 100, 39],
    memory_usage_bytes: [NO, 4096, 8192],
    memory_anon_bytes: [1000, 96, 92],
    memory_file_bytes: [500, 4000, 8000],
    memory_inactive_file_bytes: [400, 4000, 100],
    memory_swap_max_bytes: [NO, NONE, 0],
    memory_high_events_total: [NO, 2, 2],
    pressure_cpu_waiting_seconds_total: [1.5, 0.5, 0.25],
  },
  {
    keyed: new Map([
      ['memory_numa_anon_bytes', keyedOf([1, '0', 8192], [2, '0', 4096])],
      ['io_cost_usage_seconds_total', keyedOf([2, 'vda', 0.5])],
    ]),
  },
);

const absent = () => new Float64Array(rows.length).fill(NO);
const around: Surroundings = {
  machine: {
    cpus: 4,
    physicalCores: 2,
    sockets: 1,
    memoryBytes: 8 * GIB,
    swapBytes: 0,
    nodes: [
      { node: 0, memoryBytes: 5 * GIB, distances: [10, 21], hugepages: new Map([['2048', 3]]) },
      { node: 2, memoryBytes: 3 * GIB, distances: [21, 10], hugepages: new Map() },
    ],
    devices: new Map([['vda', '252:0']]),
    bootTime: 1_600_000_000,
  },
  processes: {
    descriptors: Float64Array.of(NO, NO, 12),
    sockets: Float64Array.of(NO, NO, 2),
    openFiles: Float64Array.of(NO, NO, 1024),
    network: new Map([
      [
        2,
        [
          {
            name: 'eth0',
            receive: { bytes: 1, packets: 2, errors: 3, dropped: 4 },
            transmit: { bytes: 5, packets: 6, errors: 7, dropped: 8 },
          },
        ],
      ],
    ]),
  },
  births: Float64Array.of(NO, 1_650_000_000.5, 1_660_000_000.25),
  pageSize: 4096,
  version: '1.2.3',
};

const names = () =>
  new CadvisorNames(defaultRegistry, (id) => ({ image: '', name: id === CONTAINER ? 'ab'.repeat(32) : '' }));

function cadvisors(view: View, given = around): string {
  const made = names();
  const text = Buffer.concat([...pages(made.families(view, given), made.subjects.audience(view), 'text')]).toString();
  // The machine that the test runs on.
  return text.replace(/kernelVersion="[^"]*",osVersion="[^"]*"/, 'kernelVersion="",osVersion=""');
}

test('v1, to the byte', () => {
  const dead = [{ id: '/docker/gone', stat: 'memory_oom_kills_total', value: 4 }];
  assert.equal(cadvisors(viewOf(v1, { perCpu: false }, { dead })), fixture('exporters/cadvisor-v1.prom'));
});

test('v2, to the byte', () => {
  const nothing = { descriptors: absent(), sockets: absent(), openFiles: absent(), network: new Map() };
  const given = { ...around, machine: undefined, processes: nothing };
  assert.equal(cadvisors(viewOf(v2), given), fixture('exporters/cadvisor-v2.prom'));
});

test('a total never stands beside its parts', () => {
  const cpus = (perCpu: boolean) =>
    [
      ...cadvisors(viewOf(v1, { perCpu })).matchAll(
        /^container_cpu_usage_seconds_total\{id="([^"]*)",.*cpu="(\w+)"\}/gm,
      ),
    ].map(([, id, cpu]) => `${id} ${cpu}`);
  assert.deepEqual(cpus(false), ['/ total', '/docker total', `${CONTAINER} total`]);
  // /docker has no figures of single CPUs here.
  assert.deepEqual(cpus(true), ['/docker total', '/ cpu00', '/ cpu01', `${CONTAINER} cpu00`, `${CONTAINER} cpu01`]);
});

test('every name of cAdvisor’s is served or refused, and none is both', () => {
  const served = new Set([
    ...defaultRegistry.allStats().flatMap(({ stat }) => cadvisorOf(stat).map(({ name }) => name)),
    ...Object.values(HOST_FAMILIES).map(({ name }) => name),
  ]);
  const refused = REFUSED.flatMap(({ names }) => names);
  assert.deepEqual(
    refused.filter((name) => served.has(name)),
    [],
  );
  const known = new Set([...served, ...refused]);
  const all = fixture('exporters/cadvisor-names.txt')
    .split('\n')
    .filter((name) => name !== '');
  assert.deepEqual(
    all.filter((name) => !known.has(name)),
    [],
  );
  assert.deepEqual(
    [...known].filter((name) => !all.includes(name)),
    [],
  );
});
