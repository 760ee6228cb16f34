/** The C programs of this folder: groups to measure on, and the bare loop to compare with. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../test/support/files.ts';

const tools = mkdtempSync(join(tmpdir(), 'cgctl-bench-'));
process.once('exit', () => rmSync(tools, { recursive: true }));

function compile(name: string): string {
  const [source, program] = [join(projectRoot, `bench/${name}.c`), join(tools, name)];
  const { status } = spawnSync('cc', ['-O2', '-o', program, source], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${source} does not compile`);
  return program;
}

/** So many groups `/NAME/g00000` … in all hierarchies, with a process each. @param busyEvery one in so many has something to do; 0 for none */
export async function makeGroups(
  name: string,
  n: number,
  busyEvery = 0,
): Promise<{ readonly ready: string; remove(): Promise<void> }> {
  const maker = spawn(compile('groups'), [name, String(n), String(busyEvery)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [ready] = await once(createInterface({ input: maker.stdout }), 'line');
  return {
    ready,
    async remove() {
      const gone = once(maker, 'exit');
      maker.stdin.end();
      await gone;
    },
  };
}

/** The bare C loop over 25 files of each of those groups: a round when it is asked for one. */
export function startFloor(name: string, n: number, budget: number) {
  const child = spawn(compile('floor'), [name, String(n), String(budget)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @returns CPU time in µs a group, and how many files of a group stay open */
    async round(): Promise<{ us: number; kept: number }> {
      child.stdin.write('\n');
      const [us = Number.NaN, errors, kept = 0] = String((await lines.next()).value)
        .split(' ')
        .map(Number);
      if (errors !== 0) throw new Error(`the C loop could not read ${errors} files`);
      return { us, kept };
    },
    end: () => child.stdin.end(),
  };
}
