/** What the kernel enforces between groups, processes and hierarchies, each with what cgctl says of it. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { applySteps } from '../../src/control/apply.ts';
import { attach } from '../../src/control/attach.ts';
import { change } from '../../src/control/change.ts';
import { describeKnobs } from '../../src/control/describe.ts';
import { perform } from '../../src/control/mount.ts';
import { machineOf, parseSpec } from '../../src/control/spec.ts';
import { defaultRegistry as registry } from '../../src/controllers/index.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { childId, parentId, ROOT } from '../../src/hierarchy/id.ts';
import { idOfProcPath } from '../../src/hierarchy/layout.ts';
import { pidsOf, threadsOf } from '../../src/hierarchy/procs.ts';
import type { CgroupId, Hierarchy, Host } from '../../src/hierarchy/types.ts';
import { Sampler } from '../../src/monitor/sampler.ts';
import { parseProcCgroup, parseProcCgroups } from '../../src/parse/procfs.ts';
import type { PlanStep } from '../../src/protocol/plan.ts';
import { cgctl, output } from '../cli/support.ts';
import { projectRoot } from '../support/files.ts';
import { realKernel, spawnFor, spawnIdle, temporary, until } from '../support/host.ts';
import { absent, eventually, type Given, ownMachine, type TestGroup, testGroup } from './group.ts';

const SUBTREE_CONTROL = 'cgroup.subtree_control';
const NOBODY = 65534;

const words = (text = ''): string[] => text.split(/\s+/).filter(Boolean);

/** A controller of the unified hierarchy that is no threaded one, and a knob that needs it. */
interface Unified {
  readonly hierarchy: Hierarchy;
  readonly controller: string;
  readonly given: Given;
}

/** Nothing where the unified hierarchy has no controller. What the test enables in the root it takes away again. */
function unifiedOf(t: TestContext, { layout, reader, writer }: Host): Unified | undefined {
  const { unified } = layout;
  const offers: readonly (readonly [controller: string, given: Given])[] = [
    ['memory', { memory: '64m' }],
    ['hugetlb', { 'hugetlb-limit': ['2MB:4m'] }],
  ];
  const found = offers.find(([controller]) => unified?.controllers.includes(controller));
  if (unified === undefined || found === undefined) return undefined;
  const [controller, given] = found;
  const before = words(reader.tryRead(unified, ROOT, SUBTREE_CONTROL));
  // refused where another test has a group that uses it
  if (!before.includes(controller)) t.after(() => void writer?.write(unified, ROOT, SUBTREE_CONTROL, `-${controller}`));
  return { hierarchy: unified, controller, given };
}

const NO_CONTROLLER = 'there is no unified hierarchy with a controller';

/** Where a process is, by hierarchy. */
function placesOf(host: Host, pid: number): Map<string, CgroupId | undefined> {
  const lines = parseProcCgroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  return new Map(
    host.layout.hierarchies.map((h) => {
      const own = lines.filter((line) =>
        h.dialect === 'v2' ? line.hierarchy === 0 : line.controllers.join(',') === h.key,
      );
      assert.equal(own.length, 1, `${h.key} names one group`);
      return [h.key, idOfProcPath(h, own[0]?.path ?? '')];
    }),
  );
}

/** A process that was started a moment ago may still be on its way. */
const isIn = (host: Host, pid: number, id: CgroupId): Promise<unknown> =>
  eventually(
    async () => [...placesOf(host, pid)].filter(([, place]) => place !== id).join(' '),
    (elsewhere) => elsewhere === '',
  );

realKernel('v2: a group holds processes or hands controllers on, not both; what to do about it is said', async (t) => {
  const top = await testGroup(t);
  const { host } = top;
  const unified = unifiedOf(t, host);
  if (unified === undefined) return absent(t, NO_CONTROLLER, 'rule');
  const inside = await top.spawn('sleep', '100');
  await until(() => top.members().every((pids) => pids.includes(inside.pid)));
  const leaf = childId(top.id, 'leaf');
  await assert.rejects(top.child('child', unified.given), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /EBUSY: the group holds processes itself/);
    const way = `It holds ${inside.pid} (sleep); to make room: cgctl create ${leaf} && cgctl attach ${leaf} ${inside.pid}`;
    assert.ok(error.message.replace(/(?<=sleep), [SRD](?=\))/, '').includes(way), error.message);
    return true;
  });
  assert.deepEqual(host.reader.children(unified.hierarchy, top.id), [], 'everything was put back');
  // what was said helps
  await output(t, 'create', leaf);
  await output(t, 'attach', leaf, String(inside.pid));
  await top.child('child', unified.given);
  // and the other way round
  const outside = await spawnIdle(t);
  await assert.rejects(
    attach(host, registry, top.id, [outside.pid]),
    /EBUSY: a v2 group that enables controllers for its children holds no processes itself/,
  );
  assert.ok(!top.members().flat().includes(outside.pid), 'nor is it left in another hierarchy');
});

