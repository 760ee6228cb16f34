/** cgctl's entry: this process's argv, terminal and signals around {@link run}. */
import { writeFileSync } from 'node:fs';
import { defaultRegistry } from '../controllers/index.ts';
import { errnoOf } from '../errors.ts';
import { openHost } from '../hierarchy/host.ts';
import { packageVersion } from '../package.ts';
import { run } from './run.ts';
import { terminal } from './terminal.ts';

const abort = new AbortController();
const ABORTING: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

function abortOn(name: NodeJS.Signals): void {
  if (abort.signal.aborted) process.exit(ABORTING[name]);
  abort.abort();
}

function listen(): void {
  for (const name of Object.keys(ABORTING)) process.on(name, abortOn);
}
listen();

/** Whoever watches writes to knobs sees by the command's name that it was cgctl; the arguments stay as they are for ps. */
function takeName(): void {
  try {
    writeFileSync('/proc/self/comm', 'cgctl');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
takeName();

const argv = process.argv.slice(2);
run(
  argv,
  terminal(() => process.exit(0)),
  {
    env: process.env,
    signal: abort.signal,
    who: `cgctl ${argv[0] ?? ''}, uid ${process.getuid?.()}`,
    foreground: { takeSignals },
    registry: defaultRegistry,
    version: packageVersion,
    openHost: (cgroupRoot) => openHost({ cgroupRoot }),
  },
).then((status) => {
  process.exitCode = status;
});

/** Until it is called back, the signals are somebody else's. */
function takeSignals(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): () => void {
  for (const name of Object.keys(ABORTING)) process.off(name, abortOn);
  for (const name of names) process.on(name, listener);
  return () => {
    for (const name of names) process.off(name, listener);
    listen();
  };
}
