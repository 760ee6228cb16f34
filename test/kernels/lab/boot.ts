/** One emulated machine: it boots, runs one command, and is gone. */
import { spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../support/files.ts';
import { MODES, type Mode, type Mounts } from './modes.ts';
import type { Lab } from './prepare.ts';

/** A command, started in the project's root. */
export interface Job {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Neither a status nor timed out: the machine crashed. */
export interface Ending {
  readonly status?: number;
  readonly timedOut: boolean;
}

export interface Running {
  /** What the command prints. To be read to the end, and at once. */
  readonly lines: AsyncIterable<string>;
  /** Settles when all is over and cleaned up. */
  readonly ended: Promise<Ending>;
  /** End it early and leave nothing behind; synchronous, for handlers of signals. Afterwards it does nothing. */
  stop(): void;
}

const CPUS = 4;
const MEMORY_MIB = 1536;
const DISK_BYTES = 2 ** 30;
const SWAP_BYTES = 2 ** 28;

/**
 * A machine of 4 CPUs in 2 NUMA nodes and 1.5 GiB, whose root is this machine's, read-only under a tmpfs of its own,
 * with two disks that keep nothing (vda, vdb: 1 GiB) and one that does (vdc: 256 MiB, for swap or a file system).
 * @param consoleLog the file for the kernel's messages
 */
export function boot(lab: Lab, mode: Mode, job: Job, consoleLog: string): Running {
  const work = mkdtempSync(join(tmpdir(), 'cgctl-lab-'));
  const share = join(work, 'share');
  const swap = join(work, 'swap');
  mkdirSync(share);
  writeFileSync(join(share, 'command'), script(job));
  closeSync(openSync(swap, 'w'));
  truncateSync(swap, SWAP_BYTES);
  mkdirSync(dirname(consoleLog), { recursive: true });
  const command = ['qemu-system-x86_64', ...machine(lab, MODES[mode], { consoleLog, share, swap })];
  const emulator = runHere({ ...job, command, env: {} });
  const clean = (): void => rmSync(work, { recursive: true, force: true });
  return {
    lines: emulator.lines,
    ended: emulator.ended.then(({ timedOut }) => {
      const left = join(share, 'status');
      const status = existsSync(left) ? { status: Number(readFileSync(left, 'utf8')) } : {};
      clean();
      return { timedOut, ...status };
    }),
    stop: () => {
      emulator.stop();
      clean();
    },
  };
}

/** A job on this very machine. It does not outlive us. */
export function runHere({ command, env, timeoutMs }: Job): Running {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    cwd: projectRoot,
    // Else a test runner among our children would take itself for one that runs inside of ours.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let timedOut = false;
  const stop = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutMs);
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ timedOut, ...(status === null ? {} : { status }) }));
  }).finally(() => clearTimeout(timer));
  return { lines: createInterface({ input: child.stdout }), ended, stop };
}

/** What the guest's init hands to sh. */
function script({ command, env }: Job): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  return `${exports.join('')}cd ${quoted(projectRoot)} && exec ${command.map(quoted).join(' ')}\n`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

interface Files {
  readonly consoleLog: string;
  readonly share: string;
  readonly swap: string;
}

/** qemu's arguments. */
function machine(lab: Lab, mounts: Mounts, { consoleLog, share, swap }: Files): string[] {
  const node = (id: number) => [
    ...['-object', `memory-backend-ram,id=memory${id},size=${MEMORY_MIB / 2}M`],
    ...['-numa', `node,nodeid=${id},cpus=${id * 2}-${id * 2 + 1},memdev=memory${id}`],
  ];
  const folder = (tag: string, path: string, more = '') => [
    ...['-fsdev', `local,id=${tag},path=${path.replaceAll(',', ',,')},security_model=none,multidevs=remap${more}`],
    ...['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
  const disk = (id: string, source: string) => [
    ...['-drive', `if=none,id=${id},${source}`],
    ...['-device', `virtio-blk-pci,drive=${id}`],
  ];
  const nothing = `driver=null-co,size=${DISK_BYTES},read-zeroes=on`;
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-M', 'pc,hpet=off,usb=off,graphics=off,vmport=off,smm=off', ...processor()],
    ...['-smp', String(CPUS), '-m', `${MEMORY_MIB}M`, ...node(0), ...node(1)],
    ...['-kernel', lab.kernel, '-initrd', lab.initramfs, '-append', kernelArguments(mounts, lab)],
    ...['-serial', `file:${consoleLog.replaceAll(',', ',,')}`],
    ...[
      '-device',
      'virtio-serial-pci',
      '-chardev',
      'stdio,id=output,signal=off',
      '-device',
      'virtconsole,chardev=output',
    ],
    ...folder('root', '/', ',readonly=on'),
    ...folder('share', share),
    ...disk('vda', nothing),
    ...disk('vdb', nothing),
    ...disk(
      'vdc',
      `driver=raw,file.driver=file,file.filename=${swap.replaceAll(',', ',,')},cache.direct=off,cache.no-flush=on`,
    ),
  ];
}

/** The processor's own virtualisation where we may use it, else software. */
function processor(): string[] {
  return virtualises() ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max'];
}

/** A KVM without the processor's help (pvm) boots no kernel but those that are built for it: Debian's is not. */
export function virtualises(): boolean {
  if (!/^flags\s*:.*\b(?:vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))) return false;
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A panic ends the machine; pressure is counted; what an emulated machine only loses time with is off. */
function kernelArguments({ v1, v2, noV1 }: Mounts, { tscKhz }: Lab): string {
  return [
    ...['console=ttyS0', 'quiet', 'panic=-1', 'oops=panic', 'psi=1'],
    ...['mitigations=off', 'nokaslr', 'selinux=0', 'apparmor=0', 'cryptomgr.notests'],
    ...['tsc=reliable', `tsc_early_khz=${tscKhz}`, 'no_timer_check', 'random.trust_cpu=on'],
    ...(v1 === undefined ? [] : [`V1=${v1.join(';')}`]),
    ...(v2 === undefined ? [] : [`V2=${v2}`]),
    ...(noV1 === undefined ? [] : [`cgroup_no_v1=${noV1}`]),
  ].join(' ');
}
