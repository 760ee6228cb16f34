/** What the page is made of. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { projectRoot } from '../support/files.ts';

const MOST_BYTES = 150 * 1024;

test('all that the page loads is under 150 KiB, gzipped', () => {
  const web = join(projectRoot, 'dist/web');
  const files = readdirSync(web, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.some(({ name }) => name === 'main.js'));
  const bytes = files.reduce(
    (sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length,
    0,
  );
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
});
