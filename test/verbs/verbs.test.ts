import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { TestContext } from 'node:test';
import { withLock } from '../../src/control/lock.ts';
import { controller, knob } from '../../src/controllers/controller.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { registry } from '../../src/controllers/registry.ts';
import { ERRORS } from '../../src/errors.ts';
import { cgctl, json, output } from '../cli/support.ts';
import { directoriesOf, mountOf, realKernel, scratch, spawnIdle, temporary } from '../support/host.ts';

/** A group of the test's own, named as people would: by the end of its path. */
async function made(t: TestContext, ...flags: string[]) {
  const { path } = scratch(t);
  await output(t, 'create', path, ...flags);
  return { path, name: basename(path) };
}
const fileOf = (hierarchy: string, path: string, file: string) =>
  readFileSync(`${mountOf(hierarchy)}${path}/${file}`, 'utf8').trim();

realKernel(
  'set with many flags writes them all, get shows what was asked and what is, twice the same changes nothing',
  async (t) => {
    const { path, name } = await made(t);
    const flags = [
      '-c',
      '512',
      '-m256m',
      '--memory-swap',
      '512m',
      '--cpus',
      '1.5',
      '--cpuset-cpus',
      '0',
      '--cpuset-mems',
      '0',
      '--pids-limit',
      '200',
    ];
    await output(t, 'set', name, ...flags);
    assert.equal(fileOf('cpu', path, 'cpu.shares'), '512');
    assert.equal(fileOf('cpu', path, 'cpu.cfs_quota_us'), '150000');
    assert.equal(fileOf('memory', path, 'memory.memsw.limit_in_bytes'), String(512 * 2 ** 20));
    assert.equal(fileOf('cpuset', path, 'cpuset.cpus'), '0');
    assert.equal(fileOf('pids', path, 'pids.max'), '200');

    const { knobs } = (await json(t, 'get', name)) as { knobs: Record<string, { value: unknown; asked?: unknown }> };
    assert.equal(knobs['cpu.shares']?.value, 512);
    assert.equal(knobs['memory.max']?.value, 256 * 2 ** 20);
    assert.match(
      await output(t, 'get', name, 'cpu-shares', 'memory.max'),
      /^KNOB .*\ncpu\.shares .* 512 .*\nmemory\.max .* 256m /,
    );
    assert.match(await output(t, 'set', name, ...flags), /nothing to change/);
  },
  ['cpu', 'memory', 'cpuset', 'pids'],
);

realKernel(
  'a dry run shows every write in order and touches nothing; a relative value starts from what is there',
  async (t) => {
    const { path, name } = await made(t, '--cpu-shares', '1000');
    const out = await output(t, 'update', name, '--cpu-shares', '+10%', '--pids-limit', '5', '--dry-run');
    assert.match(out, new RegExp(`^1  \\S+${path}/cpu\\.shares  1000 → 1100 .*\n2  \\S+${path}/pids\\.max  +max → 5 `));
    assert.equal(fileOf('cpu', path, 'cpu.shares'), '1000');
    const plan = (await json(t, 'set', name, '--cpu-shares', '-10%', '--dry-run')) as {
      dryRun: boolean;
      steps: { text: string }[];
    };
    assert.equal(plan.dryRun, true);
    assert.deepEqual(
      plan.steps.map(({ text }) => text),
      ['900'],
    );
  },
  ['cpu', 'pids'],
);

realKernel(
  'what the kernel refuses, validation having passed, leaves all as before',
  async (t) => {
    const { path, name } = await made(t, '--cpu-shares', '700', '--cpuset-cpus', '0-1');
    await output(t, 'create', `${path}/child`, '--cpuset-cpus', '0-1');
    const { status, err } = await cgctl(t, [
      'set',
      name,
      '--cpu-shares',
      '77',
      '--pids-limit',
      '5',
      '--cpuset-cpus',
      '0',
    ]);
    assert.equal(status, ERRORS.KERNEL.exit);
    assert.match(err, /cpuset\.cpus.*EBUSY: a child uses what would be taken away.*\[KERNEL\]/);
    assert.equal(fileOf('cpu', path, 'cpu.shares'), '700');
    assert.equal(fileOf('pids', path, 'pids.max'), 'max');
    assert.equal(fileOf('cpuset', path, 'cpuset.cpus'), '0-1');
  },
  ['cpu', 'pids', 'cpuset'],
);

realKernel(
  'what cannot be undone needs consent: a flag’s, or a terminal’s',
  async (t) => {
    const { path } = await made(t);
    const argv = ['set', path, '--device-deny', 'c 1:3 w'];
    const { status, err } = await cgctl(t, argv);
    assert.equal(status, ERRORS.CONSENT.exit);
    assert.match(err, /cannot be undone.*CONSENT.*--yes/s);
    assert.match(fileOf('devices', path, 'devices.list'), /^a /);
    assert.equal((await cgctl(t, argv, { answer: true })).status, 0);
    assert.equal((await cgctl(t, [...argv, '--yes'])).status, 0);
  },
  ['devices'],
);

