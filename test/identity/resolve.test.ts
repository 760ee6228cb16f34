import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CgError } from '../../src/errors.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import { detectLayout } from '../../src/hierarchy/layout.ts';
import type { CgroupId, Host } from '../../src/hierarchy/types.ts';
import { groupOfProcess, resolveId } from '../../src/identity/resolve.ts';
import { fixture } from '../support/files.ts';
import { realKernel, scratch, spawnIdle } from '../support/host.ts';

const ID = `c0ffee${process.pid}`.padEnd(64, '0');
const OTHER = `c0ffee${process.pid}`.padEnd(64, '1');

/** New groups below a new one, each with the groups on its way; `@` in a path stands for letters that no other group has. */
function grow(t: TestContext, ...paths: string[]): { host: Host; top: string; mark: string } {
  const host = openHost();
  const top = scratch(t).path;
  const mark = top.slice(1);
  const [h] = host.layout.hierarchies;
  assert.ok(h);
  for (const path of ['', ...paths]) {
    const names = `${top}${path.replaceAll('@', mark)}`.split('/').slice(1);
    for (const at of names.keys()) {
      const refusal = host.writer?.mkdir(h, parseCgroupId(`/${names.slice(0, at + 1).join('/')}`));
      assert.ok(refusal === undefined || refusal.errno === 'EEXIST');
    }
  }
  return { host, top, mark };
}

function errorOf(act: () => unknown): CgError {
  try {
    act();
  } catch (error) {
    if (error instanceof CgError) return error;
    throw error;
  }
  assert.fail('no error');
}

realKernel('a path, and the end of one', (t) => {
  const { host, top, mark } = grow(t, '/a/@web', '/b/other', '/-x@', '/<img>@');
  assert.equal(resolveId(host, '/'), '/');
  assert.equal(resolveId(host, `${top}/a/`), `${top}/a`);
  assert.equal(resolveId(host, `${mark}web`), `${top}/a/${mark}web`);
  assert.equal(resolveId(host, `a/${mark}web`), `${top}/a/${mark}web`);
  assert.equal(resolveId(host, mark), top);
  assert.equal(resolveId(host, `-x${mark}`), `${top}/-x${mark}`);
  assert.equal(resolveId(host, `<img>${mark}`), `${top}/<img>${mark}`);
  for (const text of [`x${mark}web`, `b/${mark}web`, `${mark}we`])
    assert.equal(errorOf(() => resolveId(host, text)).code, 'NOT_FOUND', text);
});

realKernel('several meanings are listed, at most twenty', (t) => {
  const { host, top, mark } = grow(t, '/a/@w', '/b/@w', '/c/x/@w');
  const two = errorOf(() => resolveId(host, `${mark}w`));
  assert.equal(two.code, 'AMBIGUOUS');
  assert.deepEqual(two.details, { candidates: ['a', 'b', 'c/x'].map((path) => `${top}/${path}/${mark}w`), total: 3 });
  assert.ok(two.message.includes(`${top}/b/${mark}w`));
  assert.equal(resolveId(host, `x/${mark}w`), `${top}/c/x/${mark}w`);

  const many = grow(t, ...Array.from({ length: 23 }, (_, at) => `/${at}/@many`));
  const { details, message } = errorOf(() => resolveId(many.host, `${many.mark}many`));
  assert.ok(Array.isArray(details.candidates));
  assert.equal(details.candidates.length, 20);
  assert.equal(details.total, 23);
  assert.match(message, / and 3 more$/);
});

realKernel('a container by the beginning of its id, of four digits or more', (t) => {
  const { host, top } = grow(
    t,
    `/docker/${ID}/inside`,
    `/system.slice/docker-${OTHER}.scope`,
    `/system.slice/libpod-conmon-${ID}.scope`,
  );
  assert.equal(resolveId(host, ID), `${top}/docker/${ID}`);
  assert.equal(resolveId(host, ID.slice(0, 40)), `${top}/docker/${ID}`);
  assert.equal(resolveId(host, OTHER.slice(0, 40)), `${top}/system.slice/docker-${OTHER}.scope`);
  assert.equal(resolveId(host, `docker-${OTHER}.scope`), `${top}/system.slice/docker-${OTHER}.scope`);
  assert.equal(errorOf(() => resolveId(host, `c0ffee${process.pid}`)).code, 'AMBIGUOUS');
  for (const text of ['c0f', ID.slice(1), `${ID}0`, ID.slice(0, 40).toUpperCase()]) {
    assert.equal(errorOf(() => resolveId(host, text)).code, 'NOT_FOUND', text);
  }
});

