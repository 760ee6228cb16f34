/**
 * node scripts/build.mjs: the program's bundles in dist/, the page in dist/web/, `cgctl/client` in dist/client.mjs, the addon in build/Release/.
 *
 * The program is ES modules in TypeScript; what runs is minified CommonJS, split where the source says import('…'):
 * a verb runs only what it uses, and each module exists once (errors keep their class, modules their state).
 * esbuild splits ES modules only, so each chunk is turned into CommonJS afterwards, and those that the most frequent verb
 * loads are put into one file: a further file costs about half a millisecond at start, and so do 15 kB that are not used.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { digest, fail, filesBelow, isStamped, root, run, writeAtomically, writeStamp } from './lib.mjs';

const OUT = join(root, 'dist');
const ENTRY = 'cgctl.cjs';
/** What `set` runs is one file with the entry: it is the verb of scripts, run most often. Other chunks are files of their own. */
const FREQUENT = 'src/verbs/set.ts';
const BUNDLE_STAMP = 'dist/.stamp';
/** Built by node-gyp. */
export const ADDON = 'build/Release/cgctl.node';
const ADDON_STAMP = 'build/.stamp';
/** A service that runs may still load its chunks after a rebuild. */
const KEEP_OLD_CHUNKS_MS = 60 * 60_000;

/** Bundle the program and the page, unless they are there and made from these very sources. */
export async function bundleIfStale({ force = false } = {}) {
  const key = digest([...filesBelow('src'), 'scripts/build.mjs', 'scripts/warm-up.cjs', 'package-lock.json']);
  if (!force && isStamped(BUNDLE_STAMP, key)) return false;
  const esbuild = await import('esbuild');
  await bundleProgram(esbuild);
  await bundlePage(esbuild);
  await bundleClient(esbuild);
  warmUp();
  writeStamp(BUNDLE_STAMP, key);
  return true;
}

/** What runs from the clone. */
const TOOL = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  sourcesContent: false,
  write: false,
  logLevel: 'warning',
};

/** Bundle tests and other tools that run from the clone, one file each under dist/. @returns the bundles' paths */
export async function bundleTools(files) {
  const esbuild = await import('esbuild');
  const outExtension = { '.js': '.mjs' };
  const { outputFiles } = await esbuild.build({ ...TOOL, entryPoints: files, outdir: OUT, outbase: '.', outExtension });
  for (const { path, contents } of outputFiles) writeAtomically(path, contents);
  return outputFiles.map(({ path }) => path).filter((path) => path.endsWith('.mjs'));
}

/** Bundle test files into one program, each a suite named by its path: an emulated machine takes seconds to start each program. */
export async function bundleSuites(files, outfile) {
  const esbuild = await import('esbuild');
  const suites = files.map((file) => `suite(${JSON.stringify(file)}, async () => void (await import('./${file}')));\n`);
  const contents = `import { suite } from 'node:test';\n${suites.join('')}`;
  const stdin = { contents, resolveDir: root, sourcefile: basename(outfile) };
  const { outputFiles } = await esbuild.build({ ...TOOL, stdin, outfile: join(root, outfile) });
  for (const output of outputFiles) writeAtomically(output.path, output.contents);
}

/** Whether the native addon is not there, or not made from these very sources for this Node. */
export function isAddonStale({ folder = '', flags = '' } = {}) {
  return !isStamped(join(folder, ADDON_STAMP), addonKey(flags)) || !existsSync(join(root, folder, ADDON));
}

/**
 * Build the native addon.
 * @param options.folder where binding.gyp is, below the root @param options.flags more words for the compiler
 * @returns why that cannot be done, or undefined
 */
export function buildAddon({ folder = '', flags = '' } = {}) {
  const missing = ['python3', 'make', 'g++'].filter((tool) => !onPath(tool));
  if (missing.length > 0) return `${missing.join(', ')} not found`;
  const gyp = join(root, 'node_modules/node-gyp/bin/node-gyp.js');
  console.error(`cgctl: building the native addon ${flags && `with ${flags} `}…`);
  const args = [gyp, 'rebuild', '--loglevel=error', '--jobs=max', ...headers()];
  const env = flags === '' ? process.env : { ...process.env, CXXFLAGS: flags, LDFLAGS: flags };
  const status = run(process.execPath, args, { cwd: join(root, folder), env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) return 'it does not compile';
  writeStamp(join(folder, ADDON_STAMP), addonKey(flags));
  return undefined;
}

function addonKey(flags) {
  return digest([...filesBelow('native'), 'binding.gyp'], process.version, process.arch, flags);
}

/** node-gyp's way to this Node's own headers, where they are installed: it would download them otherwise. */
function headers() {
  const prefix = join(process.execPath, '../..');
  return existsSync(join(prefix, 'include/node/node.h')) ? [`--nodedir=${prefix}`] : [];
}

async function bundleProgram(esbuild) {
  const common = { target: 'node20', platform: 'node', minify: true, logLevel: 'warning' };
  const { outputFiles, metafile } = await esbuild.build({
    ...common,
    metafile: true,
    absWorkingDir: root,
    entryPoints: { cgctl: 'src/cli/main.ts' },
    outdir: OUT,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    define: { 'import.meta.dirname': '__dirname' },
    plugins: [withoutSubprograms],
    write: false,
  });
  const cjs = { ...common, format: 'cjs', supported: { 'dynamic-import': false } };
  const chunks = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  const { frequent, shared } = frequentChunks(metafile);
  const outer = [...chunks.keys()].filter((name) => !frequent.has(name));
  for (const name of outer) {
    const { code } = await esbuild.transform(chunks.get(name), {
      ...cjs,
      logOverride: { 'empty-import-meta': 'error' },
    });
    writeAtomically(join(OUT, name), `"use strict";module.exports=function(module,exports,require){${code}}`);
  }
  const inner = await esbuild.build({
    ...cjs,
    stdin: { contents: entryOf(shared) },
    bundle: true,
    plugins: [theseChunks(chunks, frequent)],
    write: false,
  });
  writeAtomically(join(OUT, ENTRY), link(inner.outputFiles[0].text, outer));
  dropOldChunks(outer);
}

/**
 * The chunks of the entry, of the frequent verb, and of what they import; and of these the ones that others use too, with
 * the names that they export.
 */
function frequentChunks({ outputs }) {
  const found = new Set();
  const add = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: imported, kind } of outputs[path].imports)
      if (kind === 'import-statement' && outputs[imported]) add(imported);
  };
  for (const [path, { entryPoint }] of Object.entries(outputs))
    if (entryPoint === 'src/cli/main.ts' || entryPoint === FREQUENT) add(path);
  const others = Object.keys(outputs).filter((path) => !found.has(path));
  const used = new Set(others.flatMap((path) => outputs[path].imports.map(({ path: imported }) => imported)));
  return {
    frequent: new Set([...found].map((path) => basename(path))),
    shared: [...found].filter((path) => used.has(path)).map((path) => [basename(path), outputs[path].exports]),
  };
}

