/** The dependencies: installed only when what is in node_modules is not what package-lock.json asks for. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, run } from './lib.mjs';

/** npm keeps its own account of what it installed; packages for other platforms are not in it. */
export function isInstallStale() {
  const wanted = packagesOf('package-lock.json');
  const there = packagesOf('node_modules/.package-lock.json');
  return Object.keys(wanted).some(
    (name) => name !== '' && !wanted[name].optional && wanted[name].version !== there[name]?.version,
  );
}

export function install() {
  console.error('cgctl: installing dependencies …');
  const status = run('npm', ['ci', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']);
  if (status !== 0) fail('npm ci failed: see its message above; the npm registry must be reachable this one time');
}

function packagesOf(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}
