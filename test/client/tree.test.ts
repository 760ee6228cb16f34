import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LiveTable, LiveTree } from '../../src/client/tree.ts';
import { Feed, type Frame, type Knowledge, type Selection } from '../../src/exporters/feed.ts';
import type { Row, Snapshot } from '../../src/protocol/snapshot.ts';
import type { ColumnInfo, TableMessage } from '../../src/protocol/stream.ts';
import { serverMessage } from '../../src/protocol/stream-schema.ts';
import { snapshotOf } from '../monitor/support.ts';

/** A group of a made-up tree. */
interface Made {
  readonly id: string;
  readonly generation: number;
  readonly figures: readonly number[];
  readonly frozen: number;
  readonly stale: number;
}

const columns: readonly ColumnInfo[] = ['a', 'b'].map((metric) => ({
  metric,
  title: metric,
  show: 'count',
  rate: false,
}));
const knowledge: Knowledge = {
  of: ({ id }) => ({ name: `name of ${id}`, created: id.length }),
  frozen: (snapshot) => snapshot.columns.get('frozen'),
  populated: () => undefined,
};
const IDS = ['/', '/a', '/a/b', '/a/b/c', '/a/d', '/e', '/e/<f>'];

const figure = fc.constantFrom(0, 1, 2.5, Number.NaN, Number.POSITIVE_INFINITY);
const group = (id: string): fc.Arbitrary<Made> =>
  fc.record({
    id: fc.constant(id),
    generation: fc.integer({ min: 1, max: 2 }),
    figures: fc.tuple(figure, figure),
    frozen: fc.constantFrom(0, 1, Number.NaN),
    stale: fc.constantFrom(0, 14, 16, 100),
  });
const tree = fc
  .tuple(...IDS.map((id) => fc.option(group(id), { nil: undefined, freq: 3 })))
  .map((made) => made.filter((one) => one !== undefined))
  .map((made) =>
    made.filter(({ id }) => above(id).every((parent) => made.some((other) => other.id === parent && parent !== id))),
  );

/** All groups above, the root first. */
function above(id: string): string[] {
  return IDS.filter((other) => other !== id && (other === '/' || id.startsWith(`${other}/`)));
}

function snapshot(seq: number, made: readonly Made[], last: Snapshot | undefined): Snapshot {
  const rows = made.map(({ id, generation }): Row => {
    const parent = made.findIndex((other) => other.id === above(id).at(-1));
    return { id, generation: String(generation), parent, depth: above(id).length };
  });
  // The sampler's rows are the same list as long as the groups are the same.
  const same = JSON.stringify(last?.rows) === JSON.stringify(rows);
  return snapshotOf(
    same && last ? last.rows : rows,
    {
      a: made.map(({ figures }) => figures[0] ?? Number.NaN),
      b: made.map(({ figures }) => figures[1] ?? Number.NaN),
      frozen: made.map(({ frozen }) => frozen),
    },
    { seq, time: 1000 + seq, staleness: Float64Array.from(made, ({ stale }) => stale) },
  );
}

function messageOf(frame: Frame): TableMessage {
  const message = serverMessage.parse(JSON.parse(frame.bytes('main').toString()));
  assert.ok(message.type === 'snapshot' || message.type === 'delta' || message.type === 'bookmark');
  return message;
}

/** What a table says, whatever its rows' order. */
function meaning({ rows, values, stale, columns }: LiveTable): unknown {
  const lines = rows.map(({ parent, ...row }, at) => ({
    ...row,
    under: rows[parent]?.id,
    figures: columns.map((_, column) => values[column]?.[at]),
    stale: stale[at],
  }));
  return lines.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function whole(selection: Selection, snapshot: Snapshot): LiveTable {
  const feed = new Feed(selection, knowledge);
  feed.advance(snapshot);
  const table = new LiveTree().apply(messageOf(feed.snapshot()));
  assert.ok(table);
  return table;
}

test('what changed, one after the other, comes to the whole table, for those too who were away', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ made: tree, away: fc.boolean() }), { minLength: 2, maxLength: 12 }),
      fc.subarray(IDS),
      (steps, unwanted) => {
        const selection: Selection = { columns, figures: 'rollup', wants: (id) => !unwanted.includes(id) };
        const feed = new Feed(selection, knowledge);
        const [here, returning] = [new LiveTree(), new LiveTree()];
        let last: Snapshot | undefined;
        for (const [at, { made, away }] of steps.entries()) {
          last = snapshot(at + 1, made, last);
          const frame = feed.advance(last);
          const table = here.apply(messageOf(frame ?? feed.snapshot()));
          assert.ok(table);
          assert.deepEqual(meaning(table), meaning(whole(selection, last)));
          assert.deepEqual(table, new LiveTree().apply(messageOf(feed.snapshot())), 'places are the same too');
          for (const [row, { parent }] of table.rows.entries()) assert.ok(parent < row, 'parents precede children');
          if (away) continue;
          const missed = returning.table === undefined ? undefined : feed.since(returning.table.seq);
          for (const one of missed ?? [feed.snapshot()]) returning.apply(messageOf(one));
          assert.deepEqual(returning.table, table);
        }
      },
    ),
  );
});

