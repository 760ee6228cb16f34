/**
 * Runs in an emulated machine, which nobody else uses: makes a group, gives it limits and work, and prints every file of it and
 * of the root, for test/fixtures/kernels (scripts/capture-fixtures.mjs).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../src/errors.ts';
import { cgroupMounts } from '../support/scratch.ts';

const GROUP = 'web';

/** What shows the forms that files have: set where there is such a file. Groups of v1 need the first two to hold anything. */
const SETTINGS: readonly (readonly [file: string, ...texts: string[]])[] = [
  ['cpuset.cpus', '0-2'],
  ['cpuset.mems', '0-1'],
  ['cpu.shares', '512'],
  ['cpu.cfs_quota_us', '50000'],
  ['cpu.weight', '200'],
  ['cpu.max', '50000 100000'],
  ['memory.limit_in_bytes', '268435456'],
  ['memory.soft_limit_in_bytes', '134217728'],
  ['memory.max', '268435456'],
  ['memory.high', '201326592'],
  ['pids.max', '100'],
  ['blkio.bfq.weight_device', '254:0 300'],
  ['blkio.throttle.read_bps_device', '254:0 104857600', '254:16 52428800'],
  ['blkio.throttle.write_iops_device', '254:0 5000'],
  ['io.max', '254:0 rbps=104857600 wiops=5000', '254:16 wbps=52428800'],
  ['hugetlb.2MB.max', '8388608'],
  ['hugetlb.2MB.limit_in_bytes', '8388608'],
  ['net_cls.classid', '0x100001'],
  ['net_prio.ifpriomap', 'lo 5'],
];

/** It holds memory, both anonymous and of files, uses CPU, and has written to a disk, with BFQ and without. */
const WORK = [
  'dd if=/dev/zero of=/dev/vda bs=256k count=16 oflag=direct',
  'dd if=/dev/vdb of=/dev/null bs=256k count=16 iflag=direct',
  'dd if=/dev/zero of=/tmp/captured bs=1M count=4',
  'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done',
  '(head -c 8388608 /dev/zero; exec sleep 1000) | tail &',
  ': > /tmp/worked; exec sleep 1000',
].join('\n');

const PROC = ['mountinfo', 'cgroup'].map((name) => `/proc/self/${name}`);
const MACHINE = ['cgroups', 'meminfo', 'vmstat', 'stat', 'loadavg', 'filesystems'].map((name) => `/proc/${name}`);
const PRESSURE = ['cpu', 'io', 'memory'].map((name) => `/proc/pressure/${name}`);
const NODES = [0, 1].flatMap((node) =>
  ['cpulist', 'distance', 'meminfo', 'numastat'].map((name) => `/sys/devices/system/node/node${node}/${name}`),
);
const TOPOLOGY = ['/sys/devices/system/cpu/online', '/sys/devices/system/node/online', ...NODES];

writeFileSync('/sys/block/vda/queue/scheduler', 'bfq');
const mounts = cgroupMounts();
const groups = mounts.map(({ point, version, controllers }) => {
  const group = join(point, GROUP);
  if (version === 2) for (const name of controllers) write(join(point, 'cgroup.subtree_control'), `+${name}`);
  mkdirSync(group);
  for (const [file, ...texts] of SETTINGS) for (const text of texts) write(join(group, file), text);
  return group;
});

const enter = groups.map((group) => `echo $$ > ${group}/cgroup.procs; `).join('');
const worker = spawn('sh', ['-c', enter + WORK], { stdio: 'ignore' });
while (!existsSync('/tmp/worked')) {
  if (worker.exitCode !== null) throw new Error(`the work ended with ${worker.exitCode}`);
  await sleep(100);
}
// The kernel counts memory and pressure in batches.
await sleep(4000);

for (const { point, version, controllers } of mounts) {
  const name = version === 2 ? 'unified' : controllers.join(',');
  print(`${name}.txt`, filesOf(point).concat(filesOf(join(point, GROUP))), point);
}
print('proc.txt', [...PROC, ...MACHINE, ...PRESSURE, ...TOPOLOGY, `/proc/${worker.pid}/cgroup`], '');
process.exit(0);

function filesOf(directory: string): string[] {
  return readdirSync(directory)
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());
}

/** In the form of head and tail; for what cannot be read, the errno. */
function print(file: string, paths: readonly string[], base: string): void {
  const sections = paths.map((path) => {
    const { text = '', errno } = read(path);
    return `==> ${path.slice(base.length)}${errno === undefined ? '' : ` (${errno})`} <==\n${text}\n`;
  });
  process.stdout.write(`\x1e${JSON.stringify({ file, text: sections.join('') })}\n`);
}

function read(path: string): { text?: string; errno?: string } {
  try {
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return { errno };
  }
}

/** Not every mode has every file, nor does every value suit every one. */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'r+' });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    if (existsSync(path)) console.log(`${path}: ${text}: ${errnoOf(error)}`);
  }
}
