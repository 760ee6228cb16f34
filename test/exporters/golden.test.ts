/**
 * The whole exposition of a captured machine in each mode, to the byte: what a change of a declaration does to the metrics shows
 * in the diff. CGCTL_WRITE_GOLDEN=1 writes them anew.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defaultRegistry } from '../../src/controllers/index.ts';
import { CgroupReader } from '../../src/hierarchy/cgroupfs.ts';
import { BlockDevices } from '../../src/hierarchy/devices.ts';
import { detectLayout } from '../../src/hierarchy/layout.ts';
import { CgroupMemory } from '../../src/hierarchy/memory.ts';
import { readTopology } from '../../src/hierarchy/topology.ts';
import type { Host } from '../../src/hierarchy/types.ts';
import { Sampler } from '../../src/monitor/sampler.ts';
import { modeNames } from '../kernels/lab/modes.ts';
import { captured, fixture, fixturePath } from '../support/files.ts';
import { temporary } from '../support/host.ts';
import { native, viewOf } from './support.ts';

/** The captured trees as plain files, and the layout that names them. */
function unpack(t: TestContext, mode: string): Host {
  const folder = temporary(t);
  const mountinfo = captured(`${mode}/proc.txt`).get('/proc/self/mountinfo') ?? '';
  const trees = readdirSync(fixturePath(`kernels/${mode}`)).filter((name) => name !== 'proc.txt');
  for (const tree of trees) {
    for (const [path, text] of captured(`${mode}/${tree}`)) {
      const file = join(folder, tree.replace(/\.txt$/, ''), path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
  const layout = detectLayout({
    mountinfo,
    rootControllers: () => captured(`${mode}/unified.txt`).get('/cgroup.controllers'),
  });
  const hierarchies = layout.hierarchies.map((one) => ({ ...one, mountPoint: join(folder, one.key) }));
  const unified = hierarchies.find(({ dialect }) => dialect === 'v2');
  const moved = { mode: layout.mode, hierarchies, ...(unified && { unified }) };
  return {
    layout: moved,
    reader: new CgroupReader(moved),
    memory: new CgroupMemory(() => undefined),
    writer: undefined,
    // this machine's disks are others
    devices: new BlockDevices({ mountinfo, sys: join(folder, 'sys') }),
    topology: readTopology,
    pageSize: 4096,
  };
}

for (const mode of modeNames) {
  test(`the metrics of a captured machine: ${mode}`, async (t) => {
    const sampler = new Sampler(unpack(t, mode), defaultRegistry, { native: undefined });
    t.after(() => sampler.close());
    const text = native(viewOf(await sampler.sample({ whole: true })), defaultRegistry)
      // the copy's inode
      .replace(/generation="\d+"/g, 'generation="…"');
    const name = `exporters/golden-${mode}.prom`;
    if (process.env.CGCTL_WRITE_GOLDEN === '1') writeFileSync(fixturePath(name), text);
    assert.equal(text, fixture(name));
  });
}