const plain = (seq: number, ...values: number[]): Snapshot => {
  const rows = ['/', '/a'].map((id, at) => ({ id, generation: '1', parent: at - 1, depth: at }));
  return snapshotOf(rows, { a: values, b: [1, 1] }, { seq });
};
const all: Selection = { columns, figures: 'rollup', wants: () => true };

test('where nothing changed there is a bookmark, and the table keeps its lists', () => {
  const feed = new Feed(all, knowledge);
  feed.advance(plain(1, 1, 2));
  const live = new LiveTree();
  const before = live.apply(messageOf(feed.snapshot()));
  const frame = feed.advance({ ...plain(2, 1, 2), time: 5 });
  assert.ok(frame && before);
  assert.deepEqual(messageOf(frame), { type: 'bookmark', sub: 'main', seq: 2, after: 1, time: 5 });
  const after = live.apply(messageOf(frame));
  assert.equal(after?.rows, before.rows);
  assert.equal(after?.values, before.values);
  assert.equal(after?.time, 5);
});

test('figures that did not change are not sent, and their lists are kept', () => {
  const feed = new Feed(all, knowledge);
  feed.advance(plain(1, 1, 2));
  const live = new LiveTree();
  const before = live.apply(messageOf(feed.snapshot()));
  const frame = feed.advance(plain(2, 1, 3));
  assert.ok(frame && before);
  const message = messageOf(frame);
  assert.ok(message.type === 'delta');
  assert.deepEqual(message.values, [[1, 3], null]);
  const after = live.apply(message);
  assert.equal(after?.values[1], before.values[1]);
  assert.deepEqual(before.values[0], [1, 2], 'the old table is as it was');
});

test('a table that is told of another one is empty, until the whole comes', () => {
  const feed = new Feed(all, knowledge);
  feed.advance(plain(1, 1, 2));
  const live = new LiveTree();
  live.apply(messageOf(feed.snapshot()));
  feed.advance(plain(2, 1, 3));
  const late = feed.advance(plain(3, 1, 4));
  assert.ok(late);
  assert.equal(live.apply(messageOf(late)), undefined);
  assert.equal(live.table, undefined);
  assert.equal(live.apply(messageOf(feed.snapshot()))?.seq, 3);
});

test('a snapshot that was told is told once, and what is too long ago is not known', () => {
  const feed = new Feed(all, knowledge);
  feed.advance(plain(1, 1, 2));
  assert.equal(feed.advance(plain(1, 1, 2)), undefined);
  assert.deepEqual(feed.since(1), []);
  assert.equal(feed.since(0), undefined);
  const size = 20_000;
  const rows = Array.from({ length: size }, (_, at) => ({ id: `/${at}`, generation: '1', parent: -1, depth: 1 }));
  const wide = (seq: number) =>
    snapshotOf(rows, { a: rows.map((_, at) => at + seq / 3), b: rows.map(() => 1) }, { seq });
  for (let seq = 2; seq < 8; seq++) feed.advance(wide(seq));
  assert.equal(feed.since(2), undefined, 'half a mebibyte is kept, not more');
  assert.equal(feed.since(6)?.length, 1);
});

test('figures of groups alone: what is below them is taken off, never below 0; absent stays absent', () => {
  const rows = [
    { id: '/', generation: '1', parent: -1, depth: 0 },
    { id: '/a', generation: '1', parent: 0, depth: 1 },
    { id: '/a/b', generation: '1', parent: 1, depth: 2 },
    { id: '/c', generation: '1', parent: 0, depth: 1 },
  ];
  const snapshot = snapshotOf(rows, {
    sum: [10, 4, 5, Number.NaN],
    own: [10, 4, 5, 1],
    share: [0.5, 0.2, 0.1, 0.3],
  });
  const of = (metric: string, rest: Partial<ColumnInfo>): ColumnInfo => ({
    metric,
    title: metric,
    show: 'count',
    rate: false,
    ...rest,
  });
  const feed = new Feed(
    {
      columns: [of('sum', {}), of('own', { local: true }), of('share', { show: 'ratio' })],
      figures: 'self',
      wants: (id) => id !== '/a/b',
    },
    knowledge,
  );
  feed.advance(snapshot);
  const message = messageOf(feed.snapshot());
  assert.ok(message.type === 'snapshot');
  assert.deepEqual(message.values, [
    [6, 0, null],
    [10, 4, 1],
    [null, null, 0.3],
  ]);
});
