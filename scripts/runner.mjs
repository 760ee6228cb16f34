/**
 * node --enable-source-maps scripts/runner.mjs [--name PATTERN] FILE …: node's test runner on these files, begun in this
 * order, which its own command does not keep: the emulated kernels, which use every processor, wait until little else runs.
 */
import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import reporter from './reporter.mjs';

/** Node 20 counts it per file, and one of them boots five machines. Tests on cgroups have a shorter one of their own. */
const TIMEOUT_MS = 60 * 60_000;

const inCi = process.env.CI === 'true';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { name: { type: 'string' } },
});
const abort = new AbortController();
setMaxListeners(0, abort.signal); // the runner listens once for each file
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => abort.abort());

const events = run({
  files: positionals,
  // Many wait more than they work.
  concurrency: availableParallelism() + 1,
  timeout: TIMEOUT_MS,
  signal: abort.signal,
  ...(values.name !== undefined && { testNamePatterns: [new RegExp(values.name)] }),
});
events.on('test:fail', ({ todo }) => {
  if (todo === undefined) process.exitCode = 1;
});
events.on('test:pass', ({ name, skip }) => {
  // A missing part is an error there; what a kernel lacks is not.
  if (!inCi || skip === undefined || values.name !== undefined || /^absent by kernel: /.test(skip)) return;
  console.error(`cgctl: nothing may be skipped in CI, and this was: ${name} (${skip})`);
  process.exitCode = 1;
});
for await (const text of reporter(events)) process.stdout.write(text);
