import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCgroupId } from '../../src/hierarchy/id.ts';
import { align, style, table, writeJson } from '../../src/verbs/output.ts';
import { didYouMean, similar } from '../../src/verbs/similar.ts';
import { draw } from '../../src/verbs/tree.ts';

const paper = () => {
  const written: string[] = [];
  return { write: (text: string) => void written.push(text), isTTY: true, columns: 80, written };
};

test('columns are as wide as their widest cell, colours and wide letters apart', () => {
  const { red } = style(paper(), {});
  assert.deepEqual(
    align(
      [
        ['a', '1'],
        [red('bcd'), '22'],
        ['ë→', ''],
      ],
      [false, true],
    ),
    ['a     1', `${red('bcd')}  22`, 'ë→'],
  );
  assert.equal(table([{ title: 'NAME' }, { title: 'N', right: true }], [['x', '10']]), 'NAME   N\nx     10\n');
  assert.equal(table([{ title: 'NAME' }], []), 'NAME\n');
});

test('JSON has no unlimited number, no map and no NaN', () => {
  const out = paper();
  writeJson(out, { max: Number.POSITIVE_INFINITY, map: new Map([['a', 1n]]), nan: Number.NaN });
  assert.deepEqual(JSON.parse(out.written.join('')), { max: 'max', map: { a: '1' }, nan: null });
});

test('what a misspelt word most likely meant', () => {
  const flags = ['--cpu-shares', '--cpu-quota', '--memory', '--memory-swap'];
  assert.equal(similar('--cpu-share', flags), '--cpu-shares');
  assert.equal(similar('--memroy', flags), '--memory');
  assert.equal(similar('--memory-sawp', flags), '--memory-swap');
  assert.equal(similar('xyz', flags), undefined);
  assert.equal(similar('', flags), undefined);
  assert.equal(didYouMean('info', ['inof']), '; did you mean inof?');
  assert.equal(didYouMean('info', []), '');
});

test('a tree is drawn', () => {
  const ids = ['/', '/a', '/a/b', '/a/c', '/a/c/d', '/e'].map((path) => ({ id: parseCgroupId(path) }));
  assert.deepEqual(draw(ids), ['', '├─ ', '│  ├─ ', '│  └─ ', '│     └─ ', '└─ ']);
  assert.deepEqual(draw(ids.slice(3, 5)), ['', '└─ ']);
});
