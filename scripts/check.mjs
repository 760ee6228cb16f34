/** node scripts/check.mjs: types, lint and format, generated documents and boards; all of them, then the verdict. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './lib.mjs';

const tool = (name) => join(root, 'node_modules/.bin', name);
const checks = [
  ['types', tool('tsc'), ['-p', '.']],
  ['lint and format', tool('biome'), ['check', '--error-on-warnings']],
];
if (existsSync(join(root, 'src/web/tsconfig.json'))) checks.push(['types of the page', tool('tsc'), ['-p', 'src/web']]);
if (existsSync(join(root, 'scripts/docs.mjs'))) {
  checks.push(['generated documents', process.execPath, ['scripts/docs.mjs', '--check']]);
}
checks.push(['generated boards', process.execPath, ['scripts/dashboards.mjs', '--check']]);

const failed = checks.filter(([name, command, args]) => {
  console.log(`check: ${name}`);
  return run(command, args) !== 0;
});
for (const [name] of failed) console.error(`check: ${name}: failed`);
process.exit(failed.length > 0 ? 1 : 0);