realKernel('a unit by its name as systemd escapes it', (t) => {
  const { host, top, mark } = grow(t, '/system.slice/@ssh.service', '/system.slice/dev-@\\x2d1.swap', '/a-@.slice');
  assert.equal(resolveId(host, `${mark}ssh.service`), `${top}/system.slice/${mark}ssh.service`);
  assert.equal(resolveId(host, `dev-${mark}\\x2d1.swap`), `${top}/system.slice/dev-${mark}\\x2d1.swap`);
  assert.equal(resolveId(host, `a-${mark}.slice`), `${top}/a-${mark}.slice`);
});

realKernel('what is not there is refused with what is near', (t) => {
  const { host, top, mark } = grow(t, '/@web-frontend');
  const missing = errorOf(() => resolveId(host, `${top}/${mark}web`));
  assert.equal(missing.code, 'NOT_FOUND');
  assert.ok(Array.isArray(missing.details.near) && missing.details.near.includes(`${top}/${mark}web-frontend`));
  assert.ok(missing.message.includes(`${mark}web-frontend`));
  assert.deepEqual(errorOf(() => resolveId(host, 'zz')).details.near, []);
});

realKernel('hostile ids are refused before anything is compared with them', () => {
  const host = openHost();
  for (const text of [
    '',
    '..',
    'a/../b',
    '../../etc',
    '/..',
    'a\nb',
    'a\0b',
    '\x1b[2J',
    '.',
    `${'x'.repeat(256)}`,
    'pid:',
    'pid:0',
    'pid:-1',
    'pid:1e3',
    'pid:1/..',
    'pid:../1',
    'pid:1\n',
    'pid: 1',
  ]) {
    const error = errorOf(() => resolveId(host, text));
    assert.equal(error.code, 'ID_INVALID', JSON.stringify(text));
    assert.doesNotMatch(error.message, /\p{Cc}/u);
  }
  assert.equal(errorOf(() => resolveId(host, 'pid:4194305')).code, 'NOT_FOUND');
});

realKernel('the group of a process is where it is in the hierarchy that has it deepest', async (t) => {
  const { host, top } = grow(t, '/inner');
  const [first] = host.layout.hierarchies;
  assert.ok(first && host.writer);
  const { pid, child, exited } = await spawnIdle(t);
  assert.equal(resolveId(host, `pid:${pid}`), resolveId(host, `pid:${process.pid}`));
  host.writer.write(first, parseCgroupId(`${top}/inner`), 'cgroup.procs', String(pid));
  assert.equal(resolveId(host, `pid:${pid}`), `${top}/inner`);
  child.kill('SIGKILL');
  await exited;
  assert.equal(errorOf(() => resolveId(host, `pid:${pid}`)).code, 'NOT_FOUND');
});

/** A captured host on which processes have these /proc/PID/cgroup. */
function procsOn(t: TestContext, mountinfo: string, texts: readonly string[]): (pid: number) => CgroupId {
  const layout = detectLayout({ mountinfo: fixture(`hierarchy/mountinfo/${mountinfo}`), rootControllers: () => '' });
  const proc = mkdtempSync(join(tmpdir(), 'cgctl-proc-'));
  t.after(() => rmSync(proc, { recursive: true }));
  for (const [at, text] of texts.entries()) {
    mkdirSync(join(proc, String(at + 1)));
    writeFileSync(join(proc, String(at + 1), 'cgroup'), text);
  }
  return (pid) => groupOfProcess(layout, String(pid), proc);
}

test('a process in several groups: the deepest, then the first; removed groups do not count', (t) => {
  const of = procsOn(t, 'systemd', [
    '13:name=systemd:/user.slice/user-0.slice/session-1.scope\n3:memory:/user.slice\n1:cpu,cpuacct:/\n',
    '3:memory:/b\n2:cpuset:/a\n1:cpu,cpuacct:/\n',
    '3:memory:/\n1:cpu,cpuacct:/\n',
    '5:unknown:/deep/er\n1:cpu,cpuacct:/a\n',
  ]);
  assert.deepEqual([1, 2, 3, 4].map(of), ['/user.slice/user-0.slice/session-1.scope', '/a', '/', '/a']);
  const unified = procsOn(t, 'v2', ['0::/web\n', '0::/web (deleted)\n', '0::/../outside\n']);
  assert.equal(unified(1), '/web');
  for (const pid of [2, 3, 4]) assert.equal(errorOf(() => unified(pid)).code, 'NOT_FOUND');
});
