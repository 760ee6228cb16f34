/** The two binary forms that booting needs: a kernel out of its compressed image, an initramfs. */
import { execFileSync } from 'node:child_process';

export interface Entry {
  readonly path: string;
  /** Absent: a directory. */
  readonly contents?: Uint8Array;
}

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;

/** A cpio archive in the `newc` form that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst). */
export function cpio(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(record), record({ path: 'TRAILER!!!' }, -1)]);
}

function record({ path, contents = Buffer.alloc(0), ...rest }: Entry, index: number): Buffer {
  const mode = 'contents' in rest || contents.length > 0 ? EXECUTABLE : DIRECTORY;
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, mtime, size, device and special device numbers, name's length, checksum (unused)
  const fields = [index + 1, mode, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([padded(Buffer.concat([head, name])), padded(contents)]);
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

/**
 * The ELF kernel inside a bzImage (Documentation/x86/boot.rst). An emulator starts it by PVH, which spares it the
 * decompressor: seconds of emulated work.
 */
export function extractKernel(image: Buffer): Buffer {
  const SECTOR = 512;
  const setup = ((image[0x1f1] || 4) + 1) * SECTOR;
  const start = setup + image.readUInt32LE(0x248);
  // The payload ends with its unpacked size, which is not xz's.
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
  if (payload.readUInt32BE(0) !== 0xfd377a58) throw new Error('the kernel is not compressed with xz');
  const kernel = execFileSync('xz', ['-dc', '--single-stream'], { input: payload, maxBuffer: 2 ** 30 });
  if (kernel.toString('latin1', 1, 4) !== 'ELF') throw new Error('the kernel image holds no ELF file');
  return kernel;
}
