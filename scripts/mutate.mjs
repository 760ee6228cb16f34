/**
 * node scripts/mutate.mjs [--write] [NAME …]
 *
 * Makes one mistake after another in a copy of the source (those named, or all) and shows that each turns a test red. A
 * mistake that no test notices, and one whose text is no longer in the source, is an error. --write puts the table into
 * docs/KERNELS.md, between the marks.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, root, writeAtomically } from './lib.mjs';

const DOCUMENT = 'docs/KERNELS.md';
const MARKED = /(<!-- mutations -->\n)[\s\S]*(<!-- \/mutations -->)/;
const TIMEOUT_MS = 5 * 60_000;
const COPIED = ['bin', 'build', 'docs', 'native', 'scripts', 'src', 'test'];
const COPIED_FILES = ['binding.gyp', 'package.json', 'package-lock.json', 'tsconfig.json'];

const CHANGE = ['test/control/change.test.ts'];
const CONVERT = ['test/controllers/convert.test.ts'];
const knob = (key) => ['--name', `^${key.replace('.', '\\.')}$`, 'test/contract/knobs.test.ts'];

/**
 * `mistake` in words, `from` the exact text in `file`, `to` what stands there instead, `red` the arguments of scripts/test.mjs
 * for tests that notice: a few seconds on this machine's kernel.
 */
const MUTATIONS = [
  {
    name: 'shares',
    mistake: 'another curve from shares to weights',
    file: 'src/controllers/convert.ts',
    from: '(l * l + 125 * l) / 612',
    to: '(l * l + 124 * l) / 612',
    red: CONVERT,
  },
  {
    name: 'swap',
    mistake: 'v2’s swap limit counts memory too',
    file: 'src/controllers/convert.ts',
    from: 'return String(total - memory);',
    to: 'return String(total);',
    red: CONVERT,
  },
  {
    name: 'io-weight',
    mistake: 'blkio weights begin at 0 on v2',
    file: 'src/controllers/convert.ts',
    from: '1 + Math.floor(((Math.max(weight, 10) - 10) * 9999) / 990)',
    to: 'Math.floor(((Math.max(weight, 10) - 10) * 9999) / 990)',
    red: CONVERT,
  },
  {
    name: 'cpus',
    mistake: '--cpus is a quota ten times too large',
    file: 'src/controllers/cpu.ts',
    from: 'Math.round(cpus * 100_000)',
    to: 'Math.round(cpus * 1_000_000)',
    red: ['--name', 'cpus is a quota', 'test/contract/cpu.test.ts'],
  },
  {
    name: 'seconds',
    mistake: 'nanoseconds are taken for microseconds',
    file: 'src/controllers/cpuacct.ts',
    from: "scalar('cpuacct.usage', { per: 1e9 })",
    to: "scalar('cpuacct.usage', { per: 1e6 })",
    red: ['--name', 'quota throttles', 'test/contract/cpu.test.ts'],
  },
  {
    name: 'quota-range',
    mistake: 'a quota of 1 µs is let through to the kernel',
    file: 'src/controllers/cpu.ts',
    from: "type: { kind: 'int', min: 1000, max: MAX_BANDWIDTH, unit: 'µs', unlimited: true }",
    to: "type: { kind: 'int', min: 1, max: MAX_BANDWIDTH, unit: 'µs', unlimited: true }",
    red: knob('cpu.quota'),
  },
  {
    name: 'shares-range',
    mistake: 'the range of shares ends one too early',
    file: 'src/controllers/cpu.ts',
    from: 'min: 2, max: 262144',
    to: 'min: 2, max: 262143',
    red: knob('cpu.shares'),
  },
  {
    name: 'list-range',
    mistake: 'a list of CPUs may run backwards',
    file: 'src/parse/cpulist.ts',
    from: 'if (first > last) throw',
    to: 'if (first > last + 10) throw',
    red: ['test/parse/cpulist.test.ts'],
  },
  {
    name: 'size-unit',
    mistake: 'a k is 1000',
    file: 'src/parse/size.ts',
    from: '1024 ** (SUFFIXES.indexOf(suffix) + 1)',
    to: '1000 ** (SUFFIXES.indexOf(suffix) + 1)',
    red: ['test/parse/size.test.ts'],
  },
  {
    name: 'order-not-below',
    mistake: 'memory and swap are written in the other order',
    file: 'src/control/order.ts',
    from: 'atMost(y.value, x.old) ? before(b, a) : before(a, b);',
    to: 'atMost(y.value, x.old) ? before(a, b) : before(b, a);',
    red: CHANGE,
  },
  {
    name: 'order-not-above',
    mistake: 'quota and burst are written in the other order',
    file: 'src/control/order.ts',
    from: 'atMost(x.old, y.value) ? before(b, a) : before(a, b);',
    to: 'atMost(x.old, y.value) ? before(a, b) : before(b, a);',
    red: CHANGE,
  },
  {
    name: 'order-parents',
    mistake: 'children grow before their parents',
    file: 'src/control/order.ts',
    from: 'grows ? before(a, b) : before(b, a);',
    to: 'grows ? before(b, a) : before(a, b);',
    red: CHANGE,
  },
  {
    name: 'order-irreversible',
    mistake: 'what cannot be undone is not left for last',
    file: 'src/control/order.ts',
    from: 'if (a.step.irreversible !== true && b.step.irreversible === true) before(a, b);',
    to: '',
    red: CHANGE,
  },
  {
    name: 'order-clobbers',
    mistake: 'what a write resets is not written again',
    file: 'src/control/values.ts',
    from: '  keepClobbered();\n',
    to: '',
    red: CHANGE,
  },
  {
    name: 'undo-order',
    mistake: 'a change is undone from its beginning',
    file: 'src/control/apply.ts',
    from: 'journal.splice(0).reverse()',
    to: 'journal.splice(0)',
    red: CHANGE,
  },
  {
    name: 'undo-none',
    mistake: 'a refused change is left half done',
    file: 'src/control/apply.ts',
    from: 'const left = undo(host, journal);',
    to: 'const left: string[] = [];',
    red: CHANGE,
  },
  {
    name: 'undo-structure',
    mistake: 'new directories stay when values are refused',
    file: 'src/control/change.ts',
    from: 'const left = undo(host, journal);',
    to: 'const left: string[] = [];',
    red: CHANGE,
  },
  {
    name: 'undo-attach',
    mistake: 'processes that were moved are not moved back',
    file: 'src/control/attach.ts',
    from: 'const left = moved.toReversed().flatMap(',
    to: 'const left = moved.slice(moved.length).flatMap(',
    red: ['test/control/lifecycle/attach.test.ts'],
  },
  {
    name: 'undo-freeze',
    mistake: 'a group that did not freeze in time stays half frozen',
    file: 'src/control/freeze.ts',
    from: "for (const seat of seats) command(host, seat, id, 'thawed');\n    throw error;",
    to: 'throw error;',
    red: ['test/control/lifecycle/freeze.test.ts'],
  },
  {
    name: 'guard-usage',
    mistake: 'a limit below usage is not refused',
    file: 'src/control/values.ts',
    from: 'if (usage === undefined || value >= usage) return;',
    to: 'if (usage === undefined || value >= 0) return;',
    red: ['--name', 'below usage', 'test/contract/memory.test.ts'],
  },
  {
    name: 'fill-cpusets',
    mistake: 'new v1 cpusets stay empty',
    file: 'src/control/structure.ts',
    from: '      for (const { file } of fills) fill(h, id, file);\n',
    to: '',
    red: CHANGE,
  },
  {
    name: 'enable-ancestors',
    mistake: 'v2 controllers are enabled in the parent alone',
    file: 'src/control/structure.ts',
    from: 'for (const ancestor of visibleAncestors(h, request.id)) {',
    to: 'for (const ancestor of visibleAncestors(h, request.id).slice(-1)) {',
    red: ['--name', '^v2: controllers are enabled', 'test/contract/rules.test.ts'],
  },
  {
    name: 'unlimited',
    mistake: 'v1’s word for no limit is a number like others',
    file: 'src/parse/number.ts',
    from: '  if (value >= NO_LIMIT) return Number.POSITIVE_INFINITY;\n',
    to: '',
    red: ['test/parse/number.test.ts'],
  },
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { write: { type: 'boolean' } } });
const unknown = positionals.filter((name) => !MUTATIONS.some((mutation) => mutation.name === name));
if (unknown.length > 0)
  fail(`no mutation ${unknown.join(', ')}; there are ${MUTATIONS.map(({ name }) => name).join(', ')}`);