realKernel('v2: controllers are enabled from the top down and disabled from the bottom up', async (t) => {
  const top = await testGroup(t);
  const { host } = top;
  const unified = unifiedOf(t, host);
  if (unified === undefined) return absent(t, NO_CONTROLLER, 'rule');
  const { hierarchy, controller, given } = unified;
  const middle = await top.child('middle', {}, [hierarchy.key]);
  const step = (id: CgroupId, text: string): PlanStep => ({
    kind: 'enable',
    cgroup: id,
    hierarchy: hierarchy.key,
    file: SUBTREE_CONTROL,
    path: host.reader.path(hierarchy, id, SUBTREE_CONTROL),
    text,
    why: 'the kernel is asked out of order',
  });
  const ask = (id: CgroupId, text: string) => () => applySteps(host, registry, [step(id, text)], []);
  assert.throws(ask(middle.id, `+${controller}`), /ENOENT: the parent does not offer this controller/);
  // a plan has the order
  const request = { id: childId(middle.id, 'lowest'), values: parseSpec(registry, given, machineOf(host)).values };
  const { steps } = await change(host, registry, [{ ...request, create: true, controllers: [controller] }], {
    lock: { dir: temporary(t), timeout: 30, who: 'test' },
  });
  const enabled = steps.filter(({ kind }) => kind === 'enable').map(({ cgroup }) => cgroup);
  assert.deepEqual(enabled.slice(-2), [top.id, middle.id]);
  assert.throws(ask(top.id, `-${controller}`), /EBUSY: .*a child still uses what is taken away/);
  ask(middle.id, `-${controller}`)();
  ask(top.id, `-${controller}`)();
  assert.deepEqual(words(host.reader.read(hierarchy, top.id, SUBTREE_CONTROL)), []);
});

realKernel('a task is in one group of each hierarchy: attach moves it', async (t) => {
  const top = await testGroup(t);
  const [a, b] = [await top.child('a'), await top.child('b')];
  const { pid } = await a.spawn('sleep', '100');
  await isIn(top.host, pid, a.id);
  await output(t, 'attach', b.id, String(pid));
  await isIn(top.host, pid, b.id);
  assert.deepEqual(a.members().flat(), []);
  for (const members of b.members()) assert.deepEqual(members, [pid]);
});

realKernel('a child is born where its parent is, and stays when the parent is moved', async (t) => {
  const top = await testGroup(t);
  const [a, b] = [await top.child('a'), await top.child('b')];
  const file = join(temporary(t), 'pid');
  const parent = await a.sh(`sleep 100 & echo $! > ${file}; wait`);
  await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  const child = Number(readFileSync(file, 'utf8'));
  await isIn(top.host, child, a.id);
  await attach(top.host, registry, b.id, [parent.pid]);
  await isIn(top.host, parent.pid, b.id);
  await isIn(top.host, child, a.id);
});

/** One process of two threads. */
const THREADS = ['-Mthreads', '-e', 'threads->create(sub { sleep 100 }); sleep 100'];

realKernel('a thread goes to a group of its own, on v2 within a threaded subtree', async (t) => {
  const top = await testGroup(t);
  const { host } = top;
  const where = ['cpu', 'unified'];
  const whole = await top.child('whole', {}, where);
  const inner = await whole.child('threads', {}, where);
  const { reader } = host;
  const hasType = inner.lacks('core.type') === undefined;
  if (hasType) {
    await inner.set({ 'cgroup-type': 'threaded' });
    const [type] = describeKnobs(host, registry, inner.id, ['core.type']);
    assert.equal(type?.value, 'threaded');
  }
  const { pid } = await whole.spawn('perl', ...THREADS);
  const threads = (h: Hierarchy) => threadsOf(reader, h, whole.id).filter((tid) => tid !== pid);
  const [home] = reader.places(whole.id);
  assert.ok(home);
  const [tid = 0] = await eventually(
    async () => threads(home),
    (seen) => seen.length === 1,
  );
  await output(t, 'attach', inner.id, '--thread', String(tid));
  for (const h of reader.places(inner.id)) {
    assert.deepEqual(threadsOf(reader, h, inner.id), [tid], h.key);
    assert.deepEqual(threadsOf(reader, h, whole.id), [pid], h.key);
  }
  if (!hasType) return;
  const stranger = await spawnIdle(t);
  await assert.rejects(attach(host, registry, inner.id, [], [stranger.pid]), /EOPNOTSUPP/);
});

