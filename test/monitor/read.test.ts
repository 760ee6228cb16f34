import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Format, gauge, type Source, type Stat, scalar } from '../../src/controllers/controller.ts';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { openHost } from '../../src/hierarchy/host.ts';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import type { Layout } from '../../src/hierarchy/types.ts';
import { type BatchReader, OUTCOME } from '../../src/monitor/batch.ts';
import { affordable, descriptorLimit, mostEventfds } from '../../src/monitor/descriptors.ts';
import { type Presence, Programme } from '../../src/monitor/programme.ts';
import { openReader, pins } from '../../src/monitor/read.ts';
import { native, nativeProblem } from '../../src/native.ts';
import { projectRoot } from '../support/files.ts';
import { mountOf, realKernel, scratch, spawnIdle, testUnless, until } from '../support/host.ts';
import { foundIn, layoutOf, presenceIn, programmeOf, readOnce } from './files.ts';

const openDescriptors = () => readdirSync('/proc/self/fd').length;

const makers = {
  native: (layout: Layout, programme: Programme, budget?: number) =>
    openReader(layout, programme, { budget, native: native() }),
  plain: (layout: Layout, programme: Programme, budget?: number) =>
    openReader(layout, programme, { budget, native: undefined }),
};
const kinds = ['native', 'plain'] as const;

/** A test of each reader. */
function each(name: string, fn: (t: TestContext, kind: (typeof kinds)[number]) => void | Promise<void>): void {
  testUnless(nativeProblem(), `${name} (native)`, (t) => fn(t, 'native'));
  test(`${name} (plain)`, (t) => fn(t, 'plain'));
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cgctl-read-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Every format that could be wanted of a text, with words that are in it. */
function formatsFor(text: string): Omit<Source, 'file'>[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const words = lines.map((line) => line.split(/[ =]/));
  const some = (values: readonly (string | undefined)[]) => [
    ...new Set(values.filter((value): value is string => value !== undefined && value !== '')),
  ];
  const formats: Format[] = [
    { at: 'scalar' },
    ...[0, 1, 2].map((index): Format => ({ at: 'word', index })),
    ...[...some(words.map(([first]) => first)), 'absent'].map((key): Format => ({ at: 'flat', key })),
    { at: 'psi', line: 'some' },
    { at: 'psi', line: 'full' },
    { at: 'count' },
    { at: 'keyed' },
    { at: 'keyed', suffix: '.max' },
    ...some([...text.matchAll(/(\S+?)=/g)].map(([, field]) => field)).map((field): Format => ({ at: 'nested', field })),
    ...some(words.map(([, second]) => second)).map((op): Format => ({ at: 'ops', op })),
    { at: 'percpu' },
    ...some(words.map(([first]) => first)).map((key): Format => ({ at: 'numa', key })),
  ];
  return formats.flatMap((format) => [
    { format },
    { format, per: 1e9 },
    { format, equals: lines[0] ?? '' },
    { format, unlimited: '0' },
  ]);
}

const LABELLED: readonly Format['at'][] = ['keyed', 'nested', 'ops', 'percpu', 'numa'];

/** A metric for each format of each text. */
function statsFor(texts: Readonly<Record<string, string>>): Stat[] {
  return Object.entries(texts).flatMap(([file, text]) =>
    formatsFor(text).map((source, at) =>
      gauge(`${file} ${at}`, 'count', JSON.stringify(source), {
        v1: { file, ...source },
        ...(LABELLED.includes(source.format.at) && { label: 'resource' }),
      }),
    ),
  );
}

/** What both readers find of a folder's files. */
async function bothOf(layout: Layout, programme: Programme, id: string, presence: Presence) {
  const steps = programme.stepsFor([presence]);
  const found = [];
  for (const kind of kinds) {
    const reader = makers[kind](layout, programme, 3);
    assert.equal(reader.kind, kind);
    const handle = reader.add(parseCgroupId(id));
    // Twice: what was learned from the first look must serve the second.
    await readOnce(reader, programme, [[handle, steps]]);
    found.push(foundIn(await readOnce(reader, programme, [[handle, steps]])));
    reader.close();
  }
  return found;
}

const fixtures = join(projectRoot, 'test/fixtures');
const folders = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .map((name) => join(fixtures, name))
  .filter(
    (path) => statSync(path).isDirectory() && readdirSync(path).some((name) => statSync(join(path, name)).isFile()),
  );

testUnless(nativeProblem(), 'both readers find the same in every fixture, whatever is looked for', async () => {
  let files = 0;
  let figures = 0;
  for (const folder of folders) {
    const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
    const texts = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
    const layout = layoutOf(dirname(folder));
    const programme = programmeOf(layout, statsFor(texts));
    const id = `/${folder.slice(dirname(folder).length + 1)}`;
    const presence = { root: false, files: names, signature: folder };
    const [ours, plain] = await bothOf(layout, programme, id, presence);
    assert.deepStrictEqual(ours, plain, folder);
    files += names.length;
    for (const column of ours?.columns ?? []) figures += Number(column !== undefined && !Number.isNaN(column[0]));
    for (const { value } of ours?.keyed ?? []) figures += value.length;
  }
  assert.ok(files > 100 && figures > 1000, `${files} files, ${figures} figures`);
});

testUnless(nativeProblem(), 'both readers find the same in texts of any make', async (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'g'));
  const number = fc.oneof(
    fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String),
    fc.double().map(String),
    fc.constantFrom('max', '0', '-0', '1.50', '.5', '5.', '-', '', '00012', '9223372036854771712', '9007199254740993'),
  );
  const word = fc.oneof(
    fc.constantFrom('a', 'ab', 'a.max', 'some', 'full', 'Read', 'N0=1', 'N1=', '8:0', 'ü', 'total=7'),
    number,
  );
  const field = fc.tuple(fc.constantFrom('a', 'b', 'N0', 'total'), number).map(([key, value]) => `${key}=${value}`);
  const line = fc.array(fc.oneof(word, field), { maxLength: 5 }).map((words) => words.join(' '));
  const text = fc
    .array(line, { maxLength: 8 })
    .chain((lines) => fc.constantFrom(lines.join('\n'), `${lines.join('\n')}\n`));
  await fc.assert(
    fc.asyncProperty(text, text, async (first, second) => {
      const layout = layoutOf(folder);
      const programme = programmeOf(layout, statsFor({ f: `${first}\n${second}` }));
      const [ours, plain] = kinds.map((kind) => makers[kind](layout, programme, 1));
      const id = parseCgroupId('/g');
      try {
        for (const content of [first, second, first]) {
          writeFileSync(join(folder, 'g/f'), content);
          const steps = programme.stepsFor([{ root: false, files: ['f'], signature: 'f' }]);
          const found = [];
          for (const reader of [ours, plain]) {
            assert.ok(reader);
            found.push(foundIn(await readOnce(reader, programme, [[reader.add(id), steps]])));
          }
          assert.deepStrictEqual(found[0], found[1], JSON.stringify(content));
        }
      } finally {
        ours?.close();
        plain?.close();
      }
    }),
    { numRuns: 150 },
  );
});