realKernel(
  'a change waits for another one, and says for which',
  async (t) => {
    const { path } = await made(t);
    const dir = temporary(t);
    const around = { env: { CGCTL_LOCK_DIR: dir } };
    const argv = ['set', path, '--pids-limit', '5', '--lock-timeout', '0s'];
    await withLock({ dir, timeout: 0, who: 'somebody else' }, async () => {
      const { status, err } = await cgctl(t, argv, { around });
      assert.equal(status, ERRORS.LOCKED.exit);
      assert.match(err, /somebody else/);
      assert.equal((await cgctl(t, [...argv, '--dry-run'], { around })).status, 0);
    });
    assert.equal((await cgctl(t, argv, { around })).status, 0);
    assert.equal((await cgctl(t, [...argv, '--lock-timeout', '5x'], { around })).status, 2);
  },
  ['pids'],
);

realKernel('create makes a group once, and not at all when a part of it is refused', async (t) => {
  const { path, name } = await made(t, '--parent', '/ignored-for-absolute-ids');
  assert.ok(directoriesOf(path).length > 0);
  assert.equal((await cgctl(t, ['create', path])).status, 1);
  await output(t, 'create', 'child', '--parent', path);
  assert.deepEqual(directoriesOf(`${path}/child`).length, directoriesOf(path).length);
  assert.equal((await cgctl(t, ['create', `${path}/bad`, '--cpu-shares', '1x'])).status, 2);
  assert.equal((await cgctl(t, ['create', `${path}/bad`, '--dry-run'])).status, 0);
  assert.deepEqual(directoriesOf(`${path}/bad`), []);
  assert.equal((await cgctl(t, ['create', 'x', '--controllers', 'nothing'])).status, 2);
  assert.match(await output(t, 'ls', '-r', name), new RegExp(`^CGROUP .*\n${path} +0 .*\n${path}/child +0 `));
});

realKernel('hostile names', async (t) => {
  const { path } = await made(t);
  const long = 'x'.repeat(255);
  await output(t, 'create', '--parent', path, '--', '-dash', long);
  assert.equal(directoriesOf(`${path}/-dash`).length, directoriesOf(path).length);
  assert.match(await output(t, 'get', '--', `${path}/-dash`), /KNOB/);
  for (const bad of ['..', `${path}/../x`, 'a\nb', 'a\x1bb', `${long}y`, '']) {
    const { status, err } = await cgctl(t, ['create', '--parent', path, '--', bad]);
    assert.equal(status, 2, JSON.stringify(bad));
    assert.doesNotMatch(err, /\x1b/);
    assert.equal((await cgctl(t, ['get', '--', bad])).status, 2, JSON.stringify(bad));
  }
});

realKernel('ids that are nothing, or several things', async (t) => {
  const { path, name } = await made(t);
  assert.equal((await cgctl(t, ['get', 'no-such-group'])).status, 3);
  await output(t, 'create', `${path}/a/twin`, `${path}/b/twin`);
  const { status, err } = await cgctl(t, ['get', `twin`]);
  assert.equal(status, 4);
  assert.ok(err.includes(`${path}/a/twin`) && err.includes(`${path}/b/twin`));
  assert.match(await output(t, 'get', 'a/twin', 'cpu.shares'), /cpu\.shares/);
  assert.match(await output(t, 'tree', name), /├─ a .*\n│ {2}└─ twin.*\n└─ b.*\n {3}└─ twin/);
});

realKernel(
  'do lists actions and does one',
  async (t) => {
    const { name } = await made(t);
    assert.match(await output(t, 'do'), /^memory\.force_empty /m);
    assert.match(await output(t, 'do', 'memory.force_empty', name), /→ 0 /);
    const { status, err } = await cgctl(t, ['do', 'memory.force_emtpy']);
    assert.equal(status, 2);
    assert.match(err, /did you mean memory\.force_empty\?\n {2}<id> is missing/);
    assert.equal((await cgctl(t, ['do', 'memory.force_empty', name, '5'])).status, 2);
  },
  ['memory'],
);

realKernel('pid:N is the group of a process, which ls counts', async (t) => {
  const { path } = await made(t);
  const { pid } = await spawnIdle(t);
  await output(t, 'attach', path, String(pid));
  assert.match(await output(t, 'ls', `pid:${pid}`), new RegExp(`^${path} +1 `, 'm'));
});

