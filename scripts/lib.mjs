/** What the scripts share. Node's builtins only: set-up imports it before anything is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');

/** Every file at or below the paths (relative to the root), sorted; paths that are not there give none. */
export function filesBelow(...paths) {
  return paths
    .flatMap((path) => {
      const stat = statSync(join(root, path), { throwIfNoEntry: false });
      if (stat === undefined) return [];
      return stat.isDirectory() ? filesBelow(...readdirSync(join(root, path)).map((name) => join(path, name))) : [path];
    })
    .sort();
}

/** One digest of files' names and contents and of further words. By content, since git gives every file a new time. */
export function digest(files, ...words) {
  const hash = createHash('sha256').update(JSON.stringify(words));
  for (const file of files) {
    const bytes = readFileSync(join(root, file));
    hash.update(`\n${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/** Whether a stamp file holds this key: what it stands for was made from the same inputs. */
export function isStamped(stamp, key) {
  const file = join(root, stamp);
  return statSync(file, { throwIfNoEntry: false }) !== undefined && readFileSync(file, 'utf8') === key;
}

export function writeStamp(stamp, key) {
  writeAtomically(join(root, stamp), key);
}

/** Write a file so that whoever reads it at the same time sees the old or the new one, never a half. */
export function writeAtomically(file, contents) {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, file);
}

/** Run a tool in the root with our terminal. @returns its exit status */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw new Error(`cannot start ${command}: ${error.message}`);
  return status ?? 1;
}

/** Run a tool that may take long: our signals are passed on to it, and it is waited for. @returns its exit status */
export function runForwarding(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
  // A terminal's Ctrl-C reaches the child without us; we only outlive it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((done, fail) => {
    child.once('error', (error) => fail(new Error(`cannot start ${command}: ${error.message}`)));
    child.once('exit', (status) => done(status ?? 1));
  });
}

/** Report a failed step in one line and end. */
export function fail(message) {
  console.error(`cgctl: ${message}`);
  process.exit(1);
}

/** A path as people type it: relative to the root. */
export function shown(path) {
  return relative(root, path) || '.';
}
