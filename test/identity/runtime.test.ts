import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CgroupReader } from '../../src/hierarchy/cgroupfs.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { parseCgroupId, ROOT } from '../../src/hierarchy/id.ts';
import type { CgroupId, Host } from '../../src/hierarchy/types.ts';
import { containerOf, nameFor, ownerOf, slicePath, unitOf } from '../../src/identity/runtime.ts';
import { native, nativeProblem } from '../../src/native.ts';
import { needsCgroups, needsRoot, realKernel, scratch, testUnless } from '../support/host.ts';

const ID = '4f1c'.padEnd(64, '0');
const INNER = 'beef'.padEnd(64, '0');
const KUBE = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b_2c.slice';

test('containers by the places of the runtimes', () => {
  for (const [path, runtime] of [
    [`/docker/${ID}`, 'docker'],
    [`/system.slice/docker-${ID}.scope`, 'docker'],
    [`/machine.slice/libpod-${ID}.scope`, 'podman'],
    [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`, 'podman'],
    [`/libpod_parent/libpod-${ID}`, 'podman'],
    [`${KUBE}/cri-containerd-${ID}.scope`, 'containerd'],
    [`/kubepods/burstable/pod0a1b-2c/${ID}`, 'containerd'],
    [`/kubepods/pod0a1b-2c/${ID}`, 'containerd'],
    [`/system.slice/containerd.service/kubepods-pod0a1b_2c.slice:cri-containerd:${ID}`, 'containerd'],
    [`${KUBE}/crio-${ID}.scope`, 'crio'],
    [`/kubepods/pod0a1b-2c/crio-${ID}`, 'crio'],
    [`/elsewhere/${ID}`, 'unknown'],
  ] as const) {
    const cgroup = parseCgroupId(path);
    assert.deepEqual(containerOf(cgroup), { runtime, id: ID, cgroup }, path);
    assert.deepEqual(
      containerOf(parseCgroupId(`${path}/container/init.scope`)),
      { runtime, id: ID, cgroup },
      `below ${path}`,
    );
  }
});

test('of nested containers, the inner one', () => {
  const cgroup = parseCgroupId(`/docker/${ID}/docker/${INNER}`);
  assert.deepEqual(containerOf(cgroup), { runtime: 'docker', id: INNER, cgroup });
});

test('what only looks like a container', () => {
  for (const path of [
    '/',
    '/docker',
    `/system.slice/crio-conmon-${ID}.scope`,
    `/machine.slice/libpod-conmon-${ID}.scope`,
    `/system.slice/var-lib-docker-containers-${ID}-mounts-shm.mount`,
    `/docker/${ID.slice(1)}`,
    `/docker/${ID}0`,
    `/docker/${ID.toUpperCase().replace('0', 'A')}`,
    `/system.slice/docker-${ID}.service`,
  ])
    assert.equal(containerOf(parseCgroupId(path)), undefined, path);
});

test('slices lie where their names say', () => {
  assert.equal(slicePath('a.slice'), '/a.slice');
  assert.equal(slicePath('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice');
  assert.equal(slicePath('dev\\x2dx-y.slice'), '/dev\\x2dx.slice/dev\\x2dx-y.slice');
  assert.equal(slicePath('-.slice'), '/');
  for (const name of ['a', '.slice', 'a--b.slice', '-a.slice', 'a-.slice', 'a.service'])
    assert.equal(slicePath(name), undefined, name);
});

test('what people know a group by, where its path does not say so', () => {
  const digits = '0123456789ab'.repeat(6).slice(0, 64);
  const name = (text: string) => nameFor(parseCgroupId(text));
  assert.equal(name(`/system.slice/docker-${digits}.scope`), 'docker 0123456789ab');
  assert.equal(name(`/machine/${digits}`), '0123456789ab');
  assert.equal(name('/system.slice/system-dbus\\x2d:1.2\\x2dorg.slice'), 'system-dbus-:1.2-org.slice');
  assert.equal(name('/a/caf\\xc3\\xa9.service'), 'café.service');
  for (const plain of ['/', '/system.slice', '/a\\x2db', '/x\\x1b[31m.service', '/x\\xff.service', '/é\\x2d.service'])
    assert.equal(name(plain), undefined, plain);
});

test('the unit is the innermost', () => {
  assert.equal(unitOf(parseCgroupId('/system.slice/ssh.service')), 'ssh.service');
  assert.equal(unitOf(parseCgroupId('/user.slice/user-0.slice/user@0.service/app.slice/x')), 'app.slice');
  assert.equal(unitOf(ROOT), '-.slice');
  assert.equal(unitOf(parseCgroupId('/web')), undefined);
  assert.equal(unitOf(parseCgroupId('/.service')), undefined);
});

/** A host that has every group, where systemd left some to others. */
function hostWith(...delegated: string[]): Host {
  const host = openHost({ readOnly: true });
  class Everything extends CgroupReader {
    override places() {
      return this.layout.hierarchies;
    }
  }
  return {
    ...host,
    pageSize: host.pageSize,
    reader: new Everything(host.layout),
    memory: { recall: () => ({}), delegated: (_, id: CgroupId) => delegated.includes(id) },
  };
}

realKernel('the owner is told by place, by systemd’s presence and by what it delegates', () => {
  const owner = (path: string, { systemd = true, delegated = [] as string[] } = {}) => {
    const { owner, unit, delegated: below, why } = ownerOf(hostWith(...delegated), parseCgroupId(path), systemd);
    assert.doesNotMatch(why, /undefined/);
    return [owner, unit, below];
  };
  assert.deepEqual(owner('/web'), ['none', undefined, false]);
  assert.deepEqual(owner('/'), ['systemd', '-.slice', false]);
  assert.deepEqual(owner('/', { systemd: false }), ['none', undefined, false]);
  assert.deepEqual(owner('/system.slice/ssh.service'), ['systemd', 'ssh.service', false]);
  assert.deepEqual(owner('/system.slice/ssh.service/sub'), ['systemd', 'ssh.service', false]);
  assert.deepEqual(owner('/system.slice/ssh.service', { systemd: false }), ['none', undefined, false]);

  const cut = { delegated: ['/system.slice/my.service'] };
  assert.deepEqual(owner('/system.slice/my.service', cut), ['systemd', 'my.service', false]);
  assert.deepEqual(owner('/system.slice/my.service/a/b', cut), ['none', 'my.service', true]);

  assert.deepEqual(owner(`/docker/${ID}`, { systemd: false }), ['docker', undefined, false]);
  assert.deepEqual(owner(`/system.slice/docker-${ID}.scope`), ['docker', `docker-${ID}.scope`, false]);
  assert.deepEqual(owner(`/system.slice/docker-${ID}.scope/web`), ['none', `docker-${ID}.scope`, false]);
  assert.deepEqual(owner(`/machine.slice/libpod-${ID}.scope`), ['podman', `libpod-${ID}.scope`, false]);
  assert.deepEqual(owner(`${KUBE}/cri-containerd-${ID}.scope`), ['kubelet', `cri-containerd-${ID}.scope`, false]);
  assert.deepEqual(owner('/kubepods/besteffort', { systemd: false }), ['kubelet', undefined, false]);
  assert.deepEqual(owner(KUBE), ['kubelet', 'kubepods-burstable-pod0a1b_2c.slice', false]);
  assert.deepEqual(owner(`/elsewhere/${ID}`), ['none', undefined, false]);
});

testUnless(
  needsRoot() ?? needsCgroups() ?? nativeProblem(),
  'a delegation is read from the group’s own directory',
  (t) => {
    const host = openHost();
    const top = parseCgroupId(scratch(t).path);
    const child = parseCgroupId(`${top}/child`);
    for (const h of host.layout.hierarchies) for (const id of [top, child]) host.writer?.mkdir(h, id);
    assert.equal(ownerOf(host, child, false).delegated, false);
    const h = host.layout.hierarchies.at(-1);
    assert.ok(h);
    native()?.setxattr(host.reader.path(h, top), 'trusted.delegate', Buffer.from('1'));
    assert.equal(ownerOf(host, child, false).delegated, true);
    assert.equal(ownerOf(host, top, false).delegated, false);
  },
);
