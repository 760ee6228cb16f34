import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { cgctl } from '../cli/support.ts';
import {
  cgroupMounts,
  mountOf,
  needsHierarchies,
  scratch,
  spawnBusy,
  spawnFor,
  spawnIdle,
  temporary,
  testUnless,
} from '../support/host.ts';
import { lacking, Terminal, type TerminalOptions } from './tmux.ts';

/** A group of the test's own with two below it, and the view filtered to it. */
async function viewing(t: TestContext, options: TerminalOptions = {}, ...flags: string[]) {
  const { path } = scratch(t);
  for (const id of [`${path}/hot`, `${path}/cold`]) assert.equal((await cgctl(t, ['create', id])).status, 0);
  const name = basename(path);
  const terminal = new Terminal(t, options);
  await terminal.run(`cgctl top -i 200ms --filter ${name} ${flags.join(' ')}`);
  await terminal.shows(/▾ cgctl-test/);
  return { path, name, terminal };
}

const text = (hierarchy: string, id: string, file: string) =>
  readFileSync(join(mountOf(hierarchy), id, file), 'utf8').trim();

testUnless(lacking, 'the tree is shown, sorted, folded and filtered; Ctrl-C gives the terminal back', async (t) => {
  const { name, terminal } = await viewing(t);
  assert.ok(terminal.taken && !terminal.cursorIsShown);
  await terminal.shows(/^cgctl · .* ● live 0\.2 s · \d+ of \d+ groups/);
  await terminal.shows(/^ +hot /);
  terminal.hit('0');
  await terminal.shows(/^group▴/);
  await terminal.until(() => {
    const { lines } = terminal;
    const [cold, hot] = [/^ +cold /, /^ +hot /].map((pattern) => lines.findIndex((line) => pattern.test(line)));
    return cold !== undefined && hot !== undefined && cold > 0 && cold < hot;
  });
  terminal.hit('Escape');
  await terminal.hides(/of \d+ groups/);
  terminal.type(`/${name}`);
  await terminal.shows(new RegExp(`^/${name}$`));
  assert.ok(terminal.cursorIsShown);
  terminal.hit('Enter');
  await terminal.shows(/ of \d+ groups/);
  terminal.hit('Escape', 'h');
  await terminal.shows(/^▸ \//);
  terminal.hit('l');
  await terminal.shows(/^▾ \//);
  terminal.hit('C-c');
  await terminal.prompts();
  assert.ok(terminal.cursorIsShown);
  await terminal.shows(/^\$ cgctl top/);
  assert.ok(!terminal.lines.some((line) => line.startsWith('cgctl ·')));
  await terminal.run('echo "status $?"; stty -a | grep -o " -\\?echo "');
  await terminal.shows(/^status 0$/);
  await terminal.shows(/^ echo$/);
});

testUnless(
  lacking ?? needsHierarchies('cpuacct', 'cpu'),
  'a busy loop’s CPU is seen, then it is frozen, thawed and killed, each after a question',
  async (t) => {
    const { path, name, terminal } = await viewing(t);
    const { pid, exited } = await spawnBusy(t);
    for (const { point } of cgroupMounts()) writeFileSync(join(point, path, 'hot/cgroup.procs'), String(pid));
    terminal.hit('Escape');
    terminal.type(`/${name}/hot`);
    terminal.hit('Enter');
    await terminal.shows(/^ +hot .* [01]\.[1-9]\d /);
    terminal.hit('End');
    terminal.hit('f');
    await terminal.shows(/^freeze \/cgctl-test.*\/hot: .* y: yes, any other key: no/);
    terminal.hit('n');
    await terminal.shows(/^nothing was done$/);
    terminal.hit('f', 'y');
    await terminal.shows(/\/hot: frozen$/);
    await terminal.until(() => text('freezer', `${path}/hot`, 'freezer.state') === 'FROZEN');
    await terminal.shows(/^ +hot ❄/);
    terminal.hit('f');
    await terminal.shows(/^thaw .*\/hot/);
    terminal.hit('y');
    await terminal.shows(/\/hot: thawed$/);
    assert.equal(text('freezer', `${path}/hot`, 'freezer.state'), 'THAWED');
    terminal.hit('K');
    await terminal.shows(/^KILL every process in .*\/hot/);
    terminal.hit('y');
    await terminal.shows(/\/hot: killed 1 process$/);
    assert.equal((await exited).signal, 'SIGKILL');
  },
);

testUnless(
  lacking ?? needsHierarchies('cpu', 'pids'),
  'limits are set: the plan is shown, then done; a mistake is told and changes nothing',
  async (t) => {
    const { path, terminal } = await viewing(t);
    terminal.hit('End', 's');
    await terminal.shows(/^set \/cgctl-test/);
    terminal.type('--cpu-share 300');
    terminal.hit('Enter');
    await terminal.shows(/there is no flag --cpu-share.*cpu-shares/);
    terminal.hit('x', 's');
    terminal.type('--cpu-shares 300 --pids-limit 7');
    terminal.hit('Enter');
    const id = (await terminal.shows(/^set (\/cgctl-test\S+): this will be done/))[1] ?? '';
    await terminal.shows(/cpu\.shares +1024 → 300/);
    assert.equal(text('cpu', id, 'cpu.shares'), '1024');
    terminal.hit('y');
    await terminal.shows(/: done$/);
    assert.equal(text('cpu', id, 'cpu.shares'), '300');
    assert.equal(text('pids', id, 'pids.max'), '7');
    terminal.hit('x', 'Enter');
    await terminal.shows(new RegExp(`^${path}`));
    await terminal.shows(/^cpu\.shares +300/);
  },
);

testUnless(lacking, 'the detail pane lists settings, processes and what happens', async (t) => {
  const { path, name, terminal } = await viewing(t, { columns: 160, rows: 50 });
  const { pid } = await spawnIdle(t);
  const [first] = cgroupMounts();
  assert.ok(first);
  writeFileSync(join(first.point, path, 'hot/cgroup.procs'), String(pid));
  terminal.hit('Escape');
  terminal.type(`/${name}/hot`);
  terminal.hit('Enter', 'End', 'Enter');
  await terminal.shows(/│ PROCESSES 1$/);
  await terminal.shows(new RegExp(`│ +${pid} S .* sleep$`));
  mkdirSync(join(first.point, path, 'hot/below'));
  await terminal.shows(/│ \d\d:\d\d:\d\d created .*below/);
  terminal.hit('Escape');
  await terminal.hides(/│ PROCESSES/);
});

testUnless(lacking, 'another width shows other columns; too little room is told', async (t) => {
  const { terminal } = await viewing(t, { columns: 160 });
  await terminal.shows(/^group .* Written/);
  terminal.resize(80, 24);
  await terminal.until(() => terminal.lines.some((line) => /^group .* PIDs$/.test(line) && line.length <= 80));
  assert.ok(!terminal.lines.some((line) => /Written/.test(line)));
  terminal.resize(100, 30);
  await terminal.until(() => terminal.lines[29]?.startsWith('/ cgctl-') === true);
  terminal.resize(60, 20);
  await terminal.shows(/needs 80 columns/);
  terminal.resize(80, 24);
  await terminal.shows(/^group /);
});

testUnless(lacking, 'NO_COLOR leaves no colour, other terminals have 16 or 256', async (t) => {
  const colours = async (env: Readonly<Record<string, string>>) => {
    const { terminal } = await viewing(t, { env });
    return [...terminal.coloured.matchAll(/\x1b\[([\d;]+)m/g)].flatMap(([, codes = '']) =>
      codes.split(';').map(Number),
    );
  };
  const colour = (code: number) => (code >= 30 && code <= 38) || (code >= 90 && code <= 97);
  assert.ok(!(await colours({ NO_COLOR: '1' })).some(colour));
  assert.ok((await colours({})).includes(38));
  const sixteen = await colours({ TERM: 'screen' });
  assert.ok(sixteen.some(colour) && !sixteen.includes(38));
});

testUnless(lacking, 'hostile names are shown harmlessly, wide ones in their columns', async (t) => {
  const { path, name, terminal } = await viewing(t, { columns: 80 });
  const [first] = cgroupMounts();
  assert.ok(first);
  for (const name of ['\u202eevil', '日本語']) mkdirSync(join(first.point, path, name));
  await terminal.shows(/^ +\\u\{202e\}evil /);
  const wide = (await terminal.shows(/^ +日本語.*$/))[0];
  const narrow = (await terminal.shows(/^ +\\u\{202e\}evil.*$/))[0];
  // Figures stand one under the other: three characters take six columns.
  assert.equal(wide.lastIndexOf('–') + 3, narrow.lastIndexOf('–'));

  const command = join(temporary(t), '\x1b]0;owned\x07\x1b[31m');
  symlinkSync('/bin/sleep', command);
  const { pid } = await spawnFor(t, command, 'infinity');
  writeFileSync(join(first.point, path, '日本語/cgroup.procs'), String(pid));
  terminal.hit('Escape');
  terminal.type(`/${name}/日`);
  terminal.hit('Enter', 'End', 'Enter');
  await terminal.shows(new RegExp(`${pid} S .*\\\\x1b\\]0;owned\\\\x07`));
  assert.ok(!terminal.coloured.includes('\x1b[31m'));
});

testUnless(lacking, 'Ctrl-Z gives the terminal to the shell, fg takes it again; SIGTERM gives it back', async (t) => {
  const { terminal } = await viewing(t);
  terminal.hit('C-z');
  await terminal.shows(/Stopped/);
  assert.ok(!terminal.taken && terminal.cursorIsShown);
  await terminal.run('fg');
  await terminal.shows(/▾ cgctl-test/);
  assert.ok(terminal.taken);
  terminal.hit('C-z');
  await terminal.until(() => !terminal.taken);
  await terminal.run('kill -TERM %1; fg');
  await terminal.prompts();
  assert.ok(terminal.cursorIsShown);
});

testUnless(lacking, 'where no terminal is, tables are printed and an end comes after so many', async (t) => {
  const { path } = scratch(t);
  assert.equal((await cgctl(t, ['create', path])).status, 0);
  const plain = await cgctl(t, ['top', '-n', '2', '-i', '100ms', '--filter', basename(path)]);
  assert.equal(plain.status, 0, plain.err);
  assert.equal(plain.out.match(/^CGROUP +CPU/gm)?.length, 2);
  assert.equal(plain.out.split('\n').filter((line) => line.startsWith(`${path} `)).length, 2);
  const json = await cgctl(t, ['top', '-n', '2', '-i', '100ms', '--filter', basename(path), '--json']);
  const lines = json.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ cgroups }) => cgroups.map(({ id }: { id: string }) => id)),
    [[path], [path]],
  );
  for (const [flags, message] of [
    [['-n', '0'], /--count/],
    [['-i', '1ms'], /--interval/],
    [['--sort', 'cpo', '-n', '1'], /no column cpo.*did you mean/i],
  ] as const) {
    const { status, err } = await cgctl(t, ['top', ...flags]);
    assert.equal(status, 2);
    assert.match(err, message);
  }
});
