/**
 * node scripts/capture-fixtures.mjs [mode …]
 *
 * Boots a kernel in each mode and keeps, as text, what its files say of the root and of a group at work:
 * test/fixtures/kernels/MODE/HIERARCHY.txt and proc.txt, for the parsers' tests.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundleTools } from './build.mjs';
import { fail, root, shown, writeAtomically } from './lib.mjs';

const TIMEOUT_MS = 5 * 60_000;
const SOURCES = ['capture.ts', 'lab/boot.ts', 'lab/modes.ts', 'lab/prepare.ts'];

const [capture, ...parts] = await bundleTools(SOURCES.map((name) => `test/kernels/${name}`));
const [{ boot }, { modeNames }, { labLacks, prepareLab }] = await Promise.all(parts.map((path) => import(path)));

const modes = process.argv.length > 2 ? process.argv.slice(2) : modeNames;
const unknown = modes.filter((mode) => !modeNames.includes(mode));
if (unknown.length > 0) fail(`no mode ${unknown.join(', ')}: there are ${modeNames.join(', ')}`);
const lacking = labLacks();
if (lacking !== undefined) fail(lacking);

const lab = prepareLab();
for (const mode of modes) {
  const log = join(root, `dist/kernels/${mode}.console.log`);
  const job = { command: [process.execPath, capture], env: {}, timeoutMs: TIMEOUT_MS };
  const { lines, ended } = boot(lab, mode, job, log);
  const files = [];
  for await (const line of lines) {
    if (line.startsWith('\x1e')) files.push(JSON.parse(line.slice(1)));
    else console.error(`${mode}: ${line}`);
  }
  const { status } = await ended;
  if (status !== 0) fail(`${mode}: ended with ${status ?? 'a crash'}: see ${shown(log)}`);
  const folder = join(root, 'test/fixtures/kernels', mode);
  rmSync(folder, { recursive: true, force: true });
  for (const { file, text } of files) writeAtomically(join(folder, file), text);
  console.log(`${shown(folder)}: ${files.map(({ file }) => file).join(' ')}`);
}
