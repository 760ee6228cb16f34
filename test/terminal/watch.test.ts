import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cgctl } from '../cli/support.ts';
import { projectRoot } from '../support/files.ts';
import { atEnd, mountOf, needsHierarchies, scratch, spawnBusy, testUnless } from '../support/host.ts';
import { lacking, Terminal } from './tmux.ts';

testUnless(
  lacking ?? needsHierarchies('cpu', 'cpuacct'),
  'one group is watched: its figures, a change as it comes, and that it is gone',
  async (t) => {
    const { path, cleanup } = scratch(t);
    assert.equal((await cgctl(t, ['create', path])).status, 0);
    const { pid } = await spawnBusy(t);
    for (const hierarchy of ['cpu', 'cpuacct'])
      writeFileSync(join(mountOf(hierarchy), path, 'cgroup.procs'), String(pid));
    const terminal = new Terminal(t, { columns: 110, rows: 60 });
    await terminal.run(`cgctl watch ${basename(path)} -i 200ms`);
    await terminal.shows(new RegExp(`^${path}$`));
    await terminal.shows(/^CPU +(?:0\.[1-9]|0\.0[1-9]|1\.)/);
    await terminal.shows(new RegExp(`^ +${pid} [RS] .* sh$`));
    terminal.hit('s');
    terminal.type('--cpu-shares 300');
    terminal.hit('Enter');
    await terminal.shows(/1024 → 300/);
    terminal.hit('y');
    await terminal.shows(/1024 → 300$/);
    terminal.hit('Enter', '/', 'Enter', 'Escape', 'h');
    await terminal.shows(/^\d\d:\d\d:\d\d limit_changed .*cpu\.shares/);
    await terminal.shows(/^cpu\.shares +300/);
    cleanup();
    await terminal.shows(/^this group is gone$/);
    terminal.hit('q');
    await terminal.prompts();
  },
);

testUnless(
  lacking,
  'without a terminal a line is printed for each look and event, and an end comes with the group',
  async (t) => {
    const { path, cleanup } = scratch(t);
    assert.equal((await cgctl(t, ['create', path])).status, 0);
    const some = await cgctl(t, ['watch', path, '-n', '3', '-i', '100ms']);
    assert.equal(some.status, 0, some.err);
    assert.equal(some.out.split('\n').filter((line) => /^\d\d:\d\d:\d\d {2}CPU 0\.00/.test(line)).length, 3);
    const json = await cgctl(t, ['watch', path, '-n', '1', '-i', '100ms', '--json']);
    const [line] = json.out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    assert.equal(line.cgroup, path);
    assert.ok(Object.values(line.figures).includes(0));

    const child = spawn(process.execPath, [join(projectRoot, 'bin/cgctl'), 'watch', path, '-i', '100ms']);
    atEnd(t, () => void child.kill('SIGKILL'));
    child.stdout.once('data', cleanup);
    let err = '';
    child.stderr.on('data', (bytes) => {
      err += bytes;
    });
    const [status] = await once(child, 'close');
    assert.equal(status, 3, err);
    assert.match(err, /is gone/);
  },
);
