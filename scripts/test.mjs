/**
 * node scripts/test.mjs [--quick] [--name PATTERN] [--mode MODE,…] [--sanitize] [file or folder …]
 *
 * Bundles the chosen tests, runs them with node's test runner, and checks that no cgroup of theirs is left.
 * --mode runs nothing but the contract tests (those chosen, or all) on these kernels: host, v1, joint, hybrid, split, v2.
 * --quick leaves out the emulated kernels, the browser, and what builds something anew.
 * --sanitize runs the tests of the addon (or those chosen) on one that checks itself: scripts/sanitize.mjs.
 */
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleIfStale, bundleSuites, bundleTools } from './build.mjs';
import { fail, filesBelow, root, runForwarding } from './lib.mjs';

/** Runs this with --sanitize. */
const SANITIZED = 'test/native/sanitized.test.ts';
const SLOW = ['test/kernels/', 'test/browser/', 'test/package/', SANITIZED];
const OF_ADDON = ['test/native', 'test/monitor/read.test.ts'];
const CONTRACT = 'test/contract/';
/** Runs the contract tests on every kernel, this machine's too: they are not run beside it. */
const MATRIX = 'test/kernels/matrix.test.ts';
const SCRATCH = 'test/support/scratch.ts';
/** Scrapes for a minute: others run meanwhile. */
const LONG = 'test/prometheus/';
/** The contract tests as one program. */
const CARRIED = 'dist/test/contract.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    name: { type: 'string' },
    mode: { type: 'string' },
    sanitize: { type: 'boolean' },
  },
});

const wanted = positionals.map((path) => relative(root, resolve(path)));
const usual = values.sanitize ? OF_ADDON : ['test'];
const chosen = testsBelow(...(wanted.length > 0 ? wanted : usual)).filter(
  (file) => !(values.quick && SLOW.some((slow) => file.startsWith(slow))) && !(values.sanitize && file === SANITIZED),
);
const contract = chosen.filter((file) => file.startsWith(CONTRACT));
const matrixed = values.mode !== undefined || chosen.includes(MATRIX);
const carried = !matrixed ? [] : contract.length > 0 ? contract : testsBelow(CONTRACT);
const tests = values.mode !== undefined ? [MATRIX] : chosen.filter((file) => !carried.includes(file));
tests.sort((a, b) => turnOf(a) - turnOf(b));
if (tests.length === 0) fail(`no *.test.ts in ${wanted.join(' ') || 'test'}`);

try {
  await bundleIfStale();
} catch (error) {
  // A few chosen tests may well pass while the program as a whole does not build.
  if (wanted.length === 0) fail(`the program does not build: ${error.message}`);
  console.error('cgctl: warning: the program does not build; tests that start it see the last one that did');
}

await Promise.all([bundleTools([...tests, SCRATCH]), carried.length > 0 && bundleSuites(carried, CARRIED)]).catch(() =>
  fail('the tests do not build'),
);
const bundleOf = (file) => join(root, 'dist', file.replace(/\.ts$/, '.mjs'));
const status = await (values.sanitize ? runSanitized() : runTests());

const { sweep } = await import(bundleOf(SCRATCH));
const left = sweep();
if (left.length > 0) console.error(`cgctl: tests left cgroups behind (now removed): ${left.join(' ')}`);
process.exit(left.length > 0 ? 1 : status);

function turnOf(file) {
  return file.startsWith(LONG) ? 0 : file === MATRIX ? 2 : 1;
}

function runTests(variables) {
  const contractOf = { CGCTL_KERNEL_MODES: values.mode ?? '', CGCTL_CONTRACT: carried.join(',') };
  return runForwarding(
    process.execPath,
    [
      '--enable-source-maps',
      join(root, 'scripts/runner.mjs'),
      ...(values.name === undefined ? [] : ['--name', values.name]),
      ...tests.map(bundleOf),
    ],
    { env: { ...process.env, ...contractOf, ...variables } },
  );
}

async function runSanitized() {
  const { buildSanitized, sanitized } = await import('./sanitize.mjs');
  const problem = buildSanitized();
  if (problem !== undefined) fail(`no addon that checks itself: ${problem}`);
  const { result, reports } = await sanitized(runTests);
  if (reports === '') return result;
  console.error(`cgctl: the sanitizers found:\n${reports}`);
  return 1;
}

function testsBelow(...paths) {
  return filesBelow(...paths).filter((file) => file.endsWith('.test.ts'));
}
