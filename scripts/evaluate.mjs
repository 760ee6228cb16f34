/** Runs a piece of TypeScript that imports the project's modules, and returns its default export. */
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { root } from './lib.mjs';

/** @param folder where its imports are relative to, from the root */
export async function evaluate(folder, contents) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    stdin: { resolveDir: join(root, folder), contents },
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  const [{ text }] = outputFiles;
  return (await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)).default;
}
