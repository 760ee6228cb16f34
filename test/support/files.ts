/** Files beside the tests. Bundled tests run from dist/, so paths are taken from the project's root. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's root: the nearest folder above with a binding.gyp. */
export const projectRoot = findRoot(import.meta.dirname);

/** The path of a file under test/fixtures. */
export function fixturePath(name: string): string {
  return join(projectRoot, 'test/fixtures', name);
}

/** The text of a file under test/fixtures. */
export function fixture(name: string): string {
  return readFileSync(fixturePath(name), 'utf8');
}

function findRoot(from: string): string {
  return existsSync(join(from, 'binding.gyp')) ? from : findRoot(dirname(from));
}

/**
 * Texts of kernel files by path, out of a file that scripts/capture-fixtures.mjs has written (`v2/unified.txt`). Files that
 * the kernel does not let be read are left out.
 */
export function captured(name: string): Map<string, string> {
  const [, ...parts] = fixture(`kernels/${name}`).split(/^==> (.+?)(?: \((E[A-Z]+)\))? <==\n/m);
  const files = new Map<string, string>();
  for (let at = 0; at < parts.length; at += 3) {
    const [path, errno, text] = parts.slice(at, at + 3);
    // A newline of the capture's own parts it from the next.
    if (path !== undefined && text !== undefined && errno === undefined) files.set(path, text.slice(0, -1));
  }
  return files;
}
