/** Disks that a test may write to, limit and schedule as it likes. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { atEnd, temporary } from '../support/host.ts';

const MiB = 2 ** 20;

export interface Disk {
  readonly path: string;
  readonly majMin: string;
  /** Hands it to a scheduler for as long as the test runs. @returns whether the kernel has that one */
  schedule(scheduler: string): boolean;
}

/** A loop device of 64 MiB, given back when the test ends. */
export function loopDisk(t: TestContext): Disk {
  const image = join(temporary(t), 'disk');
  writeFileSync(image, '');
  truncateSync(image, 64 * MiB);
  const path = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
  const { rdev } = statSync(path);
  const queue = `/sys/block/${basename(path)}/queue/scheduler`;
  const offered = readFileSync(queue, 'utf8');
  atEnd(t, () => {
    writeFileSync(queue, /\[(\S+)\]/.exec(offered)?.[1] ?? 'none');
    execFileSync('losetup', ['--detach', path]);
  });
  return {
    path,
    majMin: `${rdev >> 8}:${rdev & 0xff}`,
    schedule(scheduler) {
      if (!offered.split(/[\s[\]]+/).includes(scheduler)) return false;
      writeFileSync(queue, scheduler);
      return true;
    },
  };
}
