import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import { detectLayout, idOfProcPath, tops, v1With } from '../../src/hierarchy/layout.ts';
import type { Hierarchy, Layout } from '../../src/hierarchy/types.ts';
import { fixture } from '../support/files.ts';

// Captured; only `box` and `/mnt` are names put in later. hybrid: a machine. v1, v2, systemd (joint mounts): emulated ones.
// bind-below and namespace: hybrid's, in mount namespaces with bind mounts, and in a cgroup namespace of its own.
const layoutOf = (name: string, cgroupRoot?: string): Layout =>
  detect(fixture(`hierarchy/mountinfo/${name}`), cgroupRoot);

function detect(mountinfo: string, cgroupRoot?: string): Layout {
  return detectLayout({ mountinfo, cgroupRoot, rootControllers: () => 'cpuset cpu io memory\n' });
}

function find(layout: Layout, key: string): Hierarchy {
  const found = layout.hierarchies.find((h) => h.key === key);
  assert.ok(found, `${key} among ${keys(layout)}`);
  return found;
}

const keys = (layout: Layout): string => layout.hierarchies.map(({ key }) => key).join(' ');

test('a hybrid host: a mount for each v1 controller, a named one, and the unified one last', () => {
  const layout = layoutOf('hybrid');
  assert.equal(layout.mode, 'hybrid');
  assert.equal(keys(layout), 'cpu cpuacct cpuset memory devices freezer blkio pids name=systemd unified');
  assert.deepEqual(find(layout, 'memory'), {
    key: 'memory',
    dialect: 'v1',
    mountPoint: '/sys/fs/cgroup/memory',
    root: '/',
    controllers: ['memory'],
    readOnly: false,
    device: 31n,
  });
  assert.deepEqual(find(layout, 'name=systemd').controllers, []);
  assert.deepEqual(layout.unified?.controllers, ['cpuset', 'cpu', 'io', 'memory']);
  assert.deepEqual(tops(layout), ['/']);
});

test('a v2 host has one hierarchy', () => {
  const layout = layoutOf('v2');
  assert.equal(layout.mode, 'v2');
  assert.equal(keys(layout), 'unified');
  assert.equal(layout.unified?.mountPoint, '/sys/fs/cgroup');
  assert.deepEqual(v1With(layout, 'memory'), []);
});

test('a v1 host has no unified one', () => {
  const layout = layoutOf('v1');
  assert.equal(layout.mode, 'v1');
  assert.equal(layout.unified, undefined);
});

test('controllers that are mounted together are one hierarchy', () => {
  const layout = layoutOf('systemd');
  const joint = find(layout, 'cpu,cpuacct');
  assert.deepEqual(joint.controllers, ['cpu', 'cpuacct']);
  assert.equal(joint.mountPoint, '/sys/fs/cgroup/cpu,cpuacct');
  assert.deepEqual(v1With(layout, 'cpuacct'), [joint]);
});

test('of two mounts, the one that shows the root is taken, and the one at the standard place', () => {
  const layout = layoutOf('bind-below');
  assert.equal(find(layout, 'memory').mountPoint, '/sys/fs/cgroup/memory');
  assert.equal(find(layout, 'cpu').mountPoint, '/sys/fs/cgroup/cpu');
});

test('a given root chooses among the mounts: read-only, or with another group at the top', () => {
  for (const root of ['/mnt', '/mnt/']) {
    const layout = layoutOf('bind-below', root);
    assert.equal(layout.mode, 'v1');
    assert.equal(keys(layout), 'memory cpu');
    assert.equal(find(layout, 'memory').root, '/box');
    assert.equal(find(layout, 'cpu').readOnly, true);
    assert.deepEqual(tops(layout), ['/']);
  }
  const below = layoutOf('bind-below', '/mnt/mem');
  assert.deepEqual(tops(below), ['/box']);
  assert.throws(() => layoutOf('bind-below', '/mn'), { code: 'NO_CGROUPS', message: /at or below "\/mn"/ });
});

