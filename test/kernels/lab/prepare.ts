/**
 * What an emulated machine boots: Debian's kernel, taken out of its package without installing it, and an initramfs with
 * our init and the modules. Made once for each kernel version and kept in the user's cache.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { projectRoot } from '../../support/files.ts';
import { cpio, type Entry, extractKernel } from './archive.ts';

/** What boots. */
export interface Lab {
  readonly kernel: string;
  readonly initramfs: string;
  /** The rate of this machine's time stamp counter. */
  readonly tscKhz: number;
}

const PACKAGES = ['qemu-system-x86', 'kmod', 'gcc', 'libc6-dev', 'xz-utils'];
const MODULES = [
  ...['virtio_pci', 'virtio_blk', 'virtio_console', '9pnet_virtio', '9p', 'overlay'],
  ...['bfq', 'zram', 'loop', 'ext4', 'cls_cgroup'],
];
/** The newest kernel of the Debian release; another package may be named (`linux-image-6.12.…`). */
const KERNEL_PACKAGE = process.env.CGCTL_LAB_KERNEL ?? 'linux-image-amd64';
const UNUSED_MS = 30 * 24 * 3600_000;
const sourceOf = (name: string) => join(projectRoot, `test/kernels/lab/${name}.c`);

/**
 * Install what is missing, where that is wanted: in CI, or by CGCTL_LAB_INSTALL=1.
 * @returns why kernels cannot be emulated here, with what would change that, or undefined
 */
export function labLacks(): string | undefined {
  if (process.arch !== 'x64') return 'an x86-64 kernel is emulated and this is another machine';
  if (!existsSync('/usr/bin/apt-get')) return 'kernel and emulator are taken from Debian’s packages: no apt-get here';
  const wanted = process.env.CI === 'true' || process.env.CGCTL_LAB_INSTALL === '1';
  if (missingPackages().length > 0 && wanted && process.getuid?.() === 0) install();
  const missing = missingPackages();
  return missing.length === 0 ? undefined : `to emulate kernels: apt-get install ${missing.join(' ')}`;
}

/** The kernel and the initramfs, made if they are not in the cache. @throws Error when a step fails */
export function prepareLab(): Lab {
  const { name, version } = findKernel();
  const inputs = createHash('sha256').update(JSON.stringify(MODULES));
  for (const source of ['init', 'tsc'].map(sourceOf)) inputs.update(readFileSync(source));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cgctl-lab');
  const folder = join(cache, `${name}_${version}_${inputs.digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    make(name, version, folder);
  }
  utimesSync(folder, new Date(), new Date());
  for (const entry of readdirSync(cache).map((each) => join(cache, each))) {
    if (Date.now() - (statSync(entry, { throwIfNoEntry: false })?.mtimeMs ?? 0) > UNUSED_MS)
      rmSync(entry, { recursive: true, force: true });
  }
  const tscKhz = Number(run(join(folder, 'tsc'), []));
  return { kernel: join(folder, 'vmlinux'), initramfs: join(folder, 'initramfs'), tscKhz };
}

/** In a folder of our own that becomes the cached one whole: others may be making the same. */
function make(name: string, version: string, folder: string): void {
  console.error(`cgctl: fetching ${name} ${version} to emulate …`);
  const work = mkdtempSync(`${folder}.`);
  try {
    run('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', `${name}=${version}`], work);
    const [archive] = readdirSync(work);
    run('dpkg-deb', ['-x', archive ?? '', 'unpacked'], work);
    const unpacked = join(work, 'unpacked');
    const [release = ''] = readdirSync(join(unpacked, 'lib/modules'));
    const made = join(work, 'made');
    mkdirSync(made);
    writeFileSync(join(made, 'vmlinux'), extractKernel(readFileSync(join(unpacked, 'boot', `vmlinuz-${release}`))));
    run('gcc', ['-O2', '-o', join(made, 'tsc'), sourceOf('tsc')]);
    run('gcc', ['-O2', '-static', '-o', 'init', sourceOf('init')], work);
    const init = readFileSync(join(work, 'init'));
    writeFileSync(join(made, 'initramfs'), cpio([{ path: 'init', contents: init }, ...modules(unpacked, release)]));
    renameSync(made, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // somebody else was quicker
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The modules and what they depend on, and the order to load them in. */
function modules(unpacked: string, release: string): Entry[] {
  run('depmod', ['-b', unpacked, release]);
  const files = MODULES.flatMap((module) =>
    run('modprobe', ['-d', unpacked, '-S', release, '--show-depends', module])
      .split('\n')
      .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []),
  );
  const entries = [...new Set(files)].map((file) =>
    file.endsWith('.xz')
      ? { path: basename(file, '.xz'), contents: execFileSync('xz', ['-dc', file], { maxBuffer: 2 ** 28 }) }
      : { path: basename(file), contents: readFileSync(file) },
  );
  const order = { path: 'order', contents: Buffer.from(entries.map(({ path }) => `${path}\n`).join('')) };
  return [
    { path: 'modules' },
    { path: 'root' },
    ...[order, ...entries].map(({ path, contents }) => ({ path: `modules/${path}`, contents })),
  ];
}

function findKernel(): { name: string; version: string } {
  const found = lookUp();
  if (found !== undefined) return found;
  // A machine that has never seen a package list.
  if (process.getuid?.() === 0) run('apt-get', ['update', '-q']);
  const second = lookUp();
  if (second === undefined) throw new Error(`${KERNEL_PACKAGE} is in none of apt’s package lists: apt-get update`);
  return second;
}

/** The package that holds the kernel, which `linux-image-amd64` only depends on. */
function lookUp(name = KERNEL_PACKAGE): { name: string; version: string } | undefined {
  const { status, stdout } = spawnSync('apt-cache', ['show', '--no-all-versions', name], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const kernel = /^Depends:.*?(linux-image-\d[^\s,]*)/m.exec(stdout)?.[1];
  if (kernel !== undefined) return lookUp(kernel);
  const version = /^Version: (\S+)$/m.exec(stdout)?.[1];
  return version === undefined ? undefined : { name, version };
}

function missingPackages(): string[] {
  return PACKAGES.filter((name) => {
    const { stdout } = spawnSync('dpkg', ['--status', name], { encoding: 'utf8' });
    return !stdout.includes('\nStatus: install ok installed\n');
  });
}

function install(): void {
  console.error(`cgctl: installing ${missingPackages().join(' ')} …`);
  run('apt-get', ['update', '-q']);
  run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...missingPackages()]);
}

/** @returns what the tool printed. @throws Error with what it complained about */
function run(command: string, args: readonly string[], cwd?: string): string {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  return execFileSync(command, args, {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(cwd && { cwd }),
  });
}
