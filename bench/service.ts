/** The service as it is run, and groups in slices for it, some with a process that does a little again and again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../test/support/files.ts';
import { cgroupMounts, removeEverywhere } from '../test/support/scratch.ts';

const A_SLICE = 50;

export class Surroundings {
  readonly #root: string;
  readonly #children: ChildProcess[] = [];

  /** @param root in every hierarchy: what is made is below it */
  constructor(root: string) {
    this.#root = root;
  }

  /** @param busy how many of them have a process @param pause of it, in seconds */
  makeGroups(groups: number, busy: number, pause: number): void {
    for (let at = 0; at < groups; at++) {
      const path = join(this.#root, `slice-${Math.floor(at / A_SLICE)}`, `group-${at}`);
      for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
      if (at % Math.ceil(groups / busy) !== 0) continue;
      const loop = ['sh', '-c', `while sleep ${pause}; do :; done`];
      const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...loop], { stdio: 'ignore' });
      this.#children.push(child);
      for (const { point, controllers } of cgroupMounts())
        if (!controllers.includes('cpuset')) writeFileSync(join(point, path, 'cgroup.procs'), String(child.pid));
    }
  }

  /** @returns once it answers */
  async serve(...flags: readonly string[]): Promise<{ readonly pid: number; readonly url: string }> {
    const words = ['serve', '--listen', '127.0.0.1:0', '--log-level', 'warn', ...flags];
    const child = spawn(process.execPath, [join(projectRoot, 'bin/cgctl'), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    while (!/http:\S+/.test(text)) await sleep(20);
    return { pid: child.pid ?? 0, url: /http:\S+/.exec(text)?.[0] ?? '' };
  }

  end(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    removeEverywhere(this.#root);
  }
}
