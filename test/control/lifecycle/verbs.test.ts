/** The verbs of this theme, and the built program where a process of its own is what is tested. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { cgctl, json, output } from '../../cli/support.ts';
import { projectRoot } from '../../support/files.ts';
import {
  atEnd,
  directoriesOf,
  mountOf,
  realKernel,
  scratch,
  spawnFor,
  spawnIdle,
  temporary,
  until,
} from '../../support/host.ts';

/** A group of the test's own, and another one below the same parent. */
async function groups(t: TestContext): Promise<{ top: string; web: string; db: string }> {
  const top = scratch(t).path;
  const [web, db] = [`${top}/web`, `${top}/db`];
  await output(t, 'create', web, db);
  return { top, web, db };
}

realKernel('attach moves, ps lists, kill ends', async (t) => {
  const { web, db } = await groups(t);
  const [one, two] = [await spawnIdle(t), await spawnIdle(t)];
  const gone = await spawnFor(t, 'true');
  await gone.exited;
  assert.match(await output(t, 'attach', web, String(one.pid), '--dry-run'), /cgroup\.procs\s+→ \d+/);
  assert.equal(await output(t, 'ps', web), 'PID  USER  S  RSS  COMMAND\n');
  const ran = await cgctl(t, ['attach', web, String(one.pid), String(gone.pid), String(two.pid)]);
  assert.deepEqual(ran, { status: 3, out: `${web}: moved 2 processes\n`, err: `gone already: ${gone.pid}\n` });
  assert.equal((await cgctl(t, ['attach', web])).status, 2);
  assert.equal((await cgctl(t, ['attach', web, '12x'])).status, 2);

  const table = await output(t, 'ps', web, db, '--args');
  assert.match(table, /PID +USER +S +RSS +CGROUP +COMMAND\n/);
  assert.ok(table.includes(`${web}  sleep infinity\n`));
  const rows = await json(t, 'ps', web);
  assert.ok(Array.isArray(rows));
  assert.deepEqual(
    rows.map(({ pid, command }) => [pid, command]),
    [one, two].map(({ pid }) => [pid, 'sleep']).sort(),
  );

  assert.match((await cgctl(t, ['kill', web, '--dry-run'])).err, new RegExp(`SIGKILL goes to .*${one.pid} \\(sleep`));
  assert.match((await cgctl(t, ['kill', web, '--signal', 'NONE'])).err, /"NONE" is not a signal.*\[VALUE\]/);
  assert.equal(await output(t, 'kill', web, '-s', 'TERM'), `${web}: sent SIGTERM to 2 processes\n`);
  for (const { exited } of [one, two]) assert.equal((await exited).signal, 'SIGTERM');
  assert.equal(await output(t, 'kill', web, db), `${web}: killed 0 processes\n${db}: killed 0 processes\n`);
});

realKernel(
  'a process that is in the group in some hierarchies only is listed with those',
  async (t) => {
    const { top, web } = await groups(t);
    const { pid } = await spawnIdle(t);
    await output(t, 'attach', top, String(pid));
    writeFileSync(join(mountOf('pids'), web, 'cgroup.procs'), String(pid));
    assert.match(await output(t, 'ps', web), new RegExp(`PID  USER  S +RSS  IN    COMMAND\n${pid} .*  pids  sleep\n$`));
  },
  ['pids'],
);

realKernel('freeze and thaw say what was so already; pause and unpause are the same', async (t) => {
  const { web, db } = await groups(t);
  assert.match(await output(t, 'freeze', web, '--dry-run'), /THAWED → FROZEN|0 → 1/);
  assert.equal(await output(t, 'pause', web, db), `${web}: frozen\n${db}: frozen\n`);
  assert.equal(await output(t, 'freeze', web), `${web}: was frozen already\n`);
  assert.equal(await output(t, 'unpause', web), `${web}: thawed\n`);
  assert.equal(await output(t, 'thaw', web), `${web}: was not frozen\n`);
  assert.deepEqual(await json(t, 'thaw', db).then((done) => Array.isArray(done) && done[0].state), 'thawed');
});

