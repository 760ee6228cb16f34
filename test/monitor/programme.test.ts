import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controller, counter, files, flat, gauge, scalar } from '../../src/controllers/controller.ts';
import { registry } from '../../src/controllers/registry.ts';
import { ROOT } from '../../src/hierarchy/id.ts';
import type { Hierarchy, Layout } from '../../src/hierarchy/types.ts';
import { type Presence, Programme } from '../../src/monitor/programme.ts';

/** A controller that is none of the kernel's, with what the programme has to tell apart. */
const made = controller(() => ({
  name: 'made',
  summary: 'Made up',
  v1: 'made',
  v2: 'made',
  doc: 'none',
  stats: [
    gauge('made_a', 'count', 'Two figures of one file', { v1: flat('made.stat', 'a'), v2: flat('made.stat', 'a') }),
    counter('made_b_total', 'count', 'Two figures of one file', { v1: flat('made.stat', 'b') }),
    gauge('made_alias', 'count', 'A renamed file', { v1: [scalar('made.new'), scalar('made.old')] }),
    gauge('made_child', 'count', 'Not of the root', { v1: scalar('made.child'), scope: 'not-root' }),
    gauge('made_pages', 'count', 'A file a size', { v1: files('made.{key}.pages'), label: 'pagesize' }),
    gauge('made_elsewhere', 'count', 'No such hierarchy here', { v1: scalar('other', { in: 'other' }) }),
  ],
  knobs: {
    limit: {
      type: { kind: 'int', min: 0, max: 9 },
      help: 'a limit',
      v1: { file: 'made.limit' },
      metric: { name: 'made_limit', unit: 'count' },
    },
  },
}));

const hierarchy = (key: string, dialect: 'v1' | 'v2', controllers: string[]): Hierarchy => ({
  key,
  dialect,
  controllers,
  mountPoint: `/${key}`,
  root: ROOT,
  readOnly: false,
  device: 0n,
});
const layout: Layout = {
  mode: 'hybrid',
  hierarchies: [hierarchy('made', 'v1', ['made']), hierarchy('unified', 'v2', [])],
};
const programme = new Programme(layout, registry([made]), 4096);
const here = (names: string[], root = false): Presence => ({
  root,
  files: names,
  signature: `${root} ${names.join(' ')}`,
});

/** Of each file that is read, the metrics that it feeds. */
const read = (presence: Presence) =>
  programme
    .stepsFor([presence, undefined])
    .map(({ file, columns, keys }) => [
      file,
      columns.map((at) => programme.columns[at]?.stat.name),
      ...keys.filter(Boolean),
    ]);

test('a stat without a source on this host is no column; a knob’s gauge is one', () => {
  assert.deepEqual(
    programme.columns.map(({ stat }) => stat.name),
    ['made_a', 'made_b_total', 'made_alias', 'made_child', 'made_pages', 'made_limit'],
  );
});

test('a file is read once however much it feeds', () => {
  assert.deepEqual(read(here(['made.stat', 'made.limit'])), [
    ['made.stat', ['made_a', 'made_b_total']],
    ['made.limit', ['made_limit']],
  ]);
});

test('of alternatives the first that is there is read', () => {
  assert.deepEqual(read(here(['made.old'])), [['made.old', ['made_alias']]]);
  assert.deepEqual(read(here(['made.old', 'made.new'])), [['made.new', ['made_alias']]]);
});

test('what is not in scope is not read', () => {
  assert.deepEqual(read(here(['made.child'], true)), []);
  assert.deepEqual(read(here(['made.child'])), [['made.child', ['made_child']]]);
});

test('a file a key gives its label', () => {
  assert.deepEqual(read(here(['made.2MB.pages', 'made.1GB.pages', 'made.pages'])), [
    ['made.2MB.pages', ['made_pages'], '2MB'],
    ['made.1GB.pages', ['made_pages'], '1GB'],
  ]);
});

test('groups with the same files share their steps', () => {
  assert.equal(
    programme.stepsFor([here(['made.stat']), undefined]),
    programme.stepsFor([here(['made.stat']), undefined]),
  );
  assert.notEqual(
    programme.stepsFor([here(['made.stat']), undefined]),
    programme.stepsFor([here(['made.stat'], true), undefined]),
  );
});

test('a file is read as often as the figure in it that moves most', () => {
  const still = controller(() => ({
    name: 'core',
    summary: 'Made up',
    v2: 'core',
    still: true,
    doc: 'none',
    stats: [
      gauge('usage', 'bytes', 'Read each time', { v2: flat('made.usage', 'now'), role: 'memory.usage' }),
      gauge('peak', 'bytes', 'In the same file', { v2: flat('made.usage', 'peak') }),
      gauge('moving', 'count', 'Not still', { v2: scalar('made.moving'), still: false }),
      gauge('standing', 'count', 'As the controller says', { v2: scalar('made.standing') }),
      gauge('here', 'count', 'As its source says', { v2: scalar('made.here', { still: false }) }),
      gauge('frozen', 'count', 'A state that the kernel tells of', { v2: flat('made.events', 'frozen') }),
      gauge('alone', 'count', 'One that it does not', { v2: flat('made.state', 'alone') }),
      gauge('beside', 'count', 'A figure of which nobody tells', { v2: flat('made.both', 'beside'), still: false }),
      gauge('on', 'count', 'In one file with it', { v2: flat('made.both', 'on') }),
      gauge('limit', 'count', 'A setting', { v2: scalar('made.limit'), setting: true }),
    ],
    events: [
      {
        name: 'frozen',
        help: 'frozen',
        v2: { file: 'made.events', mechanism: 'modify', counters: [], state: 'frozen' },
      },
      { name: 'on', help: 'on', v2: { file: 'made.both', mechanism: 'modify', counters: [], state: 'on' } },
      { name: 'alone', help: 'alone', v2: { file: 'made.state', mechanism: 'poll', counters: [], state: 'alone' } },
    ],
  }));
  const own = new Programme(layout, registry([still]), 4096);
  const names = ['usage', 'moving', 'standing', 'here', 'events', 'state', 'both', 'limit'].map(
    (name) => `made.${name}`,
  );
  const steps = own.stepsFor([undefined, here(names)]);
  assert.deepEqual(Object.fromEntries(steps.map(({ file, pace }) => [file, pace])), {
    'made.usage': 'tick',
    'made.moving': 'activity',
    'made.standing': 'still',
    'made.here': 'activity',
    'made.events': 'setting',
    'made.state': 'still',
    'made.both': 'activity',
    'made.limit': 'setting',
  });
  assert.deepEqual(
    own.paced(steps).setting.map(({ file }) => file),
    ['made.events', 'made.limit'],
  );
});
