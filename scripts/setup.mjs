/**
 * Ensure what is missing for running and testing from a clone: dependencies, bundles, the native addon.
 * Nothing is done, and little time taken, when nothing has changed.
 */
const OLDEST = [20, 19];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  stop(`Node ${OLDEST.join('.')} or newer is needed and this is ${process.versions.node}: install it (nodejs.org)`);
}
if (process.platform !== 'linux') stop('cgroups are a Linux kernel’s: run it on Linux, or in a Linux machine or VM');

// Only now: older Nodes cannot even load these.
const { install, isInstallStale } = await import('./install.mjs');
const { buildAddon, bundleIfStale, isAddonStale } = await import('./build.mjs');
const { root, run } = await import('./lib.mjs');

if (isInstallStale() || isAddonStale()) {
  const locked = process.argv.includes('--locked');
  // Two set-ups at once would tear down each other's work: the second waits, and then finds it done.
  if (!locked) process.exit(run('flock', [root, process.execPath, import.meta.filename, '--locked']));
  if (isInstallStale()) install();
  const problem = isAddonStale() ? buildAddon() : undefined;
  if (problem !== undefined) {
    console.error(
      `cgctl: warning: no native addon (${problem}): plain JavaScript is used, and OOM events are not seen`,
    );
    console.error('cgctl: to have it: apt-get install python3 make g++');
  }
}
await bundleIfStale().catch((error) => stop(`the program does not build: ${error.message}`));

function stop(message) {
  console.error(`cgctl: ${message}`);
  process.exit(1);
}
