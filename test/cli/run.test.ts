import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS } from '../../src/errors.ts';
import { aliases, verbs } from '../../src/verbs/index.ts';
import { cgctl } from './support.ts';

const noHost = {
  openHost: () => {
    throw new TypeError('no host here');
  },
};

test('every verb has the name and the aliases that it is found by', async () => {
  for (const [name, load] of verbs) {
    const verb = await load();
    assert.equal(verb.name, name);
    const found = [...aliases].filter(([, [target]]) => target === name).map(([alias]) => alias);
    assert.deepEqual([...(verb.aliases ?? [])], found, name);
  }
  for (const [alias, [target]] of aliases) assert.ok(verbs.has(target) && !verbs.has(alias), alias);
});

test('every verb explains itself, without looking at the machine', async (t) => {
  for (const [name, load] of verbs) {
    const { summary, examples } = await load();
    const { status, out, err } = await cgctl(t, [name, '--help'], { around: noHost });
    assert.equal(status, 0, err);
    assert.match(out, new RegExp(`^Usage: cgctl ${name} `));
    assert.ok(out.includes(summary), out);
    assert.ok(examples.length > 0 && examples.every((example) => out.includes(example)), name);
    assert.match(out, /--cgroup-root/);
  }
});

test('the help of set groups flags by controller, with range and unit', async (t) => {
  const { out } = await cgctl(t, ['set', '-h'], { around: noHost });
  assert.match(out, /^cpu: CPU time/m);
  assert.match(out, /-c, --cpu-shares <n> .*2\.\.262144 shares/s);
  assert.match(out, /--oom-kill-disable\[=bool\]/);
});

test('the main help lists every verb and alias', async (t) => {
  for (const argv of [[], ['--help'], ['-h'], ['help']]) {
    const { status, out } = await cgctl(t, argv, { around: noHost });
    assert.equal(status, 0);
    for (const name of [...verbs.keys(), ...aliases.keys()]) assert.match(out, new RegExp(`\\b${name}\\b`));
  }
  assert.equal((await cgctl(t, ['help', 'set'], { around: noHost })).out, (await cgctl(t, ['set', '--help'])).out);
});

test('the version', async (t) => {
  for (const argv of [['--version'], ['-V'], ['ls', '--version']]) {
    assert.deepEqual(await cgctl(t, argv), { status: 0, out: 'cgctl 1.2.3\n', err: '' });
  }
});

test('what is no verb', async (t) => {
  const { status, err } = await cgctl(t, ['ste', 'web']);
  assert.equal(status, 2);
  assert.match(err, /there is no verb ste; did you mean set\?/);
  assert.match((await cgctl(t, ['constructor'])).err, /there is no verb constructor/);
  assert.match((await cgctl(t, ['a\x1b[2J\n'])).err, /there is no verb \$'a\\x1b\[2J\\x0a'/);
  assert.equal((await cgctl(t, ['--nothing'])).status, 2);
});

test('all mistakes in one error: of the words, the values and the ids', async (t) => {
  const { status, err } = await cgctl(t, [
    'set',
    '../x',
    '--cpu-sharse=5',
    '-c',
    '5.5',
    '--pids-limit',
    'x',
    '--memory',
  ]);
  assert.equal(status, ERRORS.USAGE.exit);
  assert.match(err, /^cgctl: 5 mistakes:\n/);
  for (const mistake of [
    '--memory needs a value',
    'no flag --cpu-sharse; did you mean --cpu-shares?',
    '"5.5" is not',
    '"x" is not',
    'contains ".."',
  ])
    assert.ok(err.includes(mistake), `${mistake} in ${err}`);
  assert.match(err, /See "cgctl set --help"\.\n$/);
});

test('mistakes as JSON', async (t) => {
  const { err } = await cgctl(t, ['ls', '--colour', '--json', 'a', 'b']);
  const { error } = JSON.parse(err);
  assert.equal(error.code, 'USAGE');
  assert.equal(error.exit, 2);
  assert.deepEqual(error.details.mistakes.length, 2);
});

test('an error that nobody foresaw', async (t) => {
  const { status, err } = await cgctl(t, ['ls'], { around: noHost });
  assert.equal(status, ERRORS.INTERNAL.exit);
  assert.match(err, /TypeError: no host here \(CGCTL_DEBUG=1 shows where\) \[INTERNAL\]/);
  assert.doesNotMatch(err, /\n {4}at /);
  const debug = await cgctl(t, ['ls'], { around: { ...noHost, env: { CGCTL_DEBUG: '1' } } });
  assert.match(debug.err, /\n {4}at /);
});

test('colour only on a terminal that wants it', async (t) => {
  const coloured = async (argv: string[], isTTY: boolean, env: Record<string, string> = {}) =>
    (await cgctl(t, argv, { isTTY, around: { env } })).err.includes('\x1b[');
  assert.equal(await coloured(['nothing'], true), true);
  assert.equal(await coloured(['nothing'], false), false);
  assert.equal(await coloured(['nothing', '--no-color'], true), false);
  assert.equal(await coloured(['nothing'], true, { NO_COLOR: '1' }), false);
  assert.equal(await coloured(['nothing'], true, { TERM: 'dumb' }), false);
});

test('an abort is no mistake', async (t) => {
  const abort = new AbortController();
  const around = {
    signal: abort.signal,
    openHost: () => {
      abort.abort();
      abort.signal.throwIfAborted();
      throw new Error('not reached');
    },
  };
  assert.deepEqual(await cgctl(t, ['ls'], { around }), { status: 130, out: '', err: '' });
});

test('the root of the hierarchies comes from the flag, else from the environment', async (t) => {
  const seen: (string | undefined)[] = [];
  const around = {
    openHost: (root: string | undefined) => {
      seen.push(root);
      throw new TypeError('seen');
    },
    env: { CGCTL_CGROUP_ROOT: '/env' },
  };
  await cgctl(t, ['--cgroup-root', '/flag', 'ls'], { around });
  await cgctl(t, ['ls', '--cgroup-root=/flag'], { around });
  await cgctl(t, ['ls'], { around });
  await cgctl(t, ['ls'], { around: { openHost: around.openHost } });
  assert.deepEqual(seen, ['/flag', '/flag', '/env', undefined]);
});