/** What is bundled into the entry: first what other chunks will ask for, under the chunks' names, then the program itself. */
function entryOf(shared) {
  const imports = shared.map(([name], i) => `import * as shared${i} from "./${name}";`);
  const members = ([name, exports], i) =>
    `"./${name}":()=>({${exports.map((member) => `get ${member}(){return shared${i}.${member}}`).join(',')}})`;
  return `${imports.join('')}Object.assign(modules,{${shared.map(members).join(',')}});import "./${ENTRY}";`;
}

/** Chunks as they are in memory; those that are not among the wanted ones are required when they are needed. */
function theseChunks(chunks, wanted) {
  return {
    name: 'these-chunks',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path }) =>
        wanted.has(basename(path)) ? { path: basename(path), namespace: 'chunk' } : { path, external: true },
      );
      build.onLoad({ filter: /./, namespace: 'chunk' }, ({ path }) => ({ contents: chunks.get(path) }));
    },
  };
}

/** One run, so that the next ones find a code cache: a change from its flags to what is told, of a machine made of files. */
function warmUp() {
  for (const name of readdirSync(OUT).filter((entry) => entry.endsWith('.cache'))) rmSync(join(OUT, name));
  const program = ['--require', join(root, 'scripts/warm-up.cjs'), join(root, 'bin/cgctl')];
  const change = ['set', '/web', '--cpu-shares', '512', '--memory', '1g'];
  const { status, stderr, error } = spawnSync(process.execPath, [...program, ...change], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the warm-up run fails: ${error?.message ?? stderr}`); // else its notes are of the made-up machine
}

/** commander's subcommands may be programs of their own; cgctl's are not, and Node's child_process is dear to load. */
const withoutSubprograms = {
  name: 'without-subprograms',
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/node_modules/commander/') ? { path: 'child_process', namespace: 'absent' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'absent' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/**
 * The program as a function of `require` and its folder. The outer chunks are files that export their function, so that
 * they are given this file's modules and not a second copy.
 */
function link(inner, outer) {
  const modules = outer.map((name) => `"./${name}":()=>run(require(__dirname+"/${name}"))`);
  const program = `(function(nodeRequire,__dirname){"use strict";const loaded={},modules={${modules.join(',\n')}};
function require(name){if(!Object.hasOwn(modules,name))return nodeRequire(name);
return loaded[name]??=modules[name]()}
function run(chunk){const module={exports:{}};chunk(module,module.exports,require);return module.exports}
${inner}})
`;
  // bin/cgctl keeps V8's code cache under these 64 bytes.
  return `//${createHash('sha256').update(program).digest('hex').slice(0, 61)}\n${program}`;
}

async function bundlePage(esbuild) {
  if (!existsSync(join(root, 'src/web/main.ts'))) return;
  const web = join(OUT, 'web');
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['src/web/main.ts'],
    outdir: web,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    logLevel: 'warning',
  });
  for (const file of filesBelow('src/web').filter((name) => /^src\/web\/[^/]+\.(html|css|svg)$/.test(name))) {
    cpSync(join(root, file), join(web, file.slice('src/web/'.length)));
  }
}

/** `cgctl/client`, for other programs: as it is, for their own bundlers. */
async function bundleClient(esbuild) {
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['src/client/index.ts'],
    outfile: join(OUT, 'client.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    logLevel: 'warning',
  });
}

/** The types of `cgctl/client` in dist/types/. Only the package needs them. @returns whether they could be made */
export function makeClientTypes() {
  rmSync(join(OUT, 'types'), { recursive: true, force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return run(process.execPath, [tsc, '-p', 'src/client']) === 0;
}

function dropOldChunks(current) {
  for (const name of readdirSync(OUT).filter((entry) => entry.endsWith('.cjs'))) {
    const path = join(OUT, name);
    const old = name !== ENTRY && !current.includes(name) && Date.now() - statSync(path).mtimeMs > KEEP_OLD_CHUNKS_MS;
    if (old) rmSync(path, { force: true });
  }
}

function onPath(tool) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, tool)));
}

if (process.argv[1] === import.meta.filename) {
  await bundleIfStale({ force: true }).catch((error) => fail(error.message));
  const problem = buildAddon();
  if (problem !== undefined) fail(`the native addon cannot be built: ${problem}`);
}
