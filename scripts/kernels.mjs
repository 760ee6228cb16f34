/**
 * node scripts/kernels.mjs [--write]
 *
 * Prints what the last run of the contract tests on every kernel (npm test) proved, mode by mode. --write puts that, with
 * what is behind it, into docs/KERNELS.md, between the marks.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleTools } from './build.mjs';
import { fail, root, writeAtomically } from './lib.mjs';

const FILE = join(root, 'docs/KERNELS.md');
const MARKED = /(<!-- matrix -->\n)[\s\S]*(<!-- \/matrix -->)/;

const { values } = parseArgs({ options: { write: { type: 'boolean' } } });

const bundles = await bundleTools(['test/kernels/results.ts', 'test/kernels/table.ts']);
const [{ everywhere, readResults }, { document, table }] = await Promise.all(bundles.map((path) => import(path)));

const results = readResults();
console.log(table(results));
if (values.write) {
  const lacking = everywhere.filter((where) => !results[where]?.complete);
  if (lacking.length > 0) fail(`no whole run on ${lacking.join(', ')}: npm test`);
  writeAtomically(
    FILE,
    readFileSync(FILE, 'utf8').replace(MARKED, (_, begin, end) => `${begin}\n${document(results)}\n${end}`),
  );
}
