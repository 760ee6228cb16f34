import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { errnoOf } from '../../src/errors.ts';
import { type DirectoryNote, type Note, nativeProblem, type Watcher } from '../../src/native.ts';
import {
  atEnd,
  mountOf,
  scratch,
  spawnBusy,
  spawnFor,
  spawnIdle,
  temporary,
  testUnless,
  until,
} from '../support/host.ts';
import { loadingAddon, realNative, runText, theNative } from './the-native.ts';

const MiB = 1024 * 1024;

function memoryGroup(t: TestContext): string {
  const group = join(mountOf('memory'), scratch(t).path);
  mkdirSync(group);
  return group;
}

/** A watcher that keeps the process alive, and what it has told. */
function listen(t: TestContext): { watcher: Watcher; told: Note[]; heard: Set<number> } {
  const told: Note[] = [];
  const heard = new Set<number>();
  const { Watcher } = theNative();
  const watcher = new Watcher((notes) => {
    told.push(...notes);
    for (const note of notes) if (note.kind === 'text' || note.kind === 'ended') heard.add(note.key);
  });
  watcher.ref();
  atEnd(t, () => watcher.close());
  return { watcher, told, heard };
}

const OOM = { mechanism: 'eventfd', file: 'memory.oom_control', control: 'cgroup.event_control' } as const;
const addOom = (watcher: Watcher, group: string): number => watcher.add(watcher.define(OOM), group);

const textsOf = (told: readonly Note[], key: number) =>
  told.flatMap((note) => (note.kind === 'text' && note.key === key ? [note.texts] : []));
const endedOf = (told: readonly Note[]) => told.flatMap((note) => (note.kind === 'ended' ? [note.key] : []));
const directoriesIn = (told: readonly Note[], directory: string): DirectoryNote[] =>
  told.flatMap((note) => ('directory' in note && `${note.directory}/`.startsWith(`${directory}/`) ? [note] : []));

const descriptors = () => readdirSync('/proc/self/fd').length;
const threads = () => readdirSync('/proc/self/task').length;

realNative(
  'an OOM in a group is told with the counters, and of that group only',
  async (t) => {
    const group = memoryGroup(t);
    const quiet = memoryGroup(t);
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(16 * MiB));
    const { watcher, told, heard } = listen(t);
    const spec = watcher.define({ ...OOM, beside: ['memory.limit_in_bytes'], looks: [1, 5, 20, 100, 1000] });
    const [key, other] = [watcher.add(spec, group), watcher.add(spec, quiet)];

    const victim = await spawnFor(t, 'sh', '-c', `echo $$ > ${group}/cgroup.procs && exec tail /dev/zero`);
    await until(() => textsOf(told, key).some(([text = '']) => text.includes('oom_kill 1')));
    assert.equal((await victim.exited).signal, 'SIGKILL');
    assert.equal(heard.has(other), false);
    const [first] = textsOf(told, key);
    assert.equal(first?.length, 2);
    assert.ok(textsOf(told, key).some(([, limit]) => limit === `${16 * MiB}\n`));
  },
  ['memory'],
);

realNative(
  'removal of the group ends its key',
  async (t) => {
    const group = memoryGroup(t);
    const { watcher, told } = listen(t);
    const before = descriptors();
    const key = addOom(watcher, group);
    rmdirSync(group);
    await until(() => endedOf(told).length > 0);
    assert.deepEqual(endedOf(told), [key]);
    assert.equal(watcher.remove(key), false);
    assert.equal(descriptors(), before);
  },
  ['memory'],
);

