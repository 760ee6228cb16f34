/**
 * node scripts/bench.mjs [file or folder …]
 *
 * Bundles the benchmarks (bench/ by default, *.bench.ts) and runs them one after the other, on the program as it is built.
 */
import { relative, resolve } from 'node:path';
import { bundleTools } from './build.mjs';
import { fail, filesBelow, root, run, shown } from './lib.mjs';

const wanted = process.argv.slice(2).map((path) => relative(root, resolve(path)));
const benches = filesBelow(...(wanted.length > 0 ? wanted : ['bench'])).filter((file) => file.endsWith('.bench.ts'));
if (benches.length === 0) fail(`no *.bench.ts in ${wanted.join(' ') || 'bench'}`);

const bundles = await bundleTools(benches).catch(() => fail('the benchmarks do not build'));
const failed = bundles.filter((file) => {
  console.log(`\n${shown(file)}`);
  return run(process.execPath, ['--enable-source-maps', '--expose-gc', file]) !== 0;
});
process.exit(failed.length > 0 ? 1 : 0);
