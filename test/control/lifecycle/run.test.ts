import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FORWARDED, type RunOptions, run } from '../../../src/control/run.ts';
import { defaultRegistry as registry } from '../../../src/controllers/index.ts';
import { CgError } from '../../../src/errors.ts';
import { childId } from '../../../src/hierarchy/id.ts';
import { directoriesOf, mountOf, realKernel, temporary, until } from '../../support/host.ts';
import { type Bench, bench } from '../support.ts';
import { makeBare } from './support.ts';

const QUIET: RunOptions = { stdio: ['ignore', 'ignore', 'ignore'] };

/** A run whose output is kept. */
function recorded({ host, id }: Bench, argv: readonly string[], options: RunOptions = {}) {
  const printed = { out: '', err: '' };
  const ended = run(host, registry, id, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    output: (stream, chunk) => {
      printed[stream] += chunk;
    },
    ...options,
  });
  return { printed, ended };
}

const text = (file: string): string => readFileSync(file, { encoding: 'utf8', flag: 'a+' });

realKernel(
  'a forking command under 16 MiB: every descendant is inside, in every hierarchy, and node’s memory is not charged',
  async (t) => {
    const made = await bench(t);
    const { host, id, set } = made;
    await set({ memory: '16m' });
    const log = join(temporary(t), 'log');
    // each process appends the groups that it is in before it forks the next two
    const script =
      'cat /proc/self/cgroup >> "$1"; [ "$2" -le 0 ] || { sh "$0" "$1" $(($2 - 1)) & sh "$0" "$1" $(($2 - 1)) & wait; }';
    const file = join(temporary(t), 'fork.sh');
    writeFileSync(file, script);
    const { ended } = recorded(made, ['sh', file, log, '4']);
    assert.equal((await ended).status, 0);
    const lines = text(log).trim().split('\n');
    const mounted = host.layout.hierarchies.length;
    assert.equal(lines.length, 31 * mounted);
    for (const line of lines) assert.equal(line.slice(line.indexOf(':/') + 1), id);
    const peak = Number(text(join(mountOf('memory'), id, 'memory.max_usage_in_bytes')));
    assert.ok(peak < 16 * 2 ** 20, `peak ${peak}`);
    assert.ok(process.memoryUsage.rss() > 16 * 2 ** 20);
  },
  ['memory'],
);

realKernel('the exit status is the command’s, as env(1) and docker give it', async (t) => {
  const made = await bench(t);
  const { host, id } = made;
  const status = async (...argv: string[]) => (await run(host, registry, id, argv, QUIET)).status;
  const folder = temporary(t);
  writeFileSync(join(folder, 'plain'), 'echo');
  chmodSync(join(folder, 'plain'), 0o644);
  assert.equal(await status('true'), 0);
  assert.equal(await status('sh', '-c', 'exit 3'), 3);
  assert.equal(await status(join(folder, 'plain')), 126);
  assert.equal(await status(join(folder, 'missing')), 127);
  assert.equal(await status('no-such-command-of-anyone'), 127);
  assert.equal(await status('sh', '-c', 'kill -TERM $$'), 143);
  assert.equal(await status('sh', '-c', 'kill -KILL $$'), 137);
  const { printed, ended } = recorded(made, ['no-such-command-of-anyone']);
  await ended;
  assert.match(printed.err, /^cgctl: .*no-such-command-of-anyone: not found\n$/);
});

realKernel('arguments, directory, environment and output are the command’s', async (t) => {
  const made = await bench(t);
  const folder = temporary(t);
  const argv = ['sh', '-c', 'printf "[%s]" "$@"; pwd; echo "$GREETING"; echo oops >&2', 'sh', 'a b', '$(id)', '', "'"];
  const { printed, ended } = recorded(made, argv, { cwd: folder, env: { PATH: process.env.PATH, GREETING: 'hello' } });
  assert.equal((await ended).status, 0);
  assert.equal(printed.out, `[a b][$(id)][][']${folder}\nhello\n`);
  assert.equal(printed.err, 'oops\n');
});