realNative(
  'arguments reach the kernel: a threshold and a pressure level are heard when crossed',
  async (t) => {
    const group = memoryGroup(t);
    const { watcher, told, heard } = listen(t);
    const usage = watcher.define({ ...OOM, file: 'memory.usage_in_bytes' });
    const level = watcher.define({ ...OOM, file: 'memory.pressure_level' });
    const key = watcher.add(usage, group, String(8 * MiB));
    const low = watcher.add(level, group, 'low');
    const control = join(group, 'cgroup.event_control');
    assert.throws(() => watcher.add(usage, group, 'much'), { code: 'EINVAL', syscall: 'write', path: control });
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(32 * MiB));
    // Page cache beyond the limit has to be reclaimed.
    const file = join(temporary(t), 'file');
    await spawnFor(
      t,
      'sh',
      '-c',
      `echo $$ > ${group}/cgroup.procs && head -c 96M /dev/zero > ${file} && exec sleep infinity`,
    );
    await until(() => heard.has(key));
    assert.ok(textsOf(told, key).every(([text]) => Number(text) > 0));
    await until(() => heard.has(low));
  },
  ['memory'],
);

realNative(
  'a v2 file is heard though the kernel dropped its caches meanwhile',
  async (t) => {
    const group = join(mountOf('cgroup2'), scratch(t).path);
    mkdirSync(group);
    const { watcher, told } = listen(t);
    const key = watcher.add(watcher.define({ mechanism: 'modify', file: 'cgroup.events' }), group);
    writeFileSync('/proc/sys/vm/drop_caches', '2');
    const { pid } = await spawnIdle(t);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    await until(() => textsOf(told, key).some(([text = '']) => text.includes('populated 1')));
  },
  ['cgroup2'],
);

realNative(
  'a pressure trigger is heard, and ends with its group',
  async (t) => {
    const group = join(mountOf('cgroup2'), scratch(t).path);
    mkdirSync(group);
    if (!existsSync(join(group, 'cpu.pressure'))) return t.skip('absent by kernel: no pressure');
    const { watcher, told, heard } = listen(t);
    const spec = watcher.define({ mechanism: 'trigger', file: 'cpu.pressure' });
    const before = descriptors();
    const key = watcher.add(spec, group, 'some 20000 2000000');
    assert.throws(() => watcher.add(spec, group, 'some 3000000 2000000'), { code: 'EINVAL', syscall: 'write' });
    const cpus = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm)?.length ?? 1;
    const busy = await Promise.all(Array.from({ length: cpus + 1 }, () => spawnBusy(t)));
    for (const { pid } of busy) writeFileSync(join(group, 'cgroup.procs'), String(pid));
    await until(() => heard.has(key));
    assert.match(textsOf(told, key)[0]?.[0] ?? '', /^some avg10=/);
    for (const { child } of busy) child.kill('SIGKILL');
    await Promise.all(busy.map(({ exited }) => exited));
    await until(() => {
      try {
        rmdirSync(group);
        return true;
      } catch (error) {
        // A process that ended leaves its group a moment later.
        if (errnoOf(error) !== 'EBUSY') throw error;
        return false;
      }
    });
    await until(() => endedOf(told).includes(key));
    assert.equal(descriptors(), before);
  },
  ['cgroup2'],
);

/** Writes once: writeFileSync truncates first, which is told as well. */
function write(file: string, text: string): void {
  writeFileSync(file, text, { flag: 'r+' });
}

/** What a watcher tells of a group that is made, has its limit written, and is removed. */
async function passing(t: TestContext, told: Note[], begin: (top: string) => void): Promise<void> {
  const top = memoryGroup(t);
  begin(top);
  const child = join(top, 'child');
  mkdirSync(child);
  write(join(child, 'memory.limit_in_bytes'), String(64 * MiB));
  const kinds = () => directoriesIn(told, top).map(({ kind, name }) => `${kind} ${name}`);
  await until(() => kinds().includes('made child'));
}