realKernel('stats has docker’s columns, and as JSON a figure for each', async (t) => {
  const { path, name } = await made(t);
  const table = await output(t, 'stats', name, '--no-stream', '-i', '200ms');
  assert.match(table, new RegExp(`^CGROUP +CPU % +MEM USAGE / LIMIT +MEM % +BLOCK I/O +PIDS\n${path} +0\\.00% `));
  const [row] = (await json(t, 'stats', name, '--no-stream', '-i', '200ms')) as { id: string; cpuPercent: number }[];
  assert.equal(row?.id, path);
  assert.equal(row?.cpuPercent, 0);
  assert.equal((await cgctl(t, ['stats', '-i', '1ms'])).status, 2);
});

realKernel(
  'events tells what the kernel counted',
  async (t) => {
    const { path, name } = await made(t, '-m', '16m');
    assert.equal(await output(t, 'events', name), 'nothing has happened yet\n');
    assert.equal((await cgctl(t, ['run', path, '--', 'tail', '/dev/zero'])).status, 137);
    assert.match(await output(t, 'events', name), new RegExp(`^CGROUP .*\n${path} +oom_kill +1$`, 'm'));
    const logged = await output(t, 'events', name, '--since', '10m', '--type', 'oom_kill,pids_max', '--json');
    // The kernel leaves the group out when there are many kills.
    if (logged === '') return t.diagnostic('the kernel’s log does not name the group');
    const { kind, cgroup, details } = JSON.parse(logged);
    assert.deepEqual([kind, cgroup, details.victim], ['oom_kill', path, 'tail']);
  },
  ['memory'],
);

realKernel('what cannot be asked of events is said', async (t) => {
  for (const args of [
    ['--type', 'nonsense'],
    ['--type', 'oom_kill'],
    ['--threshold', 'memory.usage >= 1'],
    ['-f', '--threshold', 'memory.usage > 1'],
    ['--since', 'yesterday'],
  ])
    assert.equal((await cgctl(t, ['events', ...args])).status, 2, args.join(' '));
});

realKernel('info tells where every controller is, or why it is not', async (t) => {
  const facts = (await json(t, 'info')) as {
    mode: string;
    controllers: { name: string; places: string[]; absent?: string }[];
  };
  assert.match(facts.mode, /^(v1|v2|hybrid)$/);
  assert.deepEqual(
    facts.controllers.map(({ name }) => name),
    defaultRegistry.controllers.map(({ name }) => name),
  );
  for (const { places, absent } of facts.controllers) assert.equal(places.length === 0, absent !== undefined);
  assert.match(await output(t, 'info'), /^Controllers\n/m);
});

realKernel('explain knows flags, knobs, metrics, actions, controllers and error codes', async (t) => {
  const out = await output(
    t,
    'explain',
    '--cpus',
    'cpu-shares',
    'memory.swap',
    'cgroup_memory_usage_bytes',
    'memory.reclaim',
    'pids',
    'kernel',
  );
  for (const title of [
    '--cpus',
    'cpu.shares  -c, --cpu-shares',
    'memory.swap  --memory-swap',
    'cgroup_memory_usage_bytes',
    'memory.reclaim',
    'pids',
    'KERNEL',
  ])
    assert.ok(out.split('\n').includes(title), title);
  const { status, err } = await cgctl(t, ['explain', 'memory.swop']);
  assert.equal(status, 2);
  assert.match(err, /did you mean memory\.swap\?/);
});

realKernel(
  'a controller that is added brings its flags, words and settings',
  async (t) => {
    const { path } = await made(t);
    const toy = controller(() => ({
      name: 'toy',
      summary: 'A made-up controller',
      v1: 'pids',
      v2: 'pids',
      doc: 'none',
      knobs: {
        most: knob<number>({
          flag: '--toy-most',
          type: { kind: 'int', min: 1, max: 9, unit: 'toys', unlimited: true },
          help: 'how many toys',
          scope: 'not-root',
          v1: { file: 'pids.max', unlimited: 'max' },
          v2: { file: 'pids.max' },
        }),
      },
    }));
    const around = { registry: registry([toy]) };
    assert.match(
      (await cgctl(t, ['set', '--help'], { around })).out,
      /^toy: A made-up controller\n {2}--toy-most <n> .*1\.\.9 toys or max/m,
    );
    assert.equal((await cgctl(t, ['set', path, '--toy-most', '10'], { around })).status, 2);
    assert.equal((await cgctl(t, ['set', path, '--toy-most', '7'], { around })).status, 0);
    assert.match((await cgctl(t, ['get', path], { around })).out, /^toy\.most +7 +7 +--toy-most /m);
    assert.match((await cgctl(t, ['explain', 'toy.most'], { around })).out, /1\.\.9 toys or max/);
  },
  ['pids'],
);
