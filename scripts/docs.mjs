/**
 * node scripts/docs.mjs [--check]
 *
 * Writes docs/KNOBS.md, docs/METRICS.md and docs/ERRORS.md out of the declarations, docs/stream.asyncapi.json out of the messages' schemas; --check only says which are stale.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from './evaluate.mjs';
import { fail, root, writeAtomically } from './lib.mjs';

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });

const stale = Object.entries(await documents())
  .map(([name, text]) => ({ file: join(root, 'docs', name), text }))
  .filter(({ file, text }) => !existsSync(file) || readFileSync(file, 'utf8') !== text);

if (values.check && stale.length > 0) {
  fail(`stale, run "node scripts/docs.mjs": ${stale.map(({ file }) => file).join(' ')}`);
}
for (const { file, text } of stale) writeAtomically(file, text);

/** The documents' texts, by file name. */
function documents() {
  return evaluate(
    'src',
    `import { defaultRegistry } from './controllers/index.ts';
    import { errorsDocument, knobsDocument, metricsDocument } from './controllers/reference.ts';
    import { asyncApi } from './protocol/asyncapi.ts';
    export default {
      'KNOBS.md': knobsDocument(defaultRegistry),
      'METRICS.md': metricsDocument(defaultRegistry),
      'ERRORS.md': errorsDocument(),
      'stream.asyncapi.json': \`\${JSON.stringify(asyncApi(), undefined, 2)}\\n\`,
    };`,
  );
}