realNative(
  'groups that are made and removed, and writes to files by name, are told by whole file systems, with who did it',
  async (t) => {
    const { watcher, told } = listen(t);
    const refused = refusal(() => watcher.markTree(3, mountOf('memory')));
    if (refused !== undefined) return t.skip(`absent by kernel: fanotify answers ${refused}`);
    watcher.names(['memory.limit_in_bytes', 'memory.{key}limit_in_bytes']);
    watcher.births(3, [watcher.define(OOM), watcher.define({ ...OOM, file: 'absent' })]);
    let top = '';
    await passing(t, told, (path) => {
      top = path;
    });
    await until(() => directoriesIn(told, top).some(({ kind }) => kind === 'written'));
    rmdirSync(join(top, 'child'));
    await until(() => directoriesIn(told, top).some(({ kind }) => kind === 'removed'));
    const notes = directoriesIn(told, top).filter(({ directory }) => directory !== dirname(top));
    assert.deepEqual(
      notes.map(({ kind, name }) => `${kind} ${name}`),
      ['made child', 'written memory.limit_in_bytes', 'removed child'],
    );
    assert.ok(notes.every(({ pid, hierarchy }) => pid === process.pid && hierarchy === 3));
    const [made] = notes;
    assert.equal(made?.keys?.length, 2);
    // Its OOM listener was there from the first moment on, and its end was heard.
    await until(() => endedOf(told).includes(made?.keys?.[0] ?? -1));
    assert.equal(made?.keys?.[1], undefined);
  },
  ['memory'],
);

realNative(
  'the same is told by watches on directories, without who did it',
  async (t) => {
    const { watcher, told } = listen(t);
    watcher.names(['memory.limit_in_bytes']);
    watcher.births(0, [watcher.define(OOM)]);
    const spec = watcher.define({ mechanism: 'directory', hierarchy: 0, writes: true });
    let top = '';
    await passing(t, told, (path) => {
      top = path;
      watcher.add(spec, top);
    });
    watcher.add(spec, join(top, 'child'));
    write(join(top, 'child/memory.limit_in_bytes'), String(32 * MiB));
    write(join(top, 'child/memory.swappiness'), '60');
    await until(() => directoriesIn(told, top).some(({ kind }) => kind === 'written'));
    rmdirSync(join(top, 'child'));
    await until(() => directoriesIn(told, top).some(({ kind }) => kind === 'removed'));
    const notes = directoriesIn(told, top);
    assert.deepEqual(
      notes.map(({ kind, name }) => `${kind} ${name}`),
      ['made child', 'written memory.limit_in_bytes', 'removed child'],
    );
    assert.ok(notes.every(({ pid }) => pid === undefined));
    await until(() => endedOf(told).includes(notes[0]?.keys?.[0] ?? -1));
  },
  ['memory'],
);

realNative(
  'writes are told with who did it by kernels whose file systems have no ids, too',
  async (t) => {
    const { watcher, told } = listen(t);
    const group = memoryGroup(t);
    watcher.names(['memory.limit_in_bytes']);
    watcher.markWrites(1, mountOf('memory'));
    const writer = await spawnFor(t, 'sh', '-c', `echo 64M > ${group}/memory.limit_in_bytes; exec sleep infinity`);
    await until(() => directoriesIn(told, group).length > 0);
    const [note] = directoriesIn(told, group);
    assert.deepEqual(note, {
      kind: 'written',
      hierarchy: 1,
      directory: group,
      name: 'memory.limit_in_bytes',
      pid: writer.pid,
      command: note?.command,
    });
  },
  ['memory'],
);

realNative(
  'the kernel’s log is followed, with the groups of the process that it names',
  async (t) => {
    const { watcher, told } = listen(t);
    watcher.kernelLog(['cgctl-test says'], 'says ');
    const word = `cgctl-test says ${process.pid} hello`;
    writeFileSync('/dev/kmsg', '<7>something else\n');
    writeFileSync('/dev/kmsg', `<7>${word}\n`);
    const logged = () => told.flatMap((note) => (note.kind === 'log' && note.text.includes(word) ? [note] : []));
    await until(() => logged().length > 0);
    assert.equal(logged().length, 1);
    assert.match(logged()[0]?.text ?? '', /^\d+,\d+,\d+,.*;cgctl-test says/);
    assert.equal(logged()[0]?.groups, readFileSync('/proc/self/cgroup', 'utf8'));
  },
  [],
);

