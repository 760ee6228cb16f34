/** A controller that no kernel has, put through every room: what appears follows from its declaration alone. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Dialect } from '../../src/controllers/controller.ts';
import { controllers } from '../../src/controllers/index.ts';
import { registry } from '../../src/controllers/registry.ts';
import { encodeHello } from '../../src/exporters/stream.ts';
import { CgroupReader } from '../../src/hierarchy/cgroupfs.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import type { Hierarchy, Host, Layout } from '../../src/hierarchy/types.ts';
import { CgroupWriter } from '../../src/hierarchy/writer.ts';
import { Sampler } from '../../src/monitor/sampler.ts';
import { describeRegistry } from '../../src/server/describe.ts';
import { cgctl } from '../cli/support.ts';
import { native, viewOf } from '../exporters/support.ts';
import { temporary } from '../support/host.ts';
import { tape } from '../support/made-up.ts';

const all = registry([...controllers, tape]);

/** Plain files stand in for the kernel: a write is not shortened, so each text is as long as what is written over it. */
const FILES: Readonly<Record<Dialect, Readonly<Record<string, string>>>> = {
  v1: {
    'tape.quota_m': '50\n',
    'tape.period_s': '60\n',
    'tape.speed': 'st0 10485760\n',
    'tape.hum': '0\n',
    'tape.rewind': '',
    'tape.read_bytes': 'st0 4096\nst1 8192\n',
    'tape.events': 'torn 0\n',
  },
  v2: {
    'cgroup.controllers': 'tape\n',
    'cgroup.events': 'populated 0\n',
    'tape.max': '50 60\n',
    'tape.speed.max': 'st0 rbps=10485760\n',
    'tape.rewind': '',
    'tape.stat': 'st0 rbytes=4096\nst1 rbytes=8192\n',
    'tape.events': 'torn 0\n',
  },
};

/** A host whose only hierarchy has the made-up controller, with one group, `/reels`. */
function machine(t: TestContext, dialect: Dialect): { host: Host; file(name: string): string } {
  const mountPoint = temporary(t);
  const group = join(mountPoint, 'reels');
  mkdirSync(group);
  writeFileSync(join(mountPoint, dialect === 'v1' ? 'cgroup.sane_behavior' : 'cgroup.controllers'), 'tape\n');
  for (const [name, text] of Object.entries(FILES[dialect])) writeFileSync(join(group, name), text);
  const hierarchy: Hierarchy = {
    key: dialect === 'v1' ? 'tape' : 'unified',
    dialect,
    mountPoint,
    root: parseCgroupId('/'),
    controllers: ['tape'],
    readOnly: false,
    device: statSync(mountPoint, { bigint: true }).dev,
  };
  const layout: Layout = { mode: dialect, hierarchies: [hierarchy], ...(dialect === 'v2' && { unified: hierarchy }) };
  const host = {
    ...openHost({ readOnly: true }),
    layout,
    reader: new CgroupReader(layout),
    writer: new CgroupWriter(() => undefined),
  };
  return { host, file: (name) => readFileSync(join(group, name), 'utf8') };
}

for (const dialect of ['v1', 'v2'] as const) {
  test(`flags: the made-up controller is set and shown on ${dialect}`, async (t) => {
    const { host, file } = machine(t, dialect);
    const run = (...argv: string[]) => cgctl(t, argv, { around: { registry: all, openHost: () => host } });

    const help = (await run('set', '--help')).out.replace(/\s+/g, ' ');
    assert.match(help, /tape: Tape drives --tape-quota <n> tape that the group may wind .* \[10\.\.100000 m or max\]/);
    const wrong = await run('set', '/reels', '--tape-quota', '5', '--tape-speed', 'st0');
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /--tape-quota: "5" is not 10\.\.100000 m or max/);
    assert.match(wrong.err, /--tape-speed: "st0" is not RESOURCE:VALUE such as st0:20m/);

    const set = await run('set', '/reels', '--tape-quota', '25', '--tape-speed', 'st0:20m');
    assert.equal(set.status, 0, set.err);
    if (dialect === 'v1') {
      assert.equal(file('tape.quota_m'), '25\n');
      assert.equal(file('tape.speed'), 'st0 20971520\n');
    } else {
      assert.equal(file('tape.max'), '25 60\n');
      assert.equal(file('tape.speed.max'), 'st0 rbps=20971520\n');
    }
    const shown = (await run('get', '/reels')).out;
    assert.match(shown, /^tape\.quota +.*25 +--tape-quota/m);
    assert.match(shown, /^tape\.speed +.*st0:20m +--tape-speed/m);
  });

  test(`metrics: the made-up controller is sampled and exported on ${dialect}`, async (t) => {
    const sampler = new Sampler(machine(t, dialect).host, all);
    t.after(() => sampler.close());
    const text = native(viewOf(await sampler.sample()), all);
    assert.match(text, /^# TYPE cgroup_tape_read_bytes_total counter$/m);
    assert.match(text, /^cgroup_tape_read_bytes_total\{cgroup="\/reels",resource="st1"\} 8192$/m);
    assert.match(text, /^cgroup_tape_quota\{cgroup="\/reels"\} 50$/m);
    assert.match(text, /^cgroup_tape_period_seconds\{cgroup="\/reels"\} 60$/m);
  });
}

test('a file that only v1 has is set there, and told to be missing on v2', async (t) => {
  const [v1, v2] = [machine(t, 'v1'), machine(t, 'v2')];
  const hum = (host: Host) =>
    cgctl(t, ['set', '/reels', '--tape-hum=on'], { around: { registry: all, openHost: () => host } });
  assert.equal((await hum(v1.host)).status, 0);
  assert.equal(v1.file('tape.hum'), '1\n');
  assert.match((await hum(v2.host)).err, /--tape-hum: v2’s motors are silent/);
});

test('the action is done', async (t) => {
  const { host, file } = machine(t, 'v1');
  const { status, err } = await cgctl(t, ['do', 'tape.rewind', '/reels'], {
    around: { registry: all, openHost: () => host },
  });
  assert.equal(status, 0, err);
  assert.equal(file('tape.rewind'), '1');
});

test('the API describes it, the page has its column', () => {
  const described = describeRegistry(all).controllers.find(({ name }) => name === 'tape');
  assert.deepEqual(
    described?.knobs.map(({ key }) => key),
    ['tape.quota', 'tape.period', 'tape.speed', 'tape.hum'],
  );
  assert.deepEqual(
    described?.actions.map(({ key }) => key),
    ['tape.rewind'],
  );
  assert.deepEqual(
    described?.events.map(({ name }) => name),
    ['tape_torn'],
  );
  assert.match(encodeHello(all, 'one').toString(), /"title":"Tape"/);
});
