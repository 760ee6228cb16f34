import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { cgctl } from '../cli/support.ts';
import { projectRoot } from '../support/files.ts';
import { atEnd, mountOf, needsHierarchies, scratch, spawnIdle, temporary, testUnless, until } from '../support/host.ts';
import { lacking, Terminal } from './tmux.ts';

const TOKEN = 'a token of the terminal’s tests'.replaceAll(/[^a-z]/g, '-');

/** The program as a service on a Unix socket, and how to reach it. */
async function serving(t: TestContext) {
  const folder = temporary(t);
  const [socket, tokenFile] = [join(folder, 'socket'), join(folder, 'token')];
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const flags = ['--listen', `unix:${socket}`, '--enable-writes', '--write-token-file', tokenFile];
  const child = spawn(process.execPath, [join(projectRoot, 'bin/cgctl'), 'serve', ...flags], {
    stdio: 'ignore',
    env: { ...process.env, CGCTL_LOCK_DIR: join(folder, 'lock') },
  });
  atEnd(t, () => void child.kill('SIGKILL'));
  await until(() => existsSync(socket));
  return { child, url: `unix:${socket}`, tokenFile };
}

testUnless(
  lacking ?? needsHierarchies('cpu', 'freezer'),
  'the view follows a service and changes through it; its end is told',
  async (t) => {
    const { path } = scratch(t);
    assert.equal((await cgctl(t, ['create', `${path}/there`])).status, 0);
    const { child, url, tokenFile } = await serving(t);
    const terminal = new Terminal(t, { rows: 60 });
    await terminal.run(`cgctl top -i 200ms --host ${url} --token-file ${tokenFile} --filter ${basename(path)}/there`);
    await terminal.shows(/^ +there /);
    await terminal.shows(/ hybrid · \d+\.\d+/);
    terminal.hit('End', 's');
    terminal.type('--cpu-shares 300');
    terminal.hit('Enter');
    await terminal.shows(/cpu\.shares +1024 → 300/);
    terminal.hit('y');
    await terminal.until(() => readFileSync(join(mountOf('cpu'), path, 'there/cpu.shares'), 'utf8') === '300\n');
    await terminal.shows(/1024 → 300$/);
    terminal.hit('Enter');
    await terminal.shows(/^cpu\.shares +300 +300$/);
    terminal.hit('Escape', 'f', 'y');
    await terminal.shows(/\/there: frozen$/);
    await terminal.shows(/^ +there ❄/);
    child.kill('SIGTERM');
    await terminal.shows(/✖ connection lost, trying again/);
    terminal.hit('q');
    await terminal.prompts();
  },
);

testUnless(lacking, 'verbs work through a service as here', async (t) => {
  const { path } = scratch(t);
  assert.equal((await cgctl(t, ['create', `${path}/a`])).status, 0);
  const { url, tokenFile } = await serving(t);
  const there = async (...argv: string[]) => {
    const { status, out, err } = await cgctl(t, [...argv, '--host', url, '--token-file', tokenFile]);
    assert.equal(status, 0, err);
    return out;
  };
  const id = `${basename(path)}/a`;
  assert.match(await there('set', id, '--cpu-shares', '400', '--dry-run'), /^1 .*cpu\.shares +1024 → 400/);
  assert.match(await there('set', id, '--cpu-shares', '400'), /cpu\.shares +1024 → 400/);
  const { pid, exited } = await spawnIdle(t);
  writeFileSync(join(mountOf('cpu'), path, 'a/cgroup.procs'), String(pid));
  assert.match(await there('kill', id), /killed 1 process/);
  assert.equal((await exited).signal, 'SIGKILL');
  assert.match(await there('freeze', id), /: frozen$/m);
  assert.match(await there('thaw', id), /: thawed$/m);
  assert.match(await there('get', id, 'cpu.shares'), /^KNOB .*\ncpu\.shares +400 +400 +--cpu-shares +\S+cpu\.shares$/m);
  assert.equal(JSON.parse(await there('get', id, 'cpu.shares', '--json')).knobs['cpu.shares'].value, 400);
  assert.equal(await there('ls', path), `CGROUP\n${path}\n${path}/a\n`);
  assert.match(await there('events', path, '--type', 'limit_changed'), /limit_changed {2}\S+\/a {2}cpu\.shares .*400/);
  assert.match(await there('watch', id, '-n', '1', '-i', '100ms'), /^\d\d:\d\d:\d\d {2}CPU/m);
  assert.match(await there('top', '-n', '1', '-i', '100ms', '--filter', id), new RegExp(`^${path}/a `, 'm'));
  const elsewhere = { around: { env: { CGCTL_HOST: url } } };
  assert.match((await cgctl(t, ['ls', path], elsewhere)).out, new RegExp(`^${path}/a$`, 'm'));
  const refused = await cgctl(t, ['create', `${path}/b`], elsewhere);
  assert.equal(refused.status, 2);
  assert.match(refused.err, /create works on this machine alone/);
  const before = await cgctl(t, ['rm', path, '--host', url, '--token-file', tokenFile]);
  assert.equal(before.status, 6);
  assert.match(before.err, /has groups below it/);
  assert.match(await there('rm', '-r', path, '--dry-run'), /rmdir|remove/);
  assert.match(await there('rm', '-r', path), /removed \d+ directories/);
});

/** Where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

testUnless(lacking, 'what is wrong with a service is told by the table of errors', async (t) => {
  const { url } = await serving(t);
  const failing = async (status: number, pattern: RegExp, ...argv: string[]) => {
    const ran = await cgctl(t, argv);
    assert.equal(ran.status, status, ran.err);
    assert.match(ran.err, pattern);
  };
  await failing(9, /\[AUTH\]/, 'freeze', '/nothing', '--host', url);
  await failing(11, /does not answer: ENOENT/, 'freeze', '/nothing', '--host', 'unix:/nowhere');
  await failing(
    11,
    /does not answer: ECONNREFUSED/,
    'top',
    '-n',
    '1',
    '--host',
    `http://127.0.0.1:${await freePort()}`,
  );
  await failing(2, /--host/, 'top', '-n', '1', '--host', 'ftp://x');
  await failing(2, /token file/, 'freeze', 'x', '--host', url, '--token-file', '/nowhere');
  await failing(3, /there is no cgroup "no-such-group"/, 'kill', 'no-such-group', '--host', url);
  await failing(2, /--dry-run is not possible with --host/, 'kill', '/x', '--dry-run', '--host', url);
});