realNative(
  'a mount that cannot be marked does not make the next one silent',
  async (t) => {
    for (const mark of ['markTree', 'markWrites'] as const) {
      const { watcher, told } = listen(t);
      const group = memoryGroup(t);
      watcher.names(['memory.limit_in_bytes']);
      assert.throws(() => watcher[mark](0, join(group, 'absent')), { code: 'ENOENT' });
      const refused = refusal(() => watcher[mark](1, mountOf('memory')));
      if (refused !== undefined) return t.skip(`absent by kernel: fanotify answers ${refused}`);
      write(join(group, 'memory.limit_in_bytes'), String(64 * MiB));
      await until(() => directoriesIn(told, group).some(({ kind }) => kind === 'written'));
      watcher.close();
    }
  },
  ['memory'],
);

realNative(
  'what cannot be told since there is no descriptor left is told as lost',
  (t) => {
    const group = memoryGroup(t);
    for (const mark of ['markTree', 'markWrites']) {
      const { stdout, stderr } = runText(`
        const { mkdirSync, openSync, readdirSync, writeSync } = require('node:fs');
        const { spawnSync } = require('node:child_process');
        const limit = openSync(${JSON.stringify(group)} + '/memory.limit_in_bytes', 'r+');
        ${loadingAddon()}
        const kinds = new Set();
        const watcher = new addon.exports.Watcher((notes) => {
          for (const { kind } of notes) kinds.add(kind);
          if (kinds.has('lost')) watcher.close();
        });
        watcher.ref();
        watcher.names(['memory.limit_in_bytes']);
        try {
          watcher.${mark}(0, ${JSON.stringify(mountOf('memory'))});
        } catch ({ code }) {
          console.log(code);
          process.exit();
        }
        process.on('exit', () => console.log(kinds.has('lost')));
        const most = Math.max(...readdirSync('/proc/self/fd').map(Number)) + 2;
        spawnSync('prlimit', ['--pid', process.pid, '--nofile=' + most + ':']);
        try {
          for (;;) openSync('/dev/null');
        } catch ({ code }) {
          if (code !== 'EMFILE') throw code;
        }
        mkdirSync(${JSON.stringify(join(group, mark))});
        writeSync(limit, '64M');
      `);
      if (stdout === 'ENODEV\n') continue;
      assert.equal(stdout, 'true\n', stderr);
    }
  },
  ['memory'],
);

realNative(
  'what cannot be watched is an error and leaves nothing open',
  (t) => {
    const group = memoryGroup(t);
    const { watcher } = listen(t);
    addOom(watcher, group);
    const before = descriptors();
    const absent = join(group, 'absent');
    const add = (words: object, directory = group) => watcher.add(watcher.define({ ...OOM, ...words }), directory);
    assert.throws(() => add({ file: 'absent' }), { code: 'ENOENT', syscall: 'open', path: absent });
    assert.throws(() => add({ control: 'absent' }), { code: 'ENOENT', syscall: 'open', path: absent });
    assert.throws(() => add({ file: 'cgroup.event_control' }), { code: 'EINVAL', syscall: 'write' });
    assert.throws(() => add({ mechanism: 'modify', file: 'absent' }), { code: 'ENOENT', syscall: 'inotify_add_watch' });
    assert.throws(() => watcher.markTree(0, absent), { code: 'ENOENT' });
    for (const key of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => watcher.remove(key), TypeError);
    // One descriptor stays for the group of marks that were tried.
    assert.ok(descriptors() <= before + 1);
  },
  ['memory'],
);

