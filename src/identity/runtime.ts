/** Whose a cgroup is, told by its place: where container runtimes, Kubernetes and systemd put theirs. */
import { existsSync } from 'node:fs';
import { ancestors, nameOf, parentId, ROOT } from '../hierarchy/id.ts';
import type { CgroupId, Host } from '../hierarchy/types.ts';

export type Runtime = 'docker' | 'podman' | 'containerd' | 'crio' | 'unknown';

export interface Container {
  readonly runtime: Runtime;
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** The container's own group; the one asked for is it or lies within. */
  readonly cgroup: CgroupId;
}

export interface Owner {
  readonly owner: 'systemd' | 'kubelet' | Exclude<Runtime, 'unknown'> | 'none';
  /** systemd's unit that the group is or lies in. */
  readonly unit?: string;
  /** The group lies below a cut that systemd leaves to others (Delegate=). */
  readonly delegated: boolean;
  /** What told it, for people. */
  readonly why: string;
}

const ID = '([0-9a-f]{64})';
/** Most names are told apart by this alone. */
const ANY_ID = new RegExp(ID);

/**
 * A container's group by its own name and its parent's: with the systemd driver a scope, with the cgroupfs driver a directory, and
 * `UNIT:cri-containerd:ID` where containerd was told systemd paths but uses cgroupfs. The monitors `crio-conmon-…` and
 * `libpod-conmon-…` and the mounts `….mount` match none of them.
 */
const PLACES: readonly { name: RegExp; parent?: RegExp; runtime: Runtime }[] = [
  { name: new RegExp(`^docker-${ID}\\.scope$`), runtime: 'docker' },
  { name: new RegExp(`^libpod-${ID}(?:\\.scope)?$`), runtime: 'podman' },
  { name: new RegExp(`^cri-containerd-${ID}\\.scope$`), runtime: 'containerd' },
  { name: new RegExp(`:cri-containerd:${ID}$`), runtime: 'containerd' },
  { name: new RegExp(`^crio-${ID}(?:\\.scope)?$`), runtime: 'crio' },
  { name: new RegExp(`^${ID}$`), parent: /^docker$/, runtime: 'docker' },
  { name: new RegExp(`^${ID}$`), parent: /^pod[0-9a-f_-]+$/, runtime: 'containerd' },
  { name: new RegExp(`^${ID}$`), runtime: 'unknown' },
];

const UNIT = /.\.(?:service|scope|slice|mount|socket|swap)$/;
/** As systemd escapes names: in ASCII alone. */
const ESCAPED = /^[\x21-\x7e]*\\x[0-9a-f]{2}[\x21-\x7e]*$/;
const KUBEPODS = /^kubepods(?:$|[.-])|:cri-containerd:/;

/** The innermost container that a group is or lies in. */
export function containerOf(id: CgroupId): Container | undefined {
  for (let cgroup: CgroupId | undefined = id; cgroup !== undefined; cgroup = parentId(cgroup)) {
    const container = containerAt(cgroup);
    if (container !== undefined) return container;
  }
  return undefined;
}

/** The container whose own group this is. */
export function containerAt(cgroup: CgroupId): Container | undefined {
  const name = nameOf(cgroup);
  if (!ANY_ID.test(name)) return undefined;
  const parent = parentId(cgroup);
  for (const place of PLACES) {
    const id = place.name.exec(name)?.[1];
    if (
      id !== undefined &&
      (place.parent === undefined || (parent !== undefined && place.parent.test(nameOf(parent))))
    ) {
      return { runtime: place.runtime, id, cgroup };
    }
  }
  return undefined;
}

/** The innermost systemd unit that a group is or lies in, by name; `-.slice` is the root. */
export function unitOf(id: CgroupId): string | undefined {
  if (id === ROOT) return '-.slice';
  const unit = [id, ...ancestors(id).reverse()].map(nameOf).find((name) => UNIT.test(name));
  return unit;
}

/**
 * What people know a group by, where its path does not end in it: a container by its runtime and the first digits of its id, a unit as
 * it was written before systemd escaped it (systemd.unit(5)).
 */
export function nameFor(id: CgroupId): string | undefined {
  const container = containerAt(id);
  if (container !== undefined) {
    const digits = container.id.slice(0, 12);
    return container.runtime === 'unknown' ? digits : `${container.runtime} ${digits}`;
  }
  const name = nameOf(id);
  if (!UNIT.test(name) || !ESCAPED.test(name)) return undefined;
  const bytes = name.replace(/\\x([0-9a-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  const text = Buffer.from(bytes, 'latin1').toString();
  return /[\p{C}\ufffd]/u.test(text) ? undefined : text;
}

/** The path of a slice by its name: `a-b.slice` lies at `/a.slice/a-b.slice` (systemd.slice(5)). */
export function slicePath(name: string): string | undefined {
  const stem = /^(.+)\.slice$/.exec(name)?.[1];
  if (stem === undefined) return undefined;
  if (stem === '-') return ROOT;
  const parts = stem.split('-');
  return parts.includes('') ? undefined : parts.map((_, at) => `/${parts.slice(0, at + 1).join('-')}.slice`).join('');
}

/** Who else writes to a group's files, so that a change may not last. @param systemd whether it manages this host */
export function ownerOf(host: Host, id: CgroupId, systemd = systemdRuns()): Owner {
  const unit = systemd ? unitOf(id) : undefined;
  const cut = ancestors(id).findLast((above) => isDelegated(host, above));
  const facts = { ...(unit === undefined ? {} : { unit }), delegated: cut !== undefined };
  const names = [...ancestors(id), id].map(nameOf);
  const container = containerOf(id);
  if (container !== undefined && container.cgroup !== id) {
    return { owner: 'none', ...facts, why: `made inside the container ${short(container)}` };
  }
  const pods = names.find((name) => KUBEPODS.test(name));
  if (pods !== undefined) return { owner: 'kubelet', ...facts, why: `it is Kubernetes’ (${pods})` };
  if (container !== undefined && container.runtime !== 'unknown') {
    return { owner: container.runtime, ...facts, why: `it is the container ${short(container)}` };
  }
  if (cut !== undefined) return { owner: 'none', ...facts, why: `systemd delegates what is below ${cut}` };
  if (unit !== undefined)
    return {
      owner: 'systemd',
      ...facts,
      why: id === ROOT ? 'it is systemd’s root slice' : `it is in systemd’s ${unit}`,
    };
  return { owner: 'none', ...facts, why: systemd ? 'it is in no unit of systemd' : 'systemd does not run here' };
}

/** Whether systemd is this machine's manager: the test of sd_booted(3). */
export function systemdRuns(): boolean {
  return existsSync('/run/systemd/system');
}

function isDelegated({ reader, memory }: Host, id: CgroupId): boolean {
  return reader.places(id).some((h) => memory.delegated(h, id));
}

function short({ runtime, id }: Container): string {
  return `${id.slice(0, 12)}${runtime === 'unknown' ? '' : ` of ${runtime}`}`;
}