realKernel(
  'a group that takes no process is told with file, errno, meaning and what to do; nothing is run',
  async (t) => {
    const made = await bench(t);
    const { host, id } = made;
    const bad = makeBare(made, 'bad');
    const marker = join(temporary(t), 'ran');
    await assert.rejects(run(host, registry, bad, ['touch', marker], QUIET), (error) => {
      assert.ok(error instanceof CgError);
      assert.equal(error.code, 'RUN');
      assert.equal(error.exit, 125);
      assert.match(error.message, /cpuset.*\/bad\/cgroup\.procs: .*ENOSPC.*--cpuset-cpus.*--cpuset-mems/);
      return true;
    });
    assert.equal(existsSync(marker), false);
    await assert.rejects(run(host, registry, childId(id, 'none'), ['true'], QUIET), { code: 'NOT_FOUND' });
    await assert.rejects(run(host, registry, id, ['true'], { ...QUIET, cwd: join(marker, 'none') }), { code: 'RUN' });
  },
  ['cpuset'],
);

/** A command that notes its signals, and a way to send it some as if this process had got them. */
async function signalled(t: TestContext, made: Bench, options: RunOptions = {}) {
  const log = join(temporary(t), 'log');
  let listener: ((name: NodeJS.Signals) => void) | undefined;
  const released = { yes: false };
  const traps = FORWARDED.map((name) => name.slice(3))
    .map((name) => `trap 'echo ${name} >> "$1"' ${name};`)
    .join(' ');
  const { ended } = recorded(
    made,
    ['sh', '-c', `${traps} echo ready >> "$1"; while :; do sleep 0.01; done`, 'sh', log],
    {
      takeSignals: (names, take) => {
        assert.deepEqual(names, FORWARDED);
        listener = take;
        return () => {
          released.yes = true;
        };
      },
      ...options,
    },
  );
  await until(() => text(log) === 'ready\n');
  return { log, ended, released, send: (name: NodeJS.Signals) => listener?.(name) };
}

realKernel(
  'signals are passed on',
  async (t) => {
    const made = await bench(t);
    const { log, ended, released, send } = await signalled(t, made);
    // what the terminal sends to both is not sent twice, and a test may have a terminal
    const sent = FORWARDED.filter((name) => !['SIGINT', 'SIGQUIT', 'SIGWINCH'].includes(name));
    for (const name of sent) {
      send(name);
      await until(() => text(log).includes(`${name.slice(3)}\n`));
    }
    assert.equal(released.yes, false);
    const [pid] = text(join(mountOf('cgroup2'), made.id, 'cgroup.procs'))
      .split('\n')
      .map(Number);
    process.kill(pid ?? assert.fail(), 'SIGKILL');
    assert.equal((await ended).status, 137);
    assert.equal(released.yes, true);
  },
  ['cgroup2'],
);

realKernel('an abort ends the command', async (t) => {
  const made = await bench(t);
  const abort = new AbortController();
  const { ended } = recorded(made, ['sleep', '1000'], { abort: abort.signal });
  await until(() => text(join(directoriesOf(made.id)[0] ?? '', 'cgroup.procs')) !== '');
  abort.abort();
  assert.equal((await ended).status, 143);
});

realKernel('with rm the group is removed at the end, and what is left in it killed and named', async (t) => {
  const made = await bench(t);
  const log = join(temporary(t), 'log');
  // what is forked is a sh until it becomes the command
  const script = 'sleep 1000 & until grep -q sleep /proc/$!/comm; do :; done; echo $! > "$1"';
  const { ended } = recorded(made, ['sh', '-c', script, 'sh', log], { rm: true });
  const { status, killed } = await ended;
  assert.equal(status, 0);
  assert.match(killed ?? '', new RegExp(`^${text(log).trim()} \\(sleep, `));
  assert.deepEqual(directoriesOf(made.id), []);
});

realKernel('with rm the group is removed also when the command was interrupted, or never ran', async (t) => {
  const made = await bench(t);
  const { ended, send } = await signalled(t, made, { rm: true });
  send('SIGTERM');
  const [pid] = text(join(directoriesOf(made.id)[0] ?? '', 'cgroup.procs'))
    .split('\n')
    .map(Number);
  process.kill(pid ?? assert.fail(), 'SIGKILL');
  assert.equal((await ended).status, 137);
  assert.deepEqual(directoriesOf(made.id), []);
  await made.create(made.id);
  assert.equal(
    (await run(made.host, registry, made.id, ['no-such-command-of-anyone'], { ...QUIET, rm: true })).status,
    127,
  );
  assert.deepEqual(directoriesOf(made.id), []);
});
