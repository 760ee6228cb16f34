/** This machine as if there were nothing but one group and what is below it: figures do not depend on what else runs. */
import { CgroupReader } from '../src/hierarchy/cgroupfs.ts';
import { openHost } from '../src/hierarchy/host.ts';
import { below } from '../src/hierarchy/id.ts';
import type { CgroupId, Host } from '../src/hierarchy/types.ts';

/** @param group in every hierarchy */
export function hostBelow(group: CgroupId): Host {
  const host = openHost({ readOnly: true });
  const hierarchies = host.layout.hierarchies.map((hierarchy) => ({
    ...hierarchy,
    mountPoint: hierarchy.mountPoint + below(group, hierarchy.root),
    root: group,
  }));
  const unified = hierarchies.find(({ dialect }) => dialect === 'v2');
  const layout = { mode: host.layout.mode, hierarchies, ...(unified && { unified }) };
  return { ...host, layout, reader: new CgroupReader(layout), pageSize: host.pageSize };
}
