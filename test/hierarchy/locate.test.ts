import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Controller, controller, knob, scalar } from '../../src/controllers/controller.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { childId, parseCgroupId, ROOT } from '../../src/hierarchy/id.ts';
import { detectLayout } from '../../src/hierarchy/layout.ts';
import { candidates, type Item, isRootGroup, keysOf, type Located, pick } from '../../src/hierarchy/locate.ts';
import type { CgroupId, Layout, Reader } from '../../src/hierarchy/types.ts';
import { fixture } from '../support/files.ts';
import { realKernel, scratch } from '../support/host.ts';

const declare = (rest: Partial<Pick<Controller, 'v1' | 'v2' | 'prefer' | 'unsupported'>> = {}) =>
  controller(() => ({ name: 'made', summary: '', doc: '', v1: 'cpu', v2: 'cpu', ...rest, knobs: {} }))();
const both = { v1: { file: 'made.v1' }, v2: { file: 'made.v2' } };

/** What the unified hierarchy offers is given; the rest is a captured host. */
const layoutOf = (name: string, offers = ''): Layout =>
  detectLayout({ mountinfo: fixture(`hierarchy/mountinfo/${name}`), rootControllers: () => offers });

/** `dialect file @ hierarchies`, in order. */
function found(layout: Layout, of: Controller, item: Item<Located>): string[] {
  return candidates(layout, of, item).map(
    ({ dialect, slot, hierarchies }) => `${dialect} ${slot.file} @ ${hierarchies.map(({ key }) => key).join(' ')}`,
  );
}

test('a source is looked for where its controller is mounted', () => {
  assert.deepEqual(found(layoutOf('hybrid'), declare(), both), ['v1 made.v1 @ cpu']);
  assert.deepEqual(found(layoutOf('systemd'), declare(), both), ['v1 made.v1 @ cpu,cpuacct']);
  assert.deepEqual(found(layoutOf('v2', 'cpu'), declare(), both), ['v2 made.v2 @ unified']);
  assert.deepEqual(found(layoutOf('v2', 'memory'), declare(), both), []);
  assert.deepEqual(found(layoutOf('hybrid', 'rdma'), declare({ v1: 'rdma', v2: 'rdma' }), both), [
    'v2 made.v2 @ unified',
  ]);
});

test('core files are in the unified hierarchy without a controller; every v1 hierarchy has its own', () => {
  const core = declare({ v1: 'every', v2: 'core' });
  const all = 'cpu cpuacct cpuset memory devices freezer blkio pids name=systemd';
  assert.deepEqual(found(layoutOf('hybrid'), core, both), [`v1 made.v1 @ ${all}`, 'v2 made.v2 @ unified']);
  assert.deepEqual(found(layoutOf('hybrid'), declare({ prefer: 'v2', v1: 'every', v2: 'core' }), both), [
    'v2 made.v2 @ unified',
    `v1 made.v1 @ ${all}`,
  ]);
  const elsewhere = { v1: [scalar('b', { in: 'cpuacct' }), scalar('a')], v2: scalar('c', { in: 'core' }) };
  assert.deepEqual(found(layoutOf('hybrid'), declare(), elsewhere), ['v1 b @ cpuacct', 'v1 a @ cpu', 'v2 c @ unified']);
});

test('a controller’s name stands in for its subsystem', () => {
  const plain = controller(() => ({ name: 'memory', summary: '', doc: '' }))();
  assert.deepEqual(found(layoutOf('hybrid'), plain, both), ['v1 made.v1 @ memory']);
  assert.deepEqual(found(layoutOf('v2', 'memory'), plain, both), ['v2 made.v2 @ unified']);
});

/** The groups `/` and `/web` with these files in every hierarchy. */
function reader(layout: Layout, files: readonly string[], rootFiles = files): Reader {
  const of = (id: CgroupId) => (id === ROOT ? [...rootFiles, 'cgroup.sane_behavior'] : [...files, 'cgroup.events']);
  const exists = (id: CgroupId) => id === ROOT || id === '/web';
  return {
    layout,
    places: (id) => (exists(id) ? layout.hierarchies : []),
    exists: (_, id) => exists(id),
    children: () => [],
    files: (_, id) => of(id),
    hasFile: (_, id, file) => exists(id) && of(id).includes(file),
    read: () => 'memory',
    tryRead: () => 'memory',
    generation: () => undefined,
    path: (_, id, file) => `${id}/${file}`,
  };
}

const WEB = parseCgroupId('/web');

