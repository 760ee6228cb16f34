/** The package as npm makes it and installs it: the program, its addon, its page and `cgctl/client` are all there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { packageVersion } from '../../src/package.ts';
import { projectRoot } from '../support/files.ts';
import { TEST_TIMEOUT_MS, temporary } from '../support/host.ts';

/** Not the sources, or made anew by "npm pack" itself. The addon is made only if it is not there. */
const LEFT_OUT = ['.git', 'dist', 'node_modules', 'prebuilds'];

const run = (command: string, args: readonly string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** The package's file, made in a clone: where tests run, "npm pack" would take their bundles away. */
function packed(t: TestContext): string {
  const folder = temporary(t);
  const clone = join(folder, 'clone');
  const leftOut = LEFT_OUT.map((name) => join(projectRoot, name));
  cpSync(projectRoot, clone, { recursive: true, filter: (path) => !leftOut.includes(path) });
  symlinkSync(join(projectRoot, 'node_modules'), join(clone, 'node_modules'));
  run('npm', ['pack', '--pack-destination', folder], clone);
  return join(folder, `cgctl-${packageVersion()}.tgz`);
}

test('what npm packs and installs is whole', { timeout: 5 * TEST_TIMEOUT_MS }, (t) => {
  const home = join(temporary(t), 'home');
  mkdirSync(home);
  // npm may itself be running these tests, and would install to where it does.
  run('npm', ['install', '--prefix', home, '--prefer-offline', '--no-audit', '--no-fund', packed(t)], home);
  const program = join(home, 'node_modules/.bin/cgctl');
  const { addon } = JSON.parse(run(program, ['info', '--json'], home));

  assert.equal(run(program, ['--version'], home), `cgctl ${packageVersion()}\n`);
  assert.deepEqual(addon, { loaded: true });
  const folder = join(home, 'node_modules/cgctl');
  const there = (...paths: string[]) => paths.filter((path) => existsSync(join(folder, path)));
  assert.deepEqual(there('build', 'src', 'test', 'node_modules'), []);
  const shipped = ['dist/web/index.html', 'dist/types/client/index.d.ts', 'docs/ERRORS.md', 'LICENSE'];
  assert.deepEqual(there(...shipped), shipped);

  writeFileSync(join(home, 'client.mjs'), "import { Client } from 'cgctl/client'; console.log(Client.name);\n");
  assert.equal(run(process.execPath, ['client.mjs'], home).trim(), 'Client');
});