const chosen = MUTATIONS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

const copy = mkdtempSync(join(tmpdir(), 'cgctl-mutate-'));
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.once(signal, () => process.exit(status));
for (const path of [...COPIED, ...COPIED_FILES].filter((path) => existsSync(join(root, path))))
  cpSync(join(root, path), join(copy, path), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

const sound = new Set();
const rows = chosen.map((mutation) => {
  const by = redBy(mutation);
  console.log(`${mutation.name.padEnd(20)} ${by === undefined ? 'SURVIVED' : `red: ${by}`}`);
  return { ...mutation, by };
});
const survived = rows.filter(({ by }) => by === undefined).map(({ name }) => name);
if (values.write && positionals.length === 0 && survived.length === 0) write();
if (survived.length > 0) fail(`no test noticed ${survived.join(', ')}`);

/** The first test that a mutation turns red; undefined where none does. */
function redBy({ name, file, from, to, red }) {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  const parts = text.split(from);
  if (from === '' || parts.length !== 2) fail(`${name}: its text is ${parts.length - 1} times in ${file}, not once`);
  const key = red.join(' ');
  if (!sound.has(key)) {
    const { status, failed, output } = test(red);
    if (status !== 0) fail(`${name}: its tests are red by themselves: ${failed ?? output}`);
    sound.add(key);
  }
  writeFileSync(path, parts.join(to));
  try {
    const { status, failed, output } = test(red);
    if (status !== 0 && failed === undefined) fail(`${name}: no test ran: ${output}`);
    return failed;
  } finally {
    writeFileSync(path, text);
  }
}

function test(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(copy, 'scripts/test.mjs'), ...args], {
    cwd: copy,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  return { status, failed: /^\s*✖ (.+?) \([\d.]+ms\)$/m.exec(stdout)?.[1], output: stderr.slice(-2000) };
}

function write() {
  const code = (text) => `\`${text.trim().replaceAll('|', '\\|').replace(/\s+/g, ' ')}\``;
  const table = [
    '| mistake | in | the text | becomes | turns red |',
    '|---|---|---|---|---|',
    ...rows.map(
      ({ mistake, file, from, to, by }) =>
        `| ${mistake} | ${file} | ${code(from)} | ${to === '' ? 'nothing' : code(to)} | ${by.replaceAll('|', '\\|')} |`,
    ),
  ].join('\n');
  const path = join(root, DOCUMENT);
  const text = readFileSync(path, 'utf8');
  if (!MARKED.test(text)) fail(`${DOCUMENT} has no marks for mutations`);
  writeAtomically(
    path,
    text.replace(MARKED, (_, begin, end) => `${begin}\n${table}\n\n${end}`),
  );
}
