/** What would be run, and what is refused before anything is: nothing here mounts. test/contract/rules.test.ts has that, in emulated machines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Mounting, type Mounts, mistakesOf, planMount, planUmount } from '../../src/control/mount.ts';
import { detectLayout } from '../../src/hierarchy/layout.ts';
import { fixture } from '../support/files.ts';

const layout = detectLayout({
  mountinfo: fixture('hierarchy/mountinfo/hybrid'),
  rootControllers: () => 'hugetlb',
});
/** Each hierarchy has these groups. */
const withGroups = (...names: string[]): Mounts => ({
  hierarchies: layout.hierarchies,
  kernel: [
    { name: 'memory', hierarchy: 4, groups: 1, enabled: true },
    { name: 'misc', hierarchy: 0, groups: 1, enabled: true },
    { name: 'rdma', hierarchy: 12, groups: 1, enabled: true },
    { name: 'net_cls', hierarchy: 0, groups: 1, enabled: false },
  ],
  taken: new Set(['/mnt']),
  reader: { children: () => names },
});
const mounting = (more: Partial<Mounting>): Mounting => ({
  where: '/run/x',
  dialect: 'v1',
  controllers: [],
  options: [],
  ...more,
});
const commands = (more: Partial<Mounting>): string[] =>
  planMount(withGroups(), mounting(more)).map(({ command }) => command.join(' '));

test('mounting is a directory and a mount(8)', () => {
  assert.deepEqual(commands({ controllers: ['misc'], options: ['clone_children'] }), [
    'mkdir -p -- /run/x',
    'mount -t cgroup -o misc,clone_children cgroup /run/x',
  ]);
  assert.equal(commands({ name: 'jobs' })[1], 'mount -t cgroup -o none,name=jobs cgroup /run/x');
  const v1 = { ...withGroups(), hierarchies: layout.hierarchies.filter(({ dialect }) => dialect === 'v1') };
  const [, unified] = planMount(v1, mounting({ dialect: 'v2', options: ['nsdelegate'] }));
  assert.equal(unified?.command.join(' '), 'mount -t cgroup2 -o nsdelegate cgroup2 /run/x');
});

test('what is mounted already is not mounted again, whatever stands beside it', () => {
  const attached = { code: 'BUSY', message: /attached cannot be mounted elsewhere/ };
  assert.throws(() => commands({ controllers: ['memory'] }), attached);
  assert.throws(() => commands({ controllers: ['misc', 'memory'] }), attached);
  assert.throws(() => commands({ name: 'systemd' }), attached);
  assert.throws(() => commands({ dialect: 'v2' }), attached);
  assert.throws(() => commands({ controllers: ['rdma'] }), { code: 'BUSY', message: /not mounted here/ });
});

test('a controller that there is not, one that is off, and a directory that is taken are refused', () => {
  assert.throws(() => commands({ controllers: ['tape'] }), {
    code: 'VALUE',
    message: /no v1 controller "tape"; it has memory/,
  });
  assert.throws(() => commands({ controllers: ['net_cls'] }), { code: 'UNSUPPORTED', message: /cgroup_disable=/ });
  assert.throws(() => commands({ controllers: ['misc'], where: '/mnt' }), { code: 'BUSY', message: /a mount point/ });
});

test('a hierarchy with groups is not unmounted without force', () => {
  assert.throws(() => planUmount(withGroups('web'), 'memory'), { code: 'BUSY', message: /\(web\).*live on unseen/ });
  const [forced] = planUmount(withGroups('web'), 'memory', true);
  const [empty] = planUmount(withGroups(), '/sys/fs/cgroup/memory');
  for (const step of [forced, empty]) assert.equal(step?.command.join(' '), 'umount -- /sys/fs/cgroup/memory');
  assert.throws(() => planUmount(withGroups(), 'tape'), { code: 'NOT_FOUND', message: /cpu \(/ });
});

test('every mistake in the words is told', () => {
  assert.deepEqual(mistakesOf(mounting({ controllers: ['misc'] })), []);
  assert.equal(mistakesOf(mounting({})).length, 1);
  const wrong = mounting({ where: 'x', dialect: 'v2', name: 'a b', options: ['none', 'x y'] });
  assert.equal(mistakesOf(wrong).length, 5);
  assert.equal(mistakesOf(mounting({ name: 'a', where: '/a/../b' })).length, 1);
});
