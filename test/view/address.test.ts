import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MODES, readView, START, type ViewState, writeView } from '../../src/view/address.ts';

test('an address holds the whole view', () => {
  const text = fc.string({ unit: 'grapheme' });
  const id = text.map((name) => `/${name}`);
  const views: fc.Arbitrary<ViewState> = fc.record(
    {
      sort: fc.option(
        fc.record(
          {
            metric: fc.option(fc.constantFrom('pids', 'cpu_usage'), { nil: undefined }),
            descending: fc.boolean(),
          },
          { noNullPrototype: true },
        ),
        { nil: undefined },
      ),
      filter: text,
      folded: fc.array(id, { maxLength: 20 }),
      mode: fc.constantFrom(...MODES),
      pressure: fc.boolean(),
      allEvents: fc.boolean(),
      chosen: id,
      open: fc.boolean(),
      time: fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(views, (view) => {
      assert.deepEqual(readView(writeView(view)), view);
    }),
  );
});

test('what is as at the start is left out, what is nonsense is as at the start', () => {
  assert.equal(writeView(START), '');
  assert.deepEqual(readView(''), START);
  assert.deepEqual(readView('sort=%00&mode=all&pressure=yes&time=never&x=1'), START);
  assert.equal(writeView({ ...START, filter: 'a/b', chosen: '/x', open: true }), 'filter=a/b&group=/x');
});
