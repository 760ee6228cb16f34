import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Effect,
  initial,
  page,
  type State,
  splitWords,
  step,
  withDetail,
  withEvent,
  withFigures,
  withOutcome,
  withSize,
} from '../../../src/verbs/top/model.ts';
import { Figures } from '../../../src/view/figures.ts';
import { COLUMNS, showing, TREE, tableOf } from './support.ts';

function hit(state: State, ...keys: string[]): { state: State; effects: Effect[] } {
  const effects: Effect[] = [];
  let now = state;
  for (const key of keys) {
    const next = step(now, key);
    now = next.state;
    effects.push(...next.effects);
  }
  return { state: now, effects };
}
const after = (state: State, ...keys: string[]) => hit(state, ...keys).state;
const ids = ({ lines }: State) => lines.map(({ row }) => row.id);

test('the tree is sorted by the first column, ancestors above; digits sort, again turns round', () => {
  const state = showing();
  assert.deepEqual(ids(state), ['/', '/b', '/b/日本', '/a', '/a/y', '/a/x']);
  assert.equal(state.chosen, '/');
  assert.deepEqual(ids(after(state, '1')), ['/', '/a', '/a/x', '/a/y', '/b', '/b/日本']);
  assert.deepEqual(ids(after(state, '0')), ['/', '/a', '/a/x', '/a/y', '/b', '/b/日本']);
  assert.equal(after(state, '3').view.sort.metric, 'stored');
  assert.deepEqual(after(state, '9').view, state.view);
});

test('one moves, and what is chosen stays chosen whatever comes', () => {
  const state = after(showing(), 'j', 'down', 'end', 'k');
  assert.equal(state.chosen, '/a/y');
  const sorted = after(state, '0');
  assert.equal(sorted.chosen, '/a/y');
  const gone = withFigures(
    sorted,
    new Figures(tableOf({ '/': { wound: 1 }, '/a': { wound: 1 }, '/a/x': {}, '/b': {} })),
  );
  assert.equal(gone.chosen, '/b');
  assert.equal(after(gone, 'home', 'pagedown', 'pageup').chosen, '/');
});

test('h folds and climbs, l unfolds and descends', () => {
  const state = after(showing(), 'j', 'j', 'j');
  assert.equal(state.chosen, '/a');
  const folded = after(state, 'h');
  assert.deepEqual(ids(folded), ['/', '/b', '/b/日本', '/a']);
  assert.equal(after(folded, 'h').chosen, '/');
  assert.deepEqual(ids(after(folded, 'l')), ids(state));
  assert.equal(after(state, 'l').chosen, '/a/y');
  assert.equal(after(state, 'l', 'l').chosen, '/a/y');
});

test('a filter narrows while it is typed; Enter keeps it, Esc gives up what was typed', () => {
  const typing = after(showing(), '/', 'a', '/', 'y');
  assert.deepEqual(ids(typing), ['/', '/a', '/a/y']);
  assert.equal(typing.mode.kind, 'filter');
  const kept = after(typing, 'enter');
  assert.equal(kept.view.filter, 'a/y');
  assert.equal(after(kept, '/', 'x', 'escape').view.filter, 'a/y');
  assert.equal(after(kept, 'escape').view.filter, '');
  // Letters are text there, not commands.
  assert.deepEqual(hit(showing(), '/', 'q', 'K', 'f').effects, []);
});

test('Space holds the picture; going on shows the newest', () => {
  const state = after(showing(), ' ');
  const later = withFigures(state, new Figures(tableOf({ '/': { wound: 9 } }, {}, 2)));
  assert.deepEqual(ids(later), ids(state));
  assert.deepEqual(ids(after(later, ' ')), ['/']);
});

test('what changes a group asks first, and does nothing without a yes', () => {
  const state = after(showing(), 'end', 'k');
  for (const [key, verb] of [
    ['f', 'freeze'],
    ['K', 'kill'],
  ] as const) {
    const asked = hit(state, key);
    assert.equal(asked.state.mode.kind, 'ask');
    assert.deepEqual(asked.effects, []);
    for (const no of ['n', 'enter', 'escape', 'q', 'j']) {
      const refused = hit(asked.state, no);
      assert.deepEqual(refused.effects, []);
      assert.equal(refused.state.mode.kind, 'table');
      assert.equal(refused.state.notice?.text, 'nothing was done');
    }
    assert.deepEqual(hit(asked.state, 'y').effects, [
      { kind: 'order', order: { verb, id: '/a/y', words: [], dryRun: false } },
    ]);
  }
  assert.match(JSON.stringify(after(showing(), 'j', 'f').mode), /"verb":"thaw"/);
});