realNative(
  'after remove and close nothing is heard',
  async (t) => {
    const [removed, closed, live] = [memoryGroup(t), memoryGroup(t), memoryGroup(t)];
    const { watcher, heard } = listen(t);
    const other = listen(t);
    const first = addOom(watcher, removed);
    addOom(other.watcher, closed);
    const last = addOom(watcher, live);
    watcher.remove(first);
    const late = other.watcher;
    late.close();
    late.close();
    for (const call of [
      () => addOom(late, live),
      () => late.markTree(0, mountOf('memory')),
      () => late.markWrites(0, mountOf('memory')),
      () => late.kernelLog(['x'], ''),
    ])
      assert.throws(call, { code: 'EBADF' });
    late.names(['x']);
    late.births(0, []);
    late.ref();
    late.unref();
    assert.equal(late.remove(0), false);
    for (const group of [removed, closed, live]) rmdirSync(group);
    await until(() => heard.has(last));
    assert.deepEqual([...heard], [last]);
    assert.equal(other.heard.size, 0);
  },
  ['memory'],
);

realNative(
  'a watcher may be closed by its own callback',
  async (t) => {
    const groups = [memoryGroup(t), memoryGroup(t)];
    let calls = 0;
    const { Watcher } = theNative();
    const watcher = new Watcher(() => {
      calls += 1;
      watcher.close();
    });
    watcher.ref();
    for (const group of groups) addOom(watcher, group);
    for (const group of groups) rmdirSync(group);
    await until(() => calls > 0);
    await sleep(20);
    assert.equal(calls, 1);
  },
  ['memory'],
);

/** JavaScript that makes a watcher whose callback is given, and lets it watch groups. */
function source(callback: string, groups: readonly string[]): string {
  return `
    ${loadingAddon()}
    const watcher = new addon.exports.Watcher(${callback});
    const spec = watcher.define(${JSON.stringify(OOM)});
    for (const group of ${JSON.stringify(groups)}) watcher.add(spec, group);
  `;
}

realNative(
  'a callback that throws is an uncaught exception, and later news are not lost',
  (t) => {
    const groups = [memoryGroup(t), memoryGroup(t)];
    const script = `
    const { rmdirSync } = require('node:fs');
    const groups = ${JSON.stringify(groups)};
    process.on('uncaughtException', (error) => console.log(error.message));
    let calls = 0;
    const heard = () => {
      calls += 1;
      if (calls === 2) watcher.close();
      else setImmediate(() => rmdirSync(groups[1]));
      throw new Error('call ' + calls);
    };
    ${source('heard', groups)}
    watcher.ref();
    rmdirSync(groups[0]);
  `;
    const { stdout, status } = runText(script);
    assert.equal(stdout, 'call 1\ncall 2\n');
    assert.equal(status, 0);
  },
  ['memory'],
);

realNative(
  'hundreds of watchers leave no descriptor and no thread',
  async (t) => {
    const group = memoryGroup(t);
    const cycle = () => {
      const { watcher } = listen(t);
      const [first] = [addOom(watcher, group), addOom(watcher, group)];
      watcher.add(watcher.define({ mechanism: 'modify', file: 'memory.oom_control' }), group);
      watcher.add(watcher.define({ mechanism: 'directory', hierarchy: 0, writes: true }), group);
      watcher.kernelLog(['x'], '');
      refusal(() => watcher.markTree(0, mountOf('memory')));
      watcher.remove(first ?? -1);
      watcher.close();
    };
    cycle();
    const before = [descriptors(), threads()];
    for (let i = 0; i < 100; i++) cycle();
    // A joined thread leaves /proc a moment later.
    await until(() => threads() <= (before[1] ?? 0));
    assert.deepEqual([descriptors(), threads()], before);
  },
  ['memory'],
);