test('in a cgroup namespace, mounts from outside show more than its processes’ paths tell', () => {
  const memory = find(layoutOf('namespace'), 'memory');
  assert.deepEqual([memory.root, memory.outside], ['/', '/..']);
  // as /proc/PID/cgroup had it there: pid 1 in the real root, its own process one level below, without a name
  assert.equal(idOfProcPath(memory, '/..'), '/');
  assert.equal(idOfProcPath(memory, '/../web'), '/web');
  assert.equal(idOfProcPath(memory, '/'), undefined);
  assert.equal(idOfProcPath(memory, '/../../web'), undefined);
  assert.equal(layoutOf('namespace').unified?.mountPoint, '/sys/fs/cgroup/unified');
  const own = layoutOf('namespace', '/mnt/ns').unified;
  assert.ok(own);
  assert.deepEqual([own.root, own.outside], ['/', undefined]);
  assert.equal(idOfProcPath(own, '/..'), undefined);
  assert.equal(idOfProcPath(own, '/inner'), '/inner');
});

test('a process outside of what a mount shows has no id there', () => {
  const memory = find(layoutOf('bind-below', '/mnt'), 'memory');
  assert.equal(idOfProcPath(memory, '/box/a'), '/box/a');
  assert.equal(idOfProcPath(memory, '/box'), '/box');
  assert.equal(idOfProcPath(memory, '/boxes'), undefined);
  assert.equal(idOfProcPath(memory, '/'), undefined);
});

test('a mount that something is mounted over does not count', () => {
  const root = '1 0 254:0 / / rw - ext4 /dev/vda rw\n';
  const v1 = '2 1 0:30 / /cg rw - cgroup cgroup rw,cpu\n';
  const over = (line: string) => detect(`${root}${v1}${line}\n5 1 0:40 / /other rw - cgroup2 none rw\n`);
  assert.equal(keys(over('3 2 0:31 / /cg rw - tmpfs tmpfs rw')), 'unified');
  assert.equal(keys(over('3 1 0:31 / / rw - tmpfs tmpfs rw')), 'cpu unified');
  assert.equal(keys(over('3 2 0:31 / /cg/web rw - tmpfs tmpfs rw')), 'cpu unified');
});

test('a chroot, whose root is no mount', () => {
  assert.equal(keys(detect('2 1 0:30 / /cg rw - cgroup cgroup rw,cpu\n')), 'cpu');
});

test('options of a v1 mount are not taken for controllers', () => {
  const line =
    '2 1 0:30 / /cg rw - cgroup cgroup rw,seclabel,xattr,release_agent=/lib/agent,clone_children,name=mine\n';
  const { hierarchies } = detect(line);
  assert.deepEqual(
    hierarchies.map(({ key, controllers }) => [key, controllers]),
    [['name=mine', []]],
  );
});

test('a read-only file system is so whatever its mount says', () => {
  assert.equal(detect('2 1 0:30 / /cg rw - cgroup2 none ro\n').unified?.readOnly, true);
});

test('a bind mount whose group was removed is passed over', () => {
  assert.throws(() => detect('2 1 0:30 /box//deleted /cg rw - cgroup cgroup rw,cpu\n'), { code: 'NO_CGROUPS' });
});

test('device numbers are those of stat(2)', () => {
  assert.equal(detect('2 1 0:300 / /cg rw - cgroup2 none rw\n').unified?.device, 0x10002cn);
  assert.equal(detect('2 1 259:3 / /cg rw - cgroup2 none rw\n').unified?.device, 66307n);
});

test('no cgroups at all', () => {
  assert.throws(() => detect('1 0 254:0 / / rw - ext4 /dev/vda rw\n'), { code: 'NO_CGROUPS' });
});

test('tops of mounts that show different groups', () => {
  const layout = detect(
    '2 1 0:30 /a/b /x rw - cgroup cgroup rw,cpu\n3 1 0:31 /a /y rw - cgroup cgroup rw,pids\n4 1 0:32 /c /z rw - cgroup2 none rw\n',
  );
  assert.deepEqual(tops(layout), [parseCgroupId('/a'), parseCgroupId('/c')]);
});
