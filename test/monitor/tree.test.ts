import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { openHost } from '../../src/hierarchy/host.ts';
import { Tree } from '../../src/monitor/tree.ts';
import { cgroupMounts, realKernel, scratch } from '../support/host.ts';

const everywhere = (path: string) => cgroupMounts().map(({ point }) => join(point, path));

/** What a tree told about groups below a path. */
function changesBelow(tree: Tree, path: string): string[] {
  const told: string[] = [];
  tree.watch(({ created, removed, first }) => {
    const below = (groups: typeof created) => groups.filter(({ id }) => id === path || id.startsWith(`${path}/`));
    if (!first) told.push(...below(removed).map(({ id }) => `-${id}`), ...below(created).map(({ id }) => `+${id}`));
  });
  return told;
}

realKernel('groups are found, parents first, and missed when they are gone', async (t) => {
  const { path } = scratch(t);
  const tree = new Tree(openHost({ readOnly: true }));
  const told = changesBelow(tree, path);
  await tree.refresh();
  for (const directory of everywhere(path)) mkdirSync(join(directory, 'b/c'), { recursive: true });
  await tree.refresh();
  for (const directory of everywhere(path)) mkdirSync(join(directory, 'a'));
  await tree.refresh();

  const rows = tree.rows.filter(({ id }) => id === path || id.startsWith(`${path}/`));
  assert.deepEqual(
    rows.map(({ id }) => id),
    [path, `${path}/a`, `${path}/b`, `${path}/b/c`],
  );
  for (const { id, parent, depth } of rows) {
    assert.equal(tree.rows[parent]?.id, id.slice(0, id.lastIndexOf('/')) || '/');
    assert.equal(depth, id.split('/').length - 1);
  }
  assert.equal(tree.find(path)?.directories.filter(Boolean).length, cgroupMounts().length);

  for (const directory of everywhere(path)) rmdirSync(join(directory, 'b/c'));
  await tree.refresh();
  assert.deepEqual(told, [`+${path}`, `+${path}/b`, `+${path}/b/c`, `+${path}/a`, `-${path}/b/c`]);
});

realKernel('a group that is made again under its old name is another one', async (t) => {
  const { path } = scratch(t);
  const tree = new Tree(openHost({ readOnly: true }));
  const told = changesBelow(tree, path);
  for (const directory of everywhere(path)) mkdirSync(join(directory, 'child'), { recursive: true });
  await tree.refresh();
  const before = tree.find(`${path}/child`);
  for (const directory of everywhere(path)) {
    rmdirSync(join(directory, 'child'));
    mkdirSync(join(directory, 'child'));
  }
  await tree.refresh();
  const after = tree.find(`${path}/child`);
  assert.ok(before && after);
  assert.deepEqual(
    [before.gone, after.gone, before === after, before.generation === after.generation],
    [true, false, false, false],
  );
  assert.deepEqual(told, [`-${path}/child`, `+${path}/child`]);
});

realKernel(
  'a group that is in one hierarchy only is a row, and moves as hierarchies are joined and left',
  async (t) => {
    const { path } = scratch(t);
    const [first = '', second = ''] = everywhere(path);
    const tree = new Tree(openHost({ readOnly: true }));
    const told = changesBelow(tree, path);
    await tree.refresh();
    mkdirSync(second);
    await tree.refresh();
    mkdirSync(first);
    await tree.refresh();
    assert.equal(tree.find(path)?.directories.filter(Boolean).length, 2);
    rmdirSync(second);
    await tree.refresh();
    assert.equal(tree.find(path)?.directories.filter(Boolean).length, 1);
    rmdirSync(first);
    await tree.refresh();
    assert.deepEqual(told, [`+${path}`, `-${path}`]);
  },
);
