/** What "npm pack" ships beside the sources: fresh bundles, the client's types, and the addon built for this architecture. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ADDON, buildAddon, bundleIfStale, isAddonStale, makeClientTypes } from './build.mjs';
import { fail, root, run } from './lib.mjs';

rmSync(join(root, 'dist'), { recursive: true, force: true });
await bundleIfStale().catch((error) => fail(error.message));
if (!makeClientTypes()) fail('the types of cgctl/client cannot be made');
const problem = isAddonStale() ? buildAddon() : undefined;
if (problem !== undefined) fail(`the package needs the native addon: ${problem}`);

const folder = join(root, 'prebuilds', `linux-${process.arch}`);
const addon = join(folder, 'cgctl.node');
mkdirSync(folder, { recursive: true });
copyFileSync(join(root, ADDON), addon);
if (run('strip', ['--strip-unneeded', addon]) !== 0) fail('strip failed');