realNative(
  'workers watch, and may end in any way',
  async (t) => {
    const group = memoryGroup(t);
    const before = [descriptors(), threads()];
    const worker = (line: string) => {
      const callback = `([{ kind }]) => require('node:worker_threads').parentPort.postMessage(kind)`;
      return new Worker(source(callback, [group]) + line, { eval: true });
    };

    const hearing = worker(`watcher.ref(); require('node:worker_threads').parentPort.postMessage('ready');`);
    assert.deepEqual(await once(hearing, 'message'), ['ready']);
    rmdirSync(group);
    assert.deepEqual(await once(hearing, 'message'), ['ended']);
    await hearing.terminate();

    mkdirSync(group);
    const leaving = worker('');
    assert.deepEqual(await once(leaving, 'exit'), [0]);
    const exiting = worker('watcher.ref(); process.exit(3);');
    assert.deepEqual(await once(exiting, 'exit'), [3]);
    await until(() => descriptors() <= (before[0] ?? 0) && threads() <= (before[1] ?? 0));
  },
  ['memory'],
);

realNative(
  'a process may end while it watches',
  (t) => {
    const group = memoryGroup(t);
    for (const [line, status] of [
      ['watcher.ref(); process.exit(5);', 5],
      ['watcher.ref(); setImmediate(() => process.exit(6));', 6],
      ['', 0],
    ]) {
      const ended = runText(source('() => undefined', [group]) + line);
      assert.deepEqual([ended.status, ended.stderr], [status, '']);
    }
  },
  ['memory'],
);

realNative(
  'a forgotten watcher is collected with its thread and descriptors',
  async (t) => {
    const group = memoryGroup(t);
    const { Watcher } = theNative();
    const before = [descriptors(), threads()];
    const forget = () => addOom(new Watcher(() => undefined), group);
    forget();
    assert.ok(threads() > (before[1] ?? 0));
    setFlagsFromString('--expose-gc');
    const gc: () => void = runInNewContext('gc');
    await until(() => {
      gc();
      return descriptors() <= (before[0] ?? 0) && threads() <= (before[1] ?? 0);
    });
  },
  ['memory'],
);

testUnless(nativeProblem(), 'the arguments are checked', () => {
  const { Watcher } = theNative();
  // The class is called from TypeScript; what reaches it may still be anything.
  assert.throws(() => Reflect.construct(Watcher, []), TypeError);
  const watcher = new Watcher(() => undefined);
  const spec = watcher.define(OOM);
  for (const args of [[], ['1'], [spec], [spec, 'a\0'], [99, '/x'], [-1, '/x'], [spec, '/x', 3]])
    assert.throws(() => Reflect.apply(watcher.add, watcher, args), TypeError);
  for (const looks of [Number.NaN, -1, '1', Number.POSITIVE_INFINITY, 1e300])
    assert.throws(() => Reflect.apply(watcher.define, watcher, [{ ...OOM, looks: [looks] }]), /must be/);
  for (const most of [Number.NaN, -1, '1'])
    assert.throws(() => Reflect.construct(Watcher, [() => undefined, most]), TypeError);
  for (const most of [Number.POSITIVE_INFINITY, 2 ** 70, 0.5]) new Watcher(() => undefined, most).close();
  for (const words of [
    undefined,
    {},
    { mechanism: 'smoke', file: 'x' },
    { mechanism: 'modify' },
    { ...OOM, beside: 1 },
  ])
    assert.throws(() => Reflect.apply(watcher.define, watcher, [words]), TypeError);
  assert.throws(() => Reflect.apply(watcher.names, watcher, ['x']), TypeError);
  assert.throws(() => Reflect.apply(watcher.births, watcher, [0, [99]]), TypeError);
  assert.throws(() => Reflect.apply(watcher.markTree, watcher, ['/x']), TypeError);
  assert.throws(() => Reflect.apply(watcher.kernelLog, watcher, [[]]), TypeError);
  watcher.close();
});

/** The errno with which the kernel refuses, or undefined where it does not. */
function refusal(call: () => void): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return errno;
  }
}