test('of a list to probe, the first file that is there', () => {
  const item = { v1: [{ file: 'new' }, { file: 'old' }] };
  const picked = pick(reader(layoutOf('hybrid'), ['old']), WEB, declare(), item);
  assert.ok(!('absent' in picked));
  assert.deepEqual([picked.slot.file, picked.owner, picked.dialect], ['old', 'cpu', 'v1']);
  assert.deepEqual(
    picked.hierarchies.map(({ key }) => key),
    ['cpu'],
  );
});

test('what is absent has a reason', () => {
  const reason = (layout: Layout, item: Item<Located>, of = declare(), id = WEB, files: string[] = []) => {
    const picked = pick(reader(layout, files), id, of, item);
    assert.ok('absent' in picked);
    return [picked.code, picked.absent, picked.enable].filter((part) => part !== undefined);
  };
  const hybrid = layoutOf('hybrid');
  const v2 = layoutOf('v2', 'cpu memory');
  assert.deepEqual(reason(hybrid, both), ['no-file', 'this kernel has no made.v1']);
  assert.deepEqual(reason(hybrid, { v1: [{ file: 'a' }, { file: 'b' }] }), ['no-file', 'this kernel has no a or b']);
  assert.deepEqual(reason(hybrid, { v2: both.v2 }), ['unsupported', 'cgroup v1 has no such file']);
  assert.deepEqual(reason(hybrid, { v2: both.v2, unsupported: { v1: 'use shares' } }), ['unsupported', 'use shares']);
  assert.deepEqual(reason(v2, { v1: both.v1 }, declare({ unsupported: { v2: 'it is eBPF there' } })), [
    'unsupported',
    'it is eBPF there',
  ]);
  assert.deepEqual(reason(hybrid, both, declare({ v1: 'rdma', v2: 'rdma' })), [
    'no-hierarchy',
    'no mounted hierarchy has the controller rdma',
  ]);
  assert.deepEqual(reason(layoutOf('v1'), { v1: { file: 'a', in: 'made' } }), [
    'no-hierarchy',
    'no mounted hierarchy has the controller made',
  ]);
  assert.deepEqual(reason(v2, both), ['not-enabled', 'the controller cpu is not enabled for this group', 'cpu']);
  assert.deepEqual(reason(v2, both, declare({ v2: 'memory' })), ['no-file', 'this kernel has no made.v2']);
  assert.deepEqual(reason(v2, both, declare({ v2: 'core' })), ['no-file', 'this kernel has no made.v2']);
  assert.deepEqual(reason(hybrid, both, declare(), parseCgroupId('/gone')), [
    'not-here',
    'the group is not in the hierarchy cpu',
  ]);
  const files = ['made.v1'];
  assert.deepEqual(reason(hybrid, { ...both, scope: 'root' }, declare(), WEB, files), [
    'not-here',
    'only the root has it',
  ]);
  assert.deepEqual(reason(hybrid, { ...both, scope: 'not-root' }, declare(), ROOT, files), [
    'not-here',
    'the root has no such control',
  ]);
});

test('a template stands for the files that have a key in its place', () => {
  const files = ['made.2MB.max', 'made.1GB.max', 'made.2MB.rsvd.max', 'made.max', 'other.2MB.max', 'made..max'];
  assert.deepEqual(keysOf(files, 'made.{key}.max'), ['2MB', '1GB']);
  assert.deepEqual(keysOf(files, 'made.{key}.rsvd.max'), ['2MB']);
  const picked = pick(reader(layoutOf('hybrid'), files), WEB, declare(), {
    v1: [{ file: 'none.{key}' }, { file: 'made.{key}.max' }],
  });
  assert.ok(!('absent' in picked) && picked.slot.file === 'made.{key}.max');
});

realKernel('on the running kernel, core files are where they are and the root is told from other groups', (t) => {
  const host = openHost();
  const id = parseCgroupId(scratch(t).path);
  const [h] = host.layout.hierarchies;
  assert.ok(h);
  host.writer?.mkdir(h, id);
  const of = declare({ v1: 'every', v2: 'core' });
  const item = knob<number>({
    type: { kind: 'int', min: 0, max: 1 },
    help: '',
    v1: { file: 'cgroup.procs' },
    v2: { file: 'cgroup.procs' },
  });
  const picked = pick(host.reader, id, of, item);
  assert.ok(!('absent' in picked));
  assert.deepEqual(picked.hierarchies, [h]);
  const everywhere = pick(host.reader, ROOT, of, item);
  assert.ok(!('absent' in everywhere));
  assert.deepEqual(
    everywhere.hierarchies,
    host.layout.hierarchies.filter(({ dialect }) => dialect === everywhere.dialect),
  );
  for (const each of host.layout.hierarchies) assert.equal(isRootGroup(host.reader, each, ROOT), true);
  assert.equal(isRootGroup(host.reader, h, id), false);
  assert.equal(isRootGroup(host.reader, h, childId(id, 'gone')), false);
});
