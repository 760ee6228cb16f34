import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { draw } from '../../../src/verbs/top/draw.ts';
import { bar, spark } from '../../../src/verbs/top/figure.ts';
import { layOut } from '../../../src/verbs/top/layout.ts';
import { type State, step, withDetail, withEvent, withOutcome, withTrouble } from '../../../src/verbs/top/model.ts';
import { update } from '../../../src/verbs/top/screen.ts';
import { textWidth } from '../../../src/verbs/width.ts';
import { COLUMNS, sceneOf, showing, TREE, tableOf, textOf } from './support.ts';
import { Vt } from './vt.ts';

const after = (state: State, ...keys: string[]) => keys.reduce((now, key) => step(now, key).state, state);
const plain = (line: string) => line.replace(/\x1b\[[\d;]*m/g, '');

test('the table as one sees it at 80 columns', () => {
  const lines = textOf(showing(TREE, 80, 12));
  assert.equal(lines.length, 12);
  assert.match(lines[0] ?? '', /^cgctl · host7 · hybrid +● live 1 s · 6 groups · 14:03:01$/);
  assert.match(lines[1] ?? '', /^Wound .* 3\.50\/8$/);
  assert.match(lines[2] ?? '', /^group +Wound▾ +hlt% Stored +Waited Members/);
  assert.match(lines[3] ?? '', /^▾ \/ +3\.50 +–/);
  assert.match(lines[4] ?? '', /^ {2}▾ b ❄ frozen +2\.50 +– +– +50%/);
  assert.match(lines[5] ?? '', /^ {6}日本 +0\.00/);
  assert.match(lines[6] ?? '', /^ {2}▾ a +1\.00 +0\.0% +1\.00G\/2\.00G +– +3 +–/);
  assert.match(lines.at(-1) ?? '', /^\/ filter .*q quit$/);
});

test('wider terminals show more, and the last minute of the sorted column', () => {
  const at = (width: number) => layOut(COLUMNS, width, 'wound').placed.map(({ column }) => column.metric);
  assert.deepEqual(at(80).slice(0, 5), ['wound', 'halted', 'stored', 'waited', 'members']);
  assert.deepEqual(
    at(140),
    COLUMNS.map(({ metric }) => metric),
  );
  const wide = layOut(COLUMNS, 140, 'wound').placed;
  assert.ok((wide[0]?.spark ?? 0) > 0 && (wide[2]?.bar ?? 0) > 0);
  assert.ok(layOut(COLUMNS, 80, 'torn').placed.some(({ column }) => column.metric === 'torn'));
});

test('sparklines and bars', () => {
  assert.equal(spark([0, 1, 2, Number.NaN, 7], 5), '▁▂▃ █');
  assert.equal(spark([1], 4), '   █');
  assert.equal(spark([], 3), '   ');
  assert.equal(spark([0, 0], 2), '▁▁');
  assert.equal(textWidth(spark(new Array(60).fill(3), 15)), 15);
  assert.equal(bar(0.5, 4), '██  ');
  assert.equal(bar(2, 3), '███');
  assert.equal(bar(1 / 16, 2), '▏ ');
});

test('every width from 40 to 200 has as many lines as rows, none wider, whatever is shown', () => {
  const hostile = tableOf(
    {
      '/': { wound: 1 },
      '/\x1b[31m\x1b]0;owned\x07': { wound: 1, stored: 5, most: 10 },
      '/日本語日本語日本語日本語日本語日本語日本語日本語': { wound: 'max', stored: 'max' },
      '/日本語日本語日本語日本語日本語日本語日本語日本語/🚀e\u0301\u202e\u200d': {
        wound: 1e9,
        stored: 1e18,
        most: 1e18,
        halted: 99,
      },
      [`/${'x'.repeat(255)}`]: { members: 123456789, seats: 1e12 },
    },
    { '/\x1b[31m\x1b]0;owned\x07': { frozen: true, name: 'a\x1b[2Jb\n' } },
  );
  const detail = {
    id: '/\x1b[31m\x1b]0;owned\x07',
    knobs: [{ key: 'k', asked: '\x1b[1m', kernel: '\r\n' }],
    processes: [{ pid: 1, state: '\x1b', rssBytes: 1, command: '\x1b[5m日本' }],
    total: 1,
    problem: '\x1b[2J',
  };
  const scenes: ((state: State) => State)[] = [
    (state) => state,
    (state) => after(state, '?'),
    (state) => after(state, 'j', 'K'),
    (state) => after(state, 'j', 's', ...'\x07--cpus 日本'),
    (state) => after(state, '/', 'ü', '日'),
    (state) =>
      withDetail(
        withEvent(after(state, 'j', 'enter'), { seq: 1, time: 0, kind: 'oom', cgroup: detail.id, text: '\x1b[3m' }),
        detail,
      ),
    (state) => withTrouble(state, '\x1b[2J lost'),
    (state) =>
      withOutcome(state, {
        order: { verb: 'set', id: '/', words: [], dryRun: true },
        lines: ['\x1b[2J', 'b'],
        failed: false,
      }),
  ];
  fc.assert(
    fc.property(
      fc.integer({ min: 40, max: 200 }),
      fc.integer({ min: 3, max: 30 }),
      fc.constantFrom(...scenes),
      fc.constantFrom({ NO_COLOR: '1' }, { TERM: 'xterm' }, { TERM: 'xterm-256color' }),
      (columns, rows, scene, env) => {
        const frame = draw(sceneOf(scene(showing(hostile, columns, rows)), env));
        assert.ok(frame.lines.length <= rows);
        for (const line of frame.lines) {
          const text = plain(line);
          assert.doesNotMatch(text, /\p{Cc}|\p{Bidi_Control}/u);
          assert.ok(textWidth(text) <= columns, `${textWidth(text)} > ${columns}: ${text}`);
        }
        const vt = new Vt(columns, rows);
        vt.write(update(undefined, frame));
        assert.deepEqual(vt.unknown, []);
      },
    ),
    { numRuns: 300 },
  );
});

test('a small terminal is told what is needed', () => {
  assert.match(textOf(showing(TREE, 60, 10)).join(' '), /needs 80 columns/);
});

test('NO_COLOR leaves no colour; what is wrong is still told apart', () => {
  const lines = draw(sceneOf(showing())).lines.join('');
  for (const [, codes = ''] of lines.matchAll(/\x1b\[([\d;]*)m/g))
    assert.match(codes, /^(?:[0147](?:;(?!$)|$))+$/, codes);
  assert.match(lines, /\x1b\[1;4m *50%/);
});