realKernel('both readers find the same on this machine, where nothing changes between them', async (t) => {
  if (nativeProblem() !== undefined) return t.skip(nativeProblem());
  const host = openHost({ readOnly: true });
  const { layout } = host;
  const programme = new Programme(layout, defaultRegistry, 4096);
  const walk = (id: string): string[] => {
    const children = layout.hierarchies.flatMap((h) => host.reader.children(h, parseCgroupId(id)));
    return [id, ...[...new Set(children)].flatMap((name) => walk(id === '/' ? `/${name}` : `${id}/${name}`))];
  };
  const groups = walk('/').map((id) => ({
    id: parseCgroupId(id),
    steps: programme.stepsFor(
      layout.hierarchies.map((h) => {
        if (!host.reader.exists(h, parseCgroupId(id))) return undefined;
        const files = host.reader.files(h, parseCgroupId(id));
        return { root: id === '/', files, signature: files.join(' ') };
      }),
    ),
  }));
  const [ours, plain] = kinds.map((kind) => makers[kind](layout, programme));
  assert.ok(ours && plain);
  t.after(() => {
    ours.close();
    plain.close();
  });
  const handles = groups.map(({ id, steps }) => ({ ours: ours.add(id), plain: plain.add(id), steps }));
  const look = async (reader: BatchReader) =>
    foundIn(
      await readOnce(
        reader,
        programme,
        handles.map((handle) => [handle[reader.kind === 'native' ? 'ours' : 'plain'], handle.steps]),
      ),
    );
  /** Figures that the plain reader finds the same before and after, and how the other one finds them. */
  const compare = async () => {
    const [before, between, after] = [await look(plain), await look(ours), await look(plain)];
    const cells = between.columns.flatMap((column, at) =>
      (column ?? []).map((value, row) => ({
        name: `${programme.columns[at]?.stat.name} of ${groups[row]?.id}`,
        settled: Object.is(before.columns[at]?.[row], after.columns[at]?.[row]),
        same: Object.is(value, after.columns[at]?.[row]),
      })),
    );
    return { compared: cells.filter(({ settled }) => settled), keyed: [between.keyed, after.keyed] };
  };
  const first = await compare();
  assert.ok(first.compared.length > 0);
  // What moves there and back in between is not wrong each time.
  let wrong = first.compared.filter(({ same }) => !same).map(({ name }) => name);
  for (let round = 0; round < 5 && wrong.length > 0; round++) {
    const { compared } = await compare();
    wrong = wrong.filter((name) => compared.some((cell) => cell.name === name && !cell.same));
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(
    first.keyed[0]?.map(({ label }) => label),
    first.keyed[1]?.map(({ label }) => label),
  );
});

each('descriptors are kept up to the budget, those that are read most often first, and given back', async (t, kind) => {
  const folder = folderFor(t);
  const layout = layoutOf(folder);
  const names = ['a', 'b', 'c'];
  const programme = programmeOf(
    layout,
    names.map((name) => gauge(name, 'count', name, { v1: scalar(name) })),
  );
  for (const group of ['x', 'y']) {
    mkdirSync(join(folder, group));
    for (const name of names) writeFileSync(join(folder, group, name), `${name.charCodeAt(0)}\n`);
  }
  const steps = programme.stepsFor([presenceIn(join(folder, 'x'))]);
  const before = openDescriptors();
  const reader = makers[kind](layout, programme, 3);
  const empty = openDescriptors();
  const groups = ['/x', '/y'].map((id) => [reader.add(parseCgroupId(id)), steps] as const);
  const pinned = (count: number) => pins(new Map(steps.map(({ rank }) => [rank, count])), 3);
  for (let round = 0; round < 3; round++) {
    const { columns } = await readOnce(reader, programme, groups, pinned(2));
    assert.deepEqual(
      columns.map((column) => column && [...column]),
      [
        [97, 97],
        [98, 98],
        [99, 99],
      ],
    );
  }
  assert.deepEqual([reader.open, openDescriptors() - empty], [3, 3]);
  // Of two groups the first file fits, of the second file one: with three groups, none of the second.
  mkdirSync(join(folder, 'z'));
  for (const name of names) writeFileSync(join(folder, 'z', name), '1\n');
  const more = [...groups, [reader.add(parseCgroupId('/z')), steps] as const];
  assert.deepEqual(pinned(3), { level: steps[1]?.rank, spare: 0 });
  await readOnce(reader, programme, more, pinned(3));
  assert.deepEqual([reader.open, openDescriptors() - empty], [3, 3]);
  reader.remove(more[0]?.[0] ?? -1);
  assert.deepEqual([reader.open, openDescriptors() - empty], [2, 2]);
  reader.close();
  reader.close();
  assert.deepEqual([reader.open, openDescriptors()], [0, before]);
});

each('a file that is larger than the buffer is read to its end', async (t, kind) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'g'));
  writeFileSync(join(folder, 'g/large'), '0123456789\n'.repeat(20_000));
  const layout = layoutOf(folder);
  const programme = programmeOf(layout, [
    gauge('lines', 'count', 'Lines', { v1: { file: 'large', format: { at: 'count' } } }),
  ]);
  const reader = makers[kind](layout, programme, 0);
  const steps = programme.stepsFor([presenceIn(join(folder, 'g'))]);
  const { columns } = await readOnce(reader, programme, [[reader.add(parseCgroupId('/g')), steps]]);
  assert.equal(columns[0]?.[0], 20_000);
  assert.equal(reader.open, 0);
  reader.close();
});

