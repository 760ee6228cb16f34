/** What a change from the command line costs as a whole process, beside Node doing nothing. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../test/support/files.ts';
import { mountOf } from '../test/support/host.ts';
import { median } from './figures.ts';

const BLOCKS = 12;
const RUNS_A_BLOCK = 5;
const TICK_MS = 10; // sysconf(_SC_CLK_TCK) is 100 on Linux

/** CPU time of all children that have ended, in ms (proc_pid_stat(5): cutime, cstime). */
function childrenCpu(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

const path = `/cgctl-test-${process.pid}-bench`;
const group = join(mountOf('cpu'), path);
const cgctl = join(projectRoot, 'bin/cgctl');
const rivals = [
  { name: 'node -e 0', argv: ['-e', '0'], cpu: 0, wall: [] as number[] },
  { name: 'cgctl --version', argv: [cgctl, '--version'], cpu: 0, wall: [] as number[] },
  { name: 'cgctl set --cpu-shares', argv: [cgctl, 'set', path, '--cpu-shares', '512'], cpu: 0, wall: [] as number[] },
];

mkdirSync(group);
try {
  for (let block = 0; block < BLOCKS; block++) {
    for (const rival of rivals) {
      const before = childrenCpu();
      for (let i = 0; i < RUNS_A_BLOCK; i++) {
        const start = process.hrtime.bigint();
        const { status, stderr } = spawnSync(process.execPath, rival.argv, { encoding: 'utf8' });
        rival.wall.push(Number(process.hrtime.bigint() - start) / 1e6);
        if (status !== 0) throw new Error(`${rival.name}: ${stderr}`);
      }
      rival.cpu += (childrenCpu() - before) / RUNS_A_BLOCK / BLOCKS;
    }
  }
} finally {
  rmdirSync(group);
}

const [base] = rivals;
console.log('                          CPU ms  ratio   wall ms (median)  ratio');
for (const { name, cpu, wall } of rivals) {
  const ratios = [cpu / (base?.cpu ?? 0), median(wall) / median(base?.wall ?? [])].map((ratio) => ratio.toFixed(2));
  console.log(
    `${name.padEnd(24)} ${cpu.toFixed(1).padStart(7)}  ${ratios[0]}  ${median(wall).toFixed(1).padStart(16)}   ${ratios[1]}`,
  );
}
