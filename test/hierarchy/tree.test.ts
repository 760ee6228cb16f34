import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { openHost } from '../../src/hierarchy/host.ts';
import { ancestors, childId, isWithin, parseCgroupId, ROOT } from '../../src/hierarchy/id.ts';
import { childrenOf, type WalkOptions, walk } from '../../src/hierarchy/tree.ts';
import type { CgroupId, Hierarchy, Host } from '../../src/hierarchy/types.ts';
import { realKernel, scratch } from '../support/host.ts';

function make(host: Host, id: CgroupId, hierarchies = host.layout.hierarchies): void {
  for (const h of hierarchies) assert.equal(host.writer?.mkdir(h, id), undefined);
}

/** `/ /b /b/a …` below a new group, in two hierarchies where there are two. */
function grow(
  t: TestContext,
  ...paths: string[]
): { host: Host; top: CgroupId; below: (options?: WalkOptions) => string[] } {
  const host = openHost();
  const top = parseCgroupId(scratch(t).path);
  for (const path of ['', ...paths]) make(host, parseCgroupId(top + path));
  const below = (options: WalkOptions = {}) =>
    Array.from(walk(host.reader, { from: top, ...options }), ({ id }) => id.slice(top.length) || '/');
  return { host, top, below };
}

realKernel('parents come before children and siblings by name', (t) => {
  const { below } = grow(t, '/b', '/b/z', '/b/a', '/a', '/c', '/-x');
  assert.deepEqual(below(), ['/', '/-x', '/a', '/b', '/b/a', '/b/z', '/c']);
  assert.deepEqual(below({ maxDepth: 1 }), ['/', '/-x', '/a', '/b', '/c']);
  assert.deepEqual(below({ maxDepth: 0 }), ['/']);
});

realKernel('a walk ends at its bound and says so', (t) => {
  const { host, top, below } = grow(t, '/a', '/b');
  assert.deepEqual(below({ maxGroups: 2 }), ['/', '/a']);
  const ended = (maxGroups: number) => {
    const groups = walk(host.reader, { from: top, maxGroups });
    for (;;) {
      const { done, value } = groups.next();
      if (done) return value;
    }
  };
  assert.equal(ended(2), true);
  assert.equal(ended(3), false);
});

realKernel('a partial group has the places that it is in', (t) => {
  const { host, top } = grow(t);
  const { hierarchies } = host.layout;
  const some: readonly Hierarchy[] = hierarchies.slice(0, 2);
  make(host, childId(top, 'partial'), some);
  const groups = [...walk(host.reader, { from: top })];
  assert.deepEqual(
    groups.map(({ places }) => places),
    [hierarchies, some],
  );
  const only = hierarchies.slice(-1);
  const fewer = [...walk(host.reader, { from: top, hierarchies: only })];
  assert.equal(fewer.length, hierarchies.length > 2 ? 1 : 2);
  assert.ok(fewer.every(({ places }) => places.length === 1 && places[0] === only[0]));
});

realKernel('names that no id can have are passed over', (t) => {
  const { host, top, below } = grow(t, '/good');
  const [h] = host.layout.hierarchies;
  assert.ok(h);
  // the kernel takes all but a newline
  const odd = `${h.mountPoint}${top}/tab\there`;
  mkdirSync(odd);
  assert.ok(host.reader.children(h, top).includes('tab\there'));
  assert.deepEqual(below(), ['/', '/good']);
});

realKernel('groups that vanish during the walk end nothing', (t) => {
  const { host, top } = grow(t, '/a', '/a/b', '/c');
  const seen: string[] = [];
  for (const { id } of walk(host.reader, { from: top })) {
    seen.push(id.slice(top.length));
    if (id !== top) continue;
    for (const path of ['/a/b', '/a', '/c'])
      for (const h of host.layout.hierarchies) host.writer?.rmdir(h, parseCgroupId(top + path));
  }
  assert.equal(seen[0], '');
  assert.ok(!seen.includes('/a/b'));
  assert.deepEqual(
    [...walk(host.reader, { from: top })].map(({ id }) => id),
    [top],
  );
  assert.deepEqual([...walk(host.reader, { from: childId(top, 'gone') })], []);
  assert.deepEqual(childrenOf(host.reader, { id: childId(top, 'gone'), places: host.layout.hierarchies }), []);
});

realKernel('the whole tree holds every group once, below a parent that came before', (t) => {
  const { host, top } = grow(t, '/a');
  const ids = Array.from(walk(host.reader), ({ id }) => id);
  assert.equal(ids[0], ROOT);
  assert.equal(new Set(ids).size, ids.length);
  for (const [at, id] of ids.entries())
    assert.ok(ancestors(id).every((above) => ids.indexOf(above) < at && ids.includes(above)));
  assert.equal(ids.filter((id) => isWithin(id, top)).length, 2);
});
