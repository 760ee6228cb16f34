/** The words of this room: where cgroups are, and the two ways to touch them. Reading needs no privilege and is a thing of its own. */
import type { Dialect } from '../controllers/controller.ts';

declare const clean: unique symbol;
/**
 * A cgroup's absolute path within its hierarchies (`/docker/4f1c…`), parsed: clean, no `..`, no NUL, newline or other control character,
 * no component over 255 bytes. Only `parseCgroupId` makes one.
 */
export type CgroupId = string & { readonly [clean]: true };

/** One mounted hierarchy. */
export interface Hierarchy {
  /** `cpu,cpuacct`, `name=systemd`, `unified`: stable, unique on the host. */
  readonly key: string;
  readonly dialect: Dialect;
  readonly mountPoint: string;
  /** The cgroup that the mount shows at its mount point: `/`, or deeper for a bind mount or inside a container. Ids outside of it have no path here. */
  readonly root: CgroupId;
  /** `/..` or `/../..`: the mount shows groups outside of this process's cgroup namespace, and /proc/PID/cgroup puts this before their ids. */
  readonly outside?: string;
  /** v1 subsystems, or what the v2 mount's root offers in cgroup.controllers. Empty for named v1 hierarchies. */
  readonly controllers: readonly string[];
  readonly readOnly: boolean;
  /** The device number (st_dev) of the mount: confinement checks opened files against it. */
  readonly device: bigint;
}

export interface Layout {
  readonly mode: 'v1' | 'hybrid' | 'v2';
  readonly hierarchies: readonly Hierarchy[];
  readonly unified?: Hierarchy;
}

/** Reads below the hierarchies. Every call is one system call or two; nothing is cached. */
export interface Reader {
  readonly layout: Layout;
  /** The hierarchies in which the group exists. */
  places(id: CgroupId): readonly Hierarchy[];
  exists(h: Hierarchy, id: CgroupId): boolean;
  /** Child groups' names, in the kernel's order. Empty when the group is gone. */
  children(h: Hierarchy, id: CgroupId): readonly string[];
  /** Names of the control files. */
  files(h: Hierarchy, id: CgroupId): readonly string[];
  hasFile(h: Hierarchy, id: CgroupId, file: string): boolean;
  /** Text of a control file. Throws CgError ABSENT (no such file), VANISHED (group gone, ENODEV), PERMISSION, KERNEL. */
  read(h: Hierarchy, id: CgroupId, file: string): string;
  /** As read, but undefined where there is no such file or group, or the kernel does not let it be read (write-only). */
  tryRead(h: Hierarchy, id: CgroupId, file: string): string | undefined;
  /** The directory's inode number: tells generations of a path apart. Undefined when gone. */
  generation(h: Hierarchy, id: CgroupId): bigint | undefined;
  /** For people and errors: the absolute path. */
  path(h: Hierarchy, id: CgroupId, file?: string): string;
}

/** What the kernel answered to a write, mkdir or rmdir that failed; the errno is for the caller to explain. */
export interface Refusal {
  readonly errno: string;
  readonly path: string;
}

/** Changes below the hierarchies; each call does one thing and answers what the kernel answered. */
export interface Writer {
  /** One write(2) of the text, opened without O_CREAT and O_TRUNC, never through a symlink, confined to the hierarchy. */
  write(h: Hierarchy, id: CgroupId, file: string, text: string): Refusal | undefined;
  mkdir(h: Hierarchy, id: CgroupId): Refusal | undefined;
  rmdir(h: Hierarchy, id: CgroupId): Refusal | undefined;
  /** What was asked for, kept on the group's directory (`trusted.cgctl.asked`, `user.cgctl.asked` where not root). False where it can't be kept. */
  remember(h: Hierarchy, id: CgroupId, asked: Readonly<Record<string, string>>): boolean;
}

export interface Memory {
  /** What was asked for, by knob key; empty when nothing is kept, undefined where it can't be read. */
  recall(h: Hierarchy, id: CgroupId): Readonly<Record<string, string>> | undefined;
  /** Who the directory is delegated to by xattr (`trusted.delegate`, `user.delegate`). */
  delegated(h: Hierarchy, id: CgroupId): boolean;
}

/** NUMA nodes and CPUs as /sys/devices/system tells. */
export interface Topology {
  readonly onlineCpus: readonly number[];
  readonly nodes: readonly {
    node: number;
    cpus: readonly number[];
    memoryBytes: number;
    distances: readonly number[];
  }[];
}

/** A block device as /sys/dev/block tells: `disks` are the whole disks behind a partition or a mapping. */
export interface BlockDevice {
  readonly name: string;
  readonly majMin: string;
  readonly scheduler?: string;
}

export interface Devices {
  /** `/dev/vda`, `vda`, `8:0`, a partition, a symlink, or a mount point, to its whole disk(s). Throws CgError VALUE naming what was tried. */
  resolve(text: string): readonly BlockDevice[];
  /** MAJ:MIN to a name for people (`vda`), or undefined. */
  nameOf(majMin: string): string | undefined;
  disks(): readonly BlockDevice[];
}

/** The machine as one object; everything that runs takes it as an argument. */
export interface Host {
  readonly layout: Layout;
  readonly reader: Reader;
  readonly memory: Memory;
  /** Undefined when opened for reading only. */
  readonly writer: Writer | undefined;
  readonly devices: Devices;
  topology(): Topology;
  /** Page size in bytes. */
  readonly pageSize: number;
}