each('what is absent, cannot be read or is not understood is told apart, and leaves no figure', async (t, kind) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'g/directory'), { recursive: true });
  writeFileSync(join(folder, 'g/words'), 'no number\n');
  writeFileSync(join(folder, 'g/good'), '1\n');
  const layout = layoutOf(folder);
  const names = ['absent', 'directory', 'words', 'good'];
  const programme = programmeOf(
    layout,
    names.map((name) => gauge(name, 'count', name, { v1: scalar(name) })),
  );
  const reader = makers[kind](layout, programme);
  const steps = programme.stepsFor([{ root: false, files: names, signature: '' }]);
  const { outcomes, columns, times } = await readOnce(reader, programme, [[reader.add(parseCgroupId('/g')), steps]]);
  assert.deepEqual([...outcomes], [OUTCOME.absent, OUTCOME.failed, OUTCOME.malformed, OUTCOME.read]);
  assert.deepEqual(
    columns.map((column) => column?.[0]),
    [Number.NaN, Number.NaN, Number.NaN, 1],
  );
  for (const time of times) assert.ok(Math.abs(time - performance.now() / 1000) < 60, `${time}`);
  reader.close();
});

each('a mount that begins at a group is below that group’s path', async (t, kind) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'f'), '1\n');
  writeFileSync(join(folder, 'sub/f'), '2\n');
  const layout = layoutOf(folder, '/büro/x');
  const programme = programmeOf(layout, [gauge('f', 'count', 'f', { v1: scalar('f') })]);
  const reader = makers[kind](layout, programme);
  const steps = programme.stepsFor([presenceIn(join(folder, 'sub'))]);
  const groups = ['/büro/x', '/büro/x/sub'].map((id) => [reader.add(parseCgroupId(id)), steps] as const);
  const { columns } = await readOnce(reader, programme, groups);
  assert.deepEqual([...(columns[0] ?? [])], [1, 2]);
  reader.close();
});

