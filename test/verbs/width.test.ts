import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fit, head, tail, textWidth } from '../../src/verbs/width.ts';

test('columns are counted as a terminal does', () => {
  for (const [text, columns] of [
    ['', 0],
    ['web-1', 5],
    ['größe', 5],
    ['日本語', 6],
    ['한글', 4],
    ['e\u0301', 1],
    ['a\u200db', 2],
    ['🚀', 2],
    ['▁▂▃█', 4],
    ['…', 1],
  ] as const)
    assert.equal(textWidth(text), columns, JSON.stringify(text));
});

test('arrows and the like take one column, without a look at the tables', () => {
  for (let code = 0x2100; code <= 0x2319; code++) {
    const character = String.fromCodePoint(code);
    assert.doesNotMatch(character, /[\p{Mn}\p{Me}\p{Cf}\p{Emoji_Presentation}]/u, code.toString(16));
    assert.equal(textWidth(character), 1, code.toString(16));
  }
});

test('a text is cut or filled up to a width, to the column', () => {
  assert.equal(fit('web', 5), 'web  ');
  assert.equal(fit('web', 5, true), '  web');
  assert.equal(fit('website', 5), 'webs…');
  assert.equal(fit('日本語', 4), '日… ');
  assert.equal(fit('日本語', 1), '…');
  assert.equal(fit('日本語', 0), '');
  assert.equal(head('日本語', 5), '日本');
  assert.equal(tail('日本語', 5), '本語');
});

test('whatever the text, it is as wide as was asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), fc.boolean(), (text, columns, right) => {
      assert.equal(textWidth(fit(text, columns, right)), columns);
      assert.ok(text.startsWith(head(text, columns)) && textWidth(head(text, columns)) <= columns);
      assert.ok(text.endsWith(tail(text, columns)) && textWidth(tail(text, columns)) <= columns);
    }),
  );
});
