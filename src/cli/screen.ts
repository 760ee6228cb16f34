/** This process's terminal as a whole: raw, and given back as it was however the process ends. */
import { writeSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import type { Output, Screen, ScreenOwner } from '../verbs/verb.ts';

const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** Takes the terminal at once. */
export function openScreen(owner: ScreenOwner, out: Output): Screen {
  const { stdin, stdout } = process;
  let taken = false;

  const input = (bytes: Uint8Array): void => owner.input(bytes);
  const take = (): void => {
    stdin.setRawMode(true);
    out.write(owner.enter);
    taken = true;
  };
  const leave = (): void => {
    if (!taken) return;
    taken = false;
    writeAnyway(owner.leave);
    stdin.setRawMode(false);
  };
  // The shell had the terminal, and may have changed it.
  const continued = (): void => {
    take();
    owner.redraw();
  };
  const resized = (): void => owner.redraw();
  const ended = (): void => owner.ended();

  take();
  stdin.on('data', input);
  // A terminal that is hung up ends with an error.
  stdin.on('end', ended);
  stdin.on('error', ended);
  stdin.resume();
  stdout.on('resize', resized);
  process.on('SIGCONT', continued);
  process.on('exit', leave);
  return {
    size: () => ({
      columns: stdout.columns || DEFAULT_SIZE.columns,
      rows: stdout.rows || DEFAULT_SIZE.rows,
    }),
    write: (text) => out.write(text),
    suspend() {
      leave();
      // The whole job, as the terminal would have: sudo or a script may stand before us. It returns when we go on, at once where
      // no shell could bring us back.
      process.kill(0, 'SIGTSTP');
      continued();
    },
    giveBack() {
      stdin.off('data', input);
      stdin.off('end', ended);
      stdout.off('resize', resized);
      process.off('SIGCONT', continued);
      process.off('exit', leave);
      leave();
      stdin.pause();
    },
  };
}

/** Whoever could be told that it is gone is gone too. */
function writeAnyway(text: string): void {
  try {
    writeSync(1, text);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
