/**
 * The addon with AddressSanitizer, its leak checker, and the undefined-behaviour sanitizer, for tests (scripts/test.mjs --sanitize).
 * It is built beside the usual one, which tests and services may be using, and is never shipped.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAddon, isAddonStale } from './build.mjs';
import { root, writeAtomically } from './lib.mjs';

/** src/native.ts knows what node-gyp makes here. */
const FOLDER = 'dist/sanitized';
const SANITIZERS = '-fsanitize=address,undefined';
/** It stays in memory though the last thread that uses it ends: what a leak's stack says would be lost otherwise. */
const FLAGS = `-O1 -g1 -fno-omit-frame-pointer ${SANITIZERS} -fno-sanitize=vptr -fno-sanitize-recover=undefined -Wl,-z,nodelete`;
/** Part of a report: what was not given back, with who asked for it. V8 gives back no page of its heap at an exit. */
const LEAK = /^(Direct|Indirect) leak of /m;
const OF_ADDON = / \.\.\/native\/\w+\.(cc|h):/;
const OF_V8 = /^ +#1 \w+ in v8::/m;
/** The checker of leaks stops all threads and reads their stacks; it falls when one of them is just ending. Then nothing was checked. */
const CHECKER_FELL = /^==\d+==LeakSanitizer has encountered a fatal error/m;
/** Of a thread that is ended while it waits for a promise of the addon's, Node forgets a pointer: nobody can give it back. */
const SUPPRESSIONS = 'leak:napi_create_promise\n';

/** Build it, unless it is there. @returns why that cannot be done, or undefined */
export function buildSanitized() {
  const build = { folder: FOLDER, flags: FLAGS };
  if (!isAddonStale(build)) return undefined;
  const folder = join(root, FOLDER);
  mkdirSync(folder, { recursive: true });
  for (const name of ['native', 'binding.gyp']) {
    rmSync(join(folder, name), { force: true });
    symlinkSync(join(root, name), join(folder, name));
  }
  return buildAddon(build);
}

/**
 * Run something with variables that make programs use it. What the sanitizers find in any process goes to files, for tests
 * do not look at what all of their helpers say.
 * @returns what it returned, and what they found: '' is nothing
 */
export async function sanitized(run) {
  let { result, reports } = await sanitizedOnce(run);
  if (reports.length > 0 && reports.every((report) => CHECKER_FELL.test(report))) {
    console.error(`cgctl: once more, for the checker of leaks fell:\n${reports.join('\n')}`);
    ({ result, reports } = await sanitizedOnce(run));
  }
  return { result, reports: reports.join('\n') };
}

async function sanitizedOnce(run) {
  const folder = mkdtempSync(join(tmpdir(), 'cgctl-sanitize-'));
  const suppressions = join(folder, 'suppressions');
  writeAtomically(suppressions, SUPPRESSIONS);
  // Programs that are not ours leak and end well: what is found is known by the reports, not by the exit status.
  const common = `log_path=${join(folder, 'report')}:exitcode=0:abort_on_error=1`;
  try {
    const result = await run({
      CGCTL_NATIVE: 'sanitized',
      LD_PRELOAD: runtime(),
      ASAN_OPTIONS: `${common}:detect_leaks=1:detect_stack_use_after_return=1`,
      LSAN_OPTIONS: `suppressions=${suppressions}:print_suppressions=0`,
      UBSAN_OPTIONS: `${common}:print_stacktrace=1`,
    });
    const reports = readdirSync(folder)
      .filter((name) => name.startsWith('report'))
      .map((name) => ofAddon(readFileSync(join(folder, name), 'utf8')))
      .filter((report) => report !== '');
    return { result, reports };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A report without the leaks of others. All else that is reported is the addon's, which alone has the checks. */
function ofAddon(report) {
  if (!LEAK.test(report)) return report;
  return report
    .split('\n\n')
    .filter((part) => LEAK.test(part) && OF_ADDON.test(part) && !OF_V8.test(part))
    .join('\n\n');
}

/** Node is not built with it, so that it has to be there before all else. */
function runtime() {
  return spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim();
}