realKernel('v2: a partition takes its CPUs from the others, isolated or not, and gives them back', async (t) => {
  const group = await testGroup(t);
  const lacking = group.lacks('cpuset.partition');
  if (lacking) return absent(t, lacking, 'rule');
  const outside = await spawnIdle(t);
  const allowed = () =>
    /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync(`/proc/${outside.pid}/status`, 'utf8'))?.[1] ?? '';
  const [all, online] = [allowed(), group.host.topology().onlineCpus];
  const others = `0${online.length > 3 ? `,2-${online.at(-1)}` : ''}`;
  await group.set({ 'cpuset-cpus': '1' });
  for (const kind of ['root', 'isolated']) {
    const { steps } = await group.set({ 'cpuset-partition': kind });
    assert.deepEqual([steps.at(-1)?.got, steps.at(-1)?.adjusted], [kind, undefined]);
    assert.equal(allowed(), others, kind);
  }
  await group.set({ 'cpuset-partition': 'member' });
  assert.equal(allowed(), all);
  // a partition can only be below another one
  const child = await group.child('child', { 'cpuset-cpus': '1' });
  const refused = await child.set({ 'cpuset-partition': 'root' }).then(
    ({ steps }) => steps.at(-1)?.adjusted ?? '',
    (error: Error) => error.message,
  );
  assert.match(refused, /invalid|parent is not a partition root/);
});

ownMachine('v1: the release agent runs when a group becomes empty, once for each hierarchy', async (t) => {
  const group = await testGroup(t);
  const { host } = group;
  const v1 = host.layout.hierarchies.filter(({ dialect }) => dialect === 'v1');
  if (v1.length === 0) return absent(t, group.lacks('core.notify_on_release') ?? '', 'rule');
  const [agent, told] = [join(temporary(t), 'agent'), join(temporary(t), 'told')];
  writeFileSync(agent, `#!/bin/sh\necho "$1" >> ${told}\n`);
  chmodSync(agent, 0o755);
  const machine = (given: Given) =>
    change(host, registry, [{ id: ROOT, values: parseSpec(registry, given, machineOf(host)).values }], {
      lock: { dir: temporary(t), timeout: 30, who: 'test' },
      yes: true,
    });
  await machine({ 'release-agent': agent });
  await group.set({ 'notify-on-release': 'true' });
  const { exited } = await group.spawn('true');
  await exited;
  await eventually(
    async () => (existsSync(told) ? readFileSync(told, 'utf8') : ''),
    (seen) => seen === `${group.id}\n`.repeat(v1.length),
  );
  await machine({ 'release-agent': '' });
});

ownMachine('v1: what is attached cannot be mounted elsewhere', async (t) => {
  const { hierarchies } = openHost().layout;
  const [one, two] = hierarchies.filter((h) => h.dialect === 'v1' && h.controllers.length > 0);
  const where = join(temporary(t), 'elsewhere');
  if (one === undefined || two === undefined) {
    // all is kept for cgroup v2
    const [first] = parseProcCgroups(readFileSync('/proc/cgroups', 'utf8')).filter(({ enabled }) => enabled);
    const ran = await cgctl(t, ['hierarchy', 'mount', where, '--controllers', first?.name ?? '', '--yes']);
    assert.match(ran.err, /kept for cgroup v2 \(cgroup_no_v1=\)/);
    return;
  }
  const ran = await cgctl(t, ['hierarchy', 'mount', where, '--controllers', one.controllers[0] ?? '', '--yes']);
  assert.equal(ran.status, 6);
  assert.match(ran.err, /what is attached cannot be mounted elsewhere: unmount that one first \[BUSY\]/);
  assert.ok(!existsSync(where), 'nothing was done');
  // and the kernel says so itself, where two hierarchies would have to become one
  mkdirSync(where);
  const both = `${one.controllers[0]},${two.controllers[0]}`;
  const command = ['mount', '-t', 'cgroup', '-o', both, 'cgroup', where];
  await assert.rejects(perform([{ command, why: 'asked' }]), /: it is in use: by a process/);
});

