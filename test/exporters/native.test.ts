import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { controller, counter, files, flat, gauge, nested, percpu, scalar } from '../../src/controllers/controller.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { registry } from '../../src/controllers/registry.ts';
import { EVERYTHING, type Policy } from '../../src/exporters/choice.ts';
import { Exporter, type Names } from '../../src/exporters/exporter.ts';
import { pages } from '../../src/exporters/exposition.ts';
import type { Labels } from '../../src/exporters/parts.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { EventEngine } from '../../src/monitor/events.ts';
import { Sampler } from '../../src/monitor/sampler.ts';
import { keyedOf, rowsOf, snapshotOf } from '../monitor/support.ts';
import { fixture } from '../support/files.ts';
import { cgroupMounts, needsRoot, scratch, testUnless } from '../support/host.ts';
import { native, viewOf } from './support.ts';

/** A controller that is none of the kernel's. */
const made = controller(() => ({
  name: 'made',
  summary: 'Made up',
  v1: 'made',
  v2: 'made',
  doc: 'none',
  stats: [
    gauge('made_bytes', 'bytes', 'Bytes, up and down', { v1: scalar('made.bytes') }),
    counter('made_seconds_total', 'seconds', 'Seconds \\ "in all"', { v1: flat('made.stat', 'time', { per: 1e9 }) }),
    counter('made_read_bytes_total', 'bytes', 'Read from a device', {
      v2: nested('made.io', 'rbytes'),
      label: 'device',
    }),
    gauge('made_pages', 'count', 'Of each size', { v1: files('made.{key}.pages'), label: 'pagesize' }),
    counter('made_cpu_seconds_total', 'seconds', 'On each CPU', { v1: percpu('made.cpus'), label: 'cpu' }),
    gauge('made_elsewhere', 'count', 'Not on this host', { v2: scalar('made.elsewhere') }),
  ],
}));

test('a small snapshot, to the byte', () => {
  const rows = rowsOf('/web', '/odd "name\\');
  const snapshot = snapshotOf(
    rows,
    { made_bytes: [Number.NaN, 4096, Number.POSITIVE_INFINITY], made_seconds_total: [1.5, 0, 1e-9] },
    {
      keyed: new Map([
        ['made_read_bytes_total', keyedOf([0, 'vda', 7], [1, 'vda', 5], [1, 'vdb', 2 ** 53])],
        ['made_pages', keyedOf([1, '2MB', 1], [1, '', 3])],
      ]),
    },
  );
  const view = viewOf(
    snapshot,
    {},
    {
      events: [
        { kind: 'made_up', cgroup: '/web', count: 2 },
        { kind: 'made_up', cgroup: '/gone', count: 3 },
        { kind: 'made_up', cgroup: 'unattributed', count: 1 },
      ],
      dead: [{ id: '/gone', stat: 'made_seconds_total', value: 2 }],
    },
  );
  const identity = (id: string): Labels => (id === '/web' ? { name: 'web' } : {});
  assert.equal(native(view, registry([made]), identity), fixture('exporters/native.prom'));
  assert.equal(native(view, registry([made]), identity, 'openmetrics'), fixture('exporters/native.om'));
});

test('what the operator leaves out', () => {
  const rows = rowsOf('/web');
  const snapshot = snapshotOf(
    rows,
    { made_bytes: [1, 2] },
    {
      keyed: new Map([
        ['made_read_bytes_total', keyedOf([1, 'vda', 5], [1, 'vdb', 7])],
        ['made_cpu_seconds_total', keyedOf([1, '0', 5], [1, '1', 7])],
      ]),
    },
  );
  const lines = (policy: Partial<Policy>) =>
    native(viewOf(snapshot, policy), registry([made]))
      .split('\n')
      .filter((line) => line.startsWith('cgroup_made'));
  assert.deepEqual(lines({}), [
    'cgroup_made_bytes{cgroup="/"} 1',
    'cgroup_made_bytes{cgroup="/web"} 2',
    'cgroup_made_read_bytes_total{cgroup="/web",device="vda"} 5',
    'cgroup_made_read_bytes_total{cgroup="/web",device="vdb"} 7',
    'cgroup_made_cpu_seconds_total{cgroup="/web",cpu="0"} 5',
    'cgroup_made_cpu_seconds_total{cgroup="/web",cpu="1"} 7',
  ]);
  assert.deepEqual(lines({ perCpu: false, perDevice: false, exclude: [(id) => id === '/'] }), [
    'cgroup_made_bytes{cgroup="/web"} 2',
    'cgroup_made_read_bytes_total{cgroup="/web"} 12',
  ]);
  assert.deepEqual(lines({ skip: ['made'] }), []);
  assert.deepEqual(lines({ collect: ['other'] }), []);
});

/** What promtool finds in cAdvisor's names, and none of ours can change. */
const CADVISORS_OWN = [
  "cadvisor_version_info label names should be written in 'snake_case' not 'camelCase'",
  'container_hugetlb_failcnt counter metrics should have "_total" suffix',
  'container_memory_failcnt counter metrics should have "_total" suffix',
  'machine_node_hugepages_count non-histogram and non-summary metrics should not have "_count" suffix',
];

const promtool = spawnSync('promtool', ['--version']).error === undefined;
testUnless(
  needsRoot() ?? (promtool ? undefined : 'no promtool'),
  'promtool finds nothing to complain of on this machine',
  async (t) => {
    const { path } = scratch(t);
    for (const { point } of cgroupMounts()) mkdirSync(join(point, path));
    const host = openHost({ readOnly: true });
    const sampler = new Sampler(host, defaultRegistry);
    const events = new EventEngine(host, defaultRegistry, { tree: sampler.tree });
    t.after(async () => {
      await events.close();
      await sampler.close();
    });
    await events.start();
    const exporter = new Exporter({
      registry: defaultRegistry,
      host,
      version: '0',
      events: () => events.totals(),
      onError: (error) => assert.fail(String(error)),
    });
    const { choice } = viewOf(await sampler.sample());
    const expose = async (names: Names) => {
      const { families, audience } = await exporter.expose(names, await sampler.sample(), choice, EVERYTHING, 1000);
      return Buffer.concat([...pages(families, audience, 'text')]).toString();
    };
    const check = (input: string) => spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    const written = await expose('native');
    const { status, stdout, stderr } = check(written);
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });

    const cadvisors = await expose('cadvisor');
    const complaints = check(cadvisors)
      .stderr.split('\n')
      .filter((line) => line !== '');
    assert.deepEqual(
      complaints.filter((line) => !CADVISORS_OWN.includes(line)),
      [],
    );
    assert.match(cadvisors, /^container_last_seen\{id="\/",image="",name=""\} \d+$/m);
    const lines = written.split('\n');
    assert.ok(lines.some((line) => line.startsWith('cgroup_info{cgroup="/",')));
    assert.ok(lines.some((line) => line.startsWith(`cgroup_processes{cgroup="${path}"} 0`)));
  },
);