for (const kind of kinds) {
  realKernel(
    `lists are read to their end, and a kept descriptor of a removed group says so (${kind})`,
    async (t) => {
      if (kind === 'native' && nativeProblem() !== undefined) return t.skip(nativeProblem());
      const { path } = scratch(t);
      const mountPoint = mountOf('cgroup2');
      const group = join(mountPoint, path);
      mkdirSync(group);
      const { pid, child, exited } = await spawnIdle(t);
      writeFileSync(join(group, 'cgroup.procs'), String(pid));
      const layout = layoutOf(mountPoint);
      const programme = programmeOf(layout, [
        gauge('procs', 'count', 'p', { v1: { file: 'cgroup.procs', format: { at: 'count' } } }),
        gauge('threads', 'count', 't', { v1: { file: 'cgroup.threads', format: { at: 'count' } } }),
      ]);
      const reader = makers[kind](layout, programme);
      t.after(() => reader.close());
      const steps = programme.stepsFor([{ root: false, files: ['cgroup.procs', 'cgroup.threads'], signature: '' }]);
      const groups = [path, '/'].map((id) => [reader.add(parseCgroupId(id)), steps] as const);
      const first = await readOnce(reader, programme, groups);
      assert.equal(first.columns[0]?.[0], 1);
      // Over a page of text, where the machine has so many tasks that are not in a group of their own.
      const threads = readFileSync(join(mountPoint, 'cgroup.threads'), 'utf8').split('\n').length - 1;
      assert.ok(Math.abs((first.columns[1]?.[1] ?? 0) / threads - 1) < 0.2);
      assert.equal(reader.open, 4);
      child.kill('SIGKILL');
      await exited;
      await until(() => readFileSync(join(group, 'cgroup.procs'), 'utf8') === '');
      rmdirSync(group);
      const second = await readOnce(reader, programme, groups);
      assert.deepEqual([...second.outcomes], [OUTCOME.absent, OUTCOME.absent, OUTCOME.read, OUTCOME.read]);
      assert.equal(reader.open, 2);
    },
    ['cgroup2'],
  );
}

test('a budget leaves descriptors for others; files are pinned by rank', () => {
  assert.equal(affordable(5), 5);
  const limit = descriptorLimit();
  assert.ok(affordable(1e9) <= limit && affordable(1e9) >= limit / 2);
  const beside = mostEventfds();
  assert.ok(beside > 0 && affordable(1e9, beside) < limit - beside);
  const counts = new Map([
    [7, 10],
    [3, 10],
    [5, 10],
  ]);
  const EVERYTHING = 2 ** 32 - 1;
  assert.deepEqual(
    [0, 9, 10, 25, 29, 30].map((budget) => pins(counts, budget)),
    [
      { level: 3, spare: 0 },
      { level: 3, spare: 9 },
      { level: 5, spare: 0 },
      { level: 7, spare: 5 },
      { level: 7, spare: 9 },
      { level: EVERYTHING, spare: 0 },
    ],
  );
});