test('a line of flags is planned, shown, and done on a yes', () => {
  const state = after(showing(), 'end');
  const { state: waiting, effects } = hit(state, 's', ...'--cpus 1.5', 'enter');
  const order = { verb: 'set', id: '/a/x', words: ['--cpus', '1.5'], dryRun: true } as const;
  assert.deepEqual(effects, [{ kind: 'order', order }]);
  assert.equal(waiting.mode.kind, 'wait');
  assert.deepEqual(hit(waiting, 'y', 'q', 'j'), { state: waiting, effects: [] });

  const plan = withOutcome(waiting, { order, lines: ['1  file  1 → 2'], failed: false });
  assert.equal(plan.mode.kind, 'read');
  assert.deepEqual(hit(plan, 'n').effects, []);
  assert.deepEqual(hit(plan, 'y').effects, [{ kind: 'order', order: { ...order, dryRun: false } }]);

  const mistake = withOutcome(waiting, { order, lines: ['there is no flag --cpu'], failed: true });
  assert.deepEqual(mistake.mode, {
    kind: 'read',
    title: 'set /a/x: this was not done',
    lines: ['there is no flag --cpu'],
  });
  assert.deepEqual(hit(mistake, 'y').effects, []);
  assert.equal(after(mistake, 'y').mode.kind, 'table');
  const done = withOutcome(plan, { order: { ...order, dryRun: false }, lines: ['file  1 → 2'], failed: false });
  assert.deepEqual(done.notice, { text: 'file  1 → 2', bad: false });
  assert.equal(after(state, 's', 'enter').mode.kind, 'table');
  assert.equal(after(state, 's', 'x', 'escape').mode.kind, 'table');
});

test('the pane follows the choice beside the table, and is read by itself where it covers it', () => {
  const wide = hit(withSize(showing(), { columns: 160, rows: 20 }), 'j', 'enter', 'j');
  assert.deepEqual(wide.effects, [
    { kind: 'look', id: '/b' },
    { kind: 'look', id: '/b/日本' },
  ]);
  const detail = { id: '/b', knobs: [], processes: [], total: 0 };
  assert.equal(withDetail(wide.state, detail).pane?.detail, undefined);
  const narrow = hit(showing(), 'j', 'enter', 'j', 'pagedown');
  assert.equal(narrow.state.chosen, '/b');
  assert.equal(withDetail(narrow.state, detail).pane?.detail, detail);
  assert.equal(narrow.state.pane?.top, 1 + page(narrow.state));
  for (const back of ['escape', 'enter', 'h']) assert.equal(after(narrow.state, back).pane, undefined);
});

test('Ctrl-C and Ctrl-Z work everywhere, q where it is no text', () => {
  for (const keys of [[], ['/'], ['s'], ['K'], ['?']]) {
    assert.deepEqual(hit(showing(), ...keys, 'ctrl-c').effects, [{ kind: 'quit' }]);
    assert.deepEqual(hit(showing(), ...keys, 'ctrl-z').effects, [{ kind: 'suspend' }]);
  }
  assert.deepEqual(hit(showing(), 'q').effects, [{ kind: 'quit' }]);
  assert.deepEqual(
    hit(initial(COLUMNS, { columns: 80, rows: 24 }, {}), 'j', 'enter', 'f', 'K', 's', 'h', 'l', ' ', '/').effects,
    [],
  );
});

test('events are kept, not without end', () => {
  let state = showing();
  for (let seq = 1; seq <= 600; seq++) state = withEvent(state, { seq, time: 0, kind: 'oom', cgroup: '/a', text: '' });
  assert.equal(state.events.length, 500);
  assert.equal(state.events.at(-1)?.seq, 600);
});

test('words are split as a shell does', () => {
  assert.deepEqual(splitWords(` --device-deny 'c 1:3 w'  -m "1 g"x a\\ b "\\"q\\"" ''`), [
    '--device-deny',
    'c 1:3 w',
    '-m',
    '1 gx',
    'a b',
    '"q"',
    '',
  ]);
  assert.deepEqual(splitWords('  '), []);
  fc.assert(fc.property(fc.string(), (text) => splitWords(text).every((word) => typeof word === 'string')));
});

test('whatever is typed, the choice is in sight and in the table', () => {
  const key = fc.constantFrom(
    'j',
    'k',
    'h',
    'l',
    'home',
    'end',
    'pagedown',
    'pageup',
    '0',
    '1',
    '3',
    ' ',
    '/',
    'a',
    'y',
    'enter',
    'escape',
    'backspace',
    '?',
    's',
    'f',
  );
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), fc.integer({ min: 5, max: 12 }), (keys, rows) => {
      let state = showing(TREE, 80, rows);
      for (const [i, each] of keys.entries()) {
        state = step(state, each).state;
        if (i % 7 === 0) state = withFigures(state, new Figures(TREE));
        const at = state.lines.findIndex(({ row }) => row.id === state.chosen);
        assert.ok(state.lines.length === 0 || (at >= state.top && at < state.top + page(state)), `${at} ${state.top}`);
      }
    }),
  );
});