ownMachine('a named hierarchy is made, listed, seen by who looks then, and ended', async (t) => {
  const early = new Sampler(openHost(), registry);
  t.after(() => early.close());
  const before = (await early.sample()).rows.length;
  const where = join(temporary(t), 'jobs');
  await output(t, 'hierarchy', 'mount', where, '--name', 'jobs', '--yes');
  assert.match(await output(t, 'hierarchy', 'ls'), new RegExp(`^name=jobs +v1 +${where}$`, 'm'));
  assert.match((await cgctl(t, ['hierarchy', 'mount', `${where}2`, '--name', 'jobs', '--yes'])).err, /BUSY/);

  const group = await testGroup(t);
  const key = 'name=jobs';
  const jobs = group.host.layout.hierarchies.find((h) => h.key === key);
  assert.ok(jobs);
  assert.ok(existsSync(join(where, group.id)), 'groups are made there too');
  const { pid } = await group.spawn('sleep', '100');
  await isIn(group.host, pid, group.id);
  assert.equal(await group.figure('processes'), 1);
  // who looked before goes on
  assert.ok((await early.sample()).rows.length > before);

  const busy = await cgctl(t, ['hierarchy', 'umount', 'jobs', '--yes']);
  assert.match(busy.err, new RegExp(`name=jobs has groups in it \\(${group.id.slice(1)}\\).*\\[BUSY\\]`));
  await output(t, 'rm', group.id, '--force');
  await output(t, 'hierarchy', 'umount', 'jobs', '--yes');
  assert.ok(!openHost().layout.hierarchies.some((h) => h.key === key));
  assert.ok((await early.sample()).rows.length > 0);
});

ownMachine('the unified hierarchy is mounted once, with its options', async (t) => {
  const { unified } = openHost().layout;
  const where = join(temporary(t), 'unified');
  const mount = ['hierarchy', 'mount', where, '--v2', '-o', 'nsdelegate', '--yes'];
  if (unified !== undefined) {
    assert.match((await cgctl(t, mount)).err, /unified is mounted at .*\[BUSY\]/);
    return;
  }
  await output(t, ...mount);
  const { layout } = openHost();
  assert.deepEqual([layout.mode, layout.unified?.mountPoint], ['hybrid', where]);
  assert.match(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${where} .* cgroup2 .*nsdelegate`));
  await output(t, 'hierarchy', 'umount', 'unified', '--yes');
  assert.equal(openHost().layout.unified, undefined);
});

/** Runs the built program as a user without rights, in a group where one is given. */
async function asNobody(t: TestContext, group: TestGroup | undefined, script: string): Promise<string> {
  const folder = temporary(t);
  chownSync(folder, NOBODY, NOBODY);
  const said = join(folder, 'said');
  const lines = [
    `exec > ${said} 2>&1`,
    `export XDG_RUNTIME_DIR=${folder}`,
    `cgctl() { ${process.execPath} ${join(projectRoot, 'bin/cgctl')} "$@"; echo "status $?"; }`,
    script,
  ];
  const command = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'sh', '-c', lines.join('\n')];
  const [program = '', ...args] = command;
  const { exited } = await (group?.spawn(program, ...args) ?? spawnFor(t, program, ...args));
  await exited;
  return readFileSync(said, 'utf8');
}

ownMachine('v2: a user without root works within a delegated subtree, and is told how to get one', async (t) => {
  const group = await testGroup(t);
  const { layout, reader } = group.host;
  const { unified } = layout;
  if (unified === undefined || layout.mode !== 'v2') return absent(t, 'v1 groups are not delegated', 'rule');
  const outside = await asNobody(t, undefined, `cgctl create ${childId(parentId(group.id) ?? ROOT, 'cgctl-nobody')}`);
  assert.match(
    outside,
    /EACCES: it is not yours to change; root hands a subtree over with "systemd-run .*Delegate=yes/,
  );
  assert.match(outside, /\[PERMISSION\]\n.*\nstatus 9\n/);

  for (const file of [undefined, 'cgroup.procs', SUBTREE_CONTROL, 'cgroup.threads'])
    chownSync(reader.path(unified, group.id, file), NOBODY, NOBODY);
  const [leaf, web] = [childId(group.id, 'leaf'), childId(group.id, 'web')];
  const inside = await asNobody(
    t,
    group,
    `echo "I am $$"; cgctl create ${web} -m 64m; cgctl create ${leaf}; cgctl attach ${leaf} $$; cgctl create ${web} -m 64m; cgctl get ${web} memory.max; cgctl attach ${web} 1`,
  );
  const pid = /^I am (\d+)$/m.exec(inside)?.[1];
  const way = `to make room: cgctl create ${leaf} && cgctl attach ${leaf} ${pid}`;
  assert.ok(inside.includes(way), inside);
  const statuses = [...inside.matchAll(/^status (\d+)$/gm)].map(([, status]) => Number(status));
  assert.deepEqual(statuses, [6, 0, 0, 0, 0, 9], inside);
  assert.equal(reader.read(unified, web, 'memory.max').trim(), String(64 * 2 ** 20));
  assert.match(inside, /the group that holds both is not yours to write/);
  assert.deepEqual(pidsOf(reader, unified, web), []);
});