realKernel('what fails with one group does not keep the others; rm lists what is in the way', async (t) => {
  const { top, web, db } = await groups(t);
  const { pid } = await spawnIdle(t);
  await output(t, 'attach', web, String(pid));
  const ran = await cgctl(t, ['rm', web, db]);
  assert.equal(ran.status, 6);
  assert.match(ran.out, new RegExp(`^${db}: removed \\d+ director(y|ies)\n$`));
  assert.match(ran.err, new RegExp(`${web} has a process in it: ${pid} \\(sleep, S\\).*\\[BUSY\\]`));
  assert.match((await cgctl(t, ['rm', top])).err, new RegExp(`groups below it: ${web};`));
  assert.match(await output(t, 'rm', '-r', '--force', top, '--dry-run'), /remove/);
  assert.ok(directoriesOf(web).length > 0);
  assert.match(await output(t, 'rm', '-r', '--force', top), /killed 1 process\n$/);
  assert.deepEqual(directoriesOf(top), []);
  assert.equal((await cgctl(t, ['rm', top])).status, 3);
});

realKernel(
  'run needs a group, or leave to make one',
  async (t) => {
    const { top, web } = await groups(t);
    const fresh = `${top}/fresh`;
    assert.equal((await cgctl(t, ['run', fresh, '--', 'true'])).status, 3);
    assert.match((await cgctl(t, ['run', web, '-m', '1g', '--', 'true'])).err, /--memory: only with --create or --rm/);
    assert.match((await cgctl(t, ['run', web, '-e', '1=2', '--', 'true'])).err, /--env: 1=2 does not begin/);
    assert.match((await cgctl(t, ['run', '--rm', '-m', 'much', fresh, '--', 'true'])).err, /--memory/);
    assert.match(await output(t, 'run', '--rm', fresh, '-m', '64m', '--dry-run', '--', 'true'), /67108864/);
    assert.deepEqual(directoriesOf(fresh), []);

    const script = 'cat /sys/fs/cgroup/memory/"$1"/memory.limit_in_bytes; echo "$NAME" >&2; pwd; exit 5';
    const folder = temporary(t);
    const argv = [
      'run',
      '--rm',
      fresh,
      '-m',
      '64m',
      '-e',
      'NAME=me',
      '-w',
      folder,
      '--',
      'sh',
      '-c',
      script,
      'sh',
      fresh,
    ];
    assert.deepEqual(await cgctl(t, argv), { status: 5, out: `67108864\n${folder}\n`, err: 'me\n' });
    assert.deepEqual(directoriesOf(fresh), []);

    assert.equal((await cgctl(t, ['run', '--create', fresh, '--', 'sh', '-c', 'exit 4'])).status, 4);
    assert.equal((await cgctl(t, ['run', fresh, '--', 'true'])).status, 0);
    assert.notDeepEqual(directoriesOf(fresh), []);
  },
  ['memory'],
);

realKernel('run --rm does not take a group from those who are in it', async (t) => {
  const { web } = await groups(t);
  const { pid, exited } = await spawnIdle(t);
  await output(t, 'attach', web, String(pid));
  const refused = await cgctl(t, ['run', '--rm', web, '--', 'true']);
  assert.equal(refused.status, 5);
  assert.match(refused.err, new RegExp(`${web} is in use, and --rm would kill ${pid} \\(sleep`));
  const forced = await cgctl(t, ['run', '--rm', '--force', web, '--', 'true']);
  assert.equal(forced.status, 0);
  assert.match(forced.err, new RegExp(`killed what was left in ${web}: ${pid} \\(sleep`));
  await exited;
});

realKernel(
  'a group that cannot be entered: 125, with what to set',
  async (t) => {
    const { web } = await groups(t);
    for (const directory of directoriesOf(web)) mkdirSync(join(directory, 'bad'));
    const ran = await cgctl(t, ['run', `${web}/bad`, '--', 'true']);
    assert.equal(ran.status, 125);
    assert.match(ran.err, /ENOSPC.*--cpuset-cpus.*\[RUN\]/);
  },
  ['cpuset'],
);

realKernel('the program passes its signals and its standard input on, and cleans up after them', async (t) => {
  const { path } = scratch(t);
  const script = 'trap "exit 5" USR1; echo ready; read -r line; echo "$line"; while :; do sleep 0.01; done';
  const child = spawn(join(projectRoot, 'bin/cgctl'), ['run', '--rm', path, '--', 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, CGCTL_LOCK_DIR: temporary(t) },
  });
  atEnd(t, () => child.kill('SIGTERM'));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk;
  });
  await until(() => printed === 'ready\n');
  child.stdin.write('hello\n');
  await until(() => printed === 'ready\nhello\n');
  child.kill('SIGUSR1');
  assert.equal(await exited, 5);
  assert.deepEqual(directoriesOf(path), []);
});
