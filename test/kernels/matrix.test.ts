/**
 * The contract tests on every kernel: this machine's, and one in an emulator for each way of mounting cgroups. What ran there
 * is a subtest here. scripts/test.mjs says which tests there are (CGCTL_CONTRACT) and which modes are wanted (CGCTL_KERNEL_MODES).
 */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ABSENT } from '../contract/support.ts';
import { projectRoot } from '../support/files.ts';
import { atEnd, inCi, testUnless } from '../support/host.ts';
import { boot, type Ending, type Job, type Running, runHere, virtualises } from './lab/boot.ts';
import { type Lab, labLacks, prepareLab } from './lab/prepare.ts';
import {
  everywhere,
  nameOf,
  parseReport,
  readResults,
  type TestResult,
  toResult,
  type Where,
  withAbsence,
  withFact,
  writeResult,
} from './results.ts';
import { table } from './table.ts';

const BOOT_TIMEOUT_MS = 30 * 60_000;
/** Two emulated machines of 4 processors on 2 spin for one another: each takes four times as long as alone. */
const AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 4));
/** Clocks are compared over no less: a report may be under way for a second. */
const LONG_SECONDS = 30;
/** What scripts/test.mjs makes of the contract tests: one program, each file a suite. */
const SUITES = join(projectRoot, 'dist/test/contract.mjs');

const modes = words(process.env.CGCTL_KERNEL_MODES);
const files = words(process.env.CGCTL_CONTRACT);
const lacking = labLacks();
let lab: Lab | undefined;

const wanted = everywhere.filter((each) => modes.length === 0 || modes.includes(each));
const guests = wanted.filter((each) => each !== 'host');

if (wanted.includes('host')) test('contract: host', (t) => runContract(t, 'host'));
if (guests.length > 0) {
  testUnless(
    lacking,
    'contract: emulated kernels',
    async (t) => {
      await Promise.all(guests.map((where) => t.test(`contract: ${where}`, (guest) => runContract(guest, where))));
    },
    { timeout: guests.length * BOOT_TIMEOUT_MS, concurrency: AT_ONCE },
  );
}

test('what was proved where', () => console.log(table(readResults())));

interface Outcome {
  readonly ending: Ending;
  readonly kernel: string;
  readonly bootSeconds: number;
  readonly seconds: number;
  /** How much faster the guest's clock ran than ours. */
  readonly haste: number;
}

/** Run it; once more if the machine crashes, and then only what has not been reported is. */
async function runContract(t: TestContext, where: Where): Promise<void> {
  const tests: TestResult[] = [];
  const log = join(projectRoot, `dist/kernels/${where}.console.log`);
  let outcome = await attempt(t, where, log, tests);
  if (crashed(outcome)) {
    t.diagnostic(`the machine crashed after ${lastOf(tests)}; its second and last chance begins`);
    outcome = await attempt(t, where, log, tests);
  }
  const { ending, kernel, bootSeconds, seconds, haste } = outcome;
  const silent = files.filter((file) => !tests.some((each) => each.file === nameOf(file)));
  const finished = ending.status !== undefined && silent.length === 0;
  writeResult(where, { kernel, complete: finished && isWhole(), bootSeconds, seconds, tests });
  t.diagnostic(`${where}: ${kernel}, ready after ${bootSeconds} s, ${tests.length} tests, ${seconds} s in all`);
  const failed = tests.some(({ status }) => status === 'fail');
  if (where !== 'host' && finished && !failed) rmSync(log, { force: true });
  const seen = where === 'host' ? '' : `: see ${log}`;
  assert.ok(!ending.timedOut, `no end after ${BOOT_TIMEOUT_MS / 1000} s, the last was ${lastOf(tests)}${seen}`);
  assert.ok(ending.status !== undefined, `the machine crashed twice, now after ${lastOf(tests)}${seen}`);
  assert.deepEqual(silent, [], 'these files reported nothing');
  assert.ok(ending.status === 0 || failed, `the runner ended with ${ending.status}`);
  assert.ok(Math.abs(haste - 1) < 0.1, `the machine’s clock ran ${haste.toFixed(2)} times as fast as ours`);
}

/** Each test becomes a subtest as soon as all that it reported is known. */
async function attempt(t: TestContext, where: Where, log: string, tests: TestResult[]): Promise<Outcome> {
  const { lines, ended, stop } = start(where, log);
  atEnd(t, stop);
  const known = new Set(tests.map(title));
  const began = performance.now();
  const elapsed = () => Math.round((performance.now() - began) / 100) / 10;
  const outcome = { kernel: '', bootSeconds: 0, haste: 1 };
  let clock = 0;
  let open: TestResult | undefined;
  const close = async () => {
    if (open !== undefined && !known.has(title(open))) {
      tests.push(open);
      await show(t, open);
    }
    open = undefined;
  };
  for await (const line of lines) {
    const report = parseReport(line);
    if (report === undefined) console.log(line);
    else if ('fact' in report) open &&= withFact(open, report.fact);
    else if ('absent' in report) open &&= withAbsence(open, report.absent);
    else if ('begun' in report) {
      outcome.kernel = report.begun;
      outcome.bootSeconds = elapsed();
      clock = report.clock;
    } else if ('ended' in report) {
      const took = elapsed() - outcome.bootSeconds;
      if (took > LONG_SECONDS) outcome.haste = (report.ended - clock) / 1000 / took;
    } else {
      await close();
      open = toResult(report, where !== 'host' || inCi);
    }
  }
  await close();
  return { ...outcome, ending: await ended, seconds: elapsed() };
}

function start(where: Where, log: string): Running {
  const job = (...flags: string[]): Job => ({
    command: [
      ...[process.execPath, ...flags, '--enable-source-maps'],
      `--test-reporter=${join(projectRoot, 'test/kernels/lab/reporter.mjs')}`,
      '--test-reporter-destination=stdout',
      SUITES,
    ],
    env: { CGCTL_KERNEL_MODE: where, ...(inCi ? { CI: 'true' } : {}) },
    timeoutMs: BOOT_TIMEOUT_MS,
  });
  if (where === 'host') return runHere(job());
  lab ??= prepareLab();
  // An emulator has to translate what a JIT compiler writes, each time anew: a quarter of all work without one is saved.
  return boot(lab, where, virtualises() ? job() : job('--jitless', '--no-expose-wasm'), log);
}

/** Nobody knows how far it came; one that says nothing at all has not even booted. */
function crashed({ ending, kernel }: Outcome): boolean {
  return ending.status === undefined && (!ending.timedOut || kernel === '');
}

function show(t: TestContext, result: TestResult): Promise<void> {
  const { status, reason = '', facts } = result;
  if (status === 'skip') return t.test(title(result), { skip: reason });
  return t.test(title(result), (shown) => {
    for (const { name, absent } of facts) if (absent !== undefined) shown.diagnostic(`${name}: ${ABSENT}${absent}`);
    if (status === 'pass') return;
    const error = new Error(reason);
    error.stack = reason;
    throw error;
  });
}

function title({ file, name }: TestResult): string {
  return `${file}: ${name}`;
}

function lastOf(tests: readonly TestResult[]): string {
  const last = tests.at(-1);
  return last === undefined ? 'no test' : `“${title(last)}”`;
}

/** Every test of the contract is among those to run. */
function isWhole(): boolean {
  const names = readdirSync(join(projectRoot, 'test/contract'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.test.ts')).length === files.length;
}

function words(list = ''): string[] {
  return list.split(',').filter(Boolean);
}
