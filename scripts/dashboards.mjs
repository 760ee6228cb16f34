/**
 * node scripts/dashboards.mjs [--check]
 *
 * Writes dashboards/*.json out of dashboards/src; --check only says which are stale.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from './evaluate.mjs';
import { fail, filesBelow, root, writeAtomically } from './lib.mjs';

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });

const wanted = new Map(
  (await boards()).map((board) => [`dashboards/${board.uid}.json`, `${JSON.stringify(board, undefined, 2)}\n`]),
);
const contents = (file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined);
const stale = [...wanted].filter(([file, text]) => contents(file) !== text);
const orphans = filesBelow('dashboards').filter((file) => /^dashboards\/[^/]+\.json$/.test(file) && !wanted.has(file));

if (orphans.length > 0) fail(`no board of dashboards/src: ${orphans.join(' ')}`);
if (values.check && stale.length > 0) {
  fail(`stale, run "node scripts/dashboards.mjs": ${stale.map(([file]) => file).join(' ')}`);
}
for (const [file, text] of stale) writeAtomically(join(root, file), text);

/** The boards as Grafana imports them. */
function boards() {
  return evaluate(
    'dashboards/src',
    `import { boardJson } from './grafana.ts';
    import { boards } from './index.ts';
    export default boards.map(boardJson);`,
  );
}
