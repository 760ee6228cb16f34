import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CgError } from '../../src/errors.ts';
import { parseSelector, selects } from '../../src/exporters/selector.ts';
import { glob, regex } from '../../src/parse/pattern.ts';

test('globs', () => {
  const cases: [pattern: string, matching: string[], others: string[]][] = [
    ['/', ['/'], ['/a']],
    ['/a', ['/a'], ['/', '/a/b', '/ab']],
    ['/a/*', ['/a/b', '/a/'], ['/a', '/a/b/c']],
    ['/a/**', ['/a', '/a/b', '/a/b/c'], ['/', '/ab']],
    ['/**', ['/', '/a', '/a/b'], []],
    ['**/x', ['/x', '/a/b/x'], ['/ax', '/x/a']],
    ['/a?c', ['/abc'], ['/a/c', '/ac']],
    ['/a\\*', ['/a*'], ['/ab']],
    ['*', [''], ['/', '/a']],
    ['/[a].slice', ['/[a].slice'], ['/a.slice']],
  ];
  for (const [pattern, matching, others] of cases) {
    const matches = glob(pattern);
    for (const text of matching) assert.ok(matches(text), `${pattern} ${text}`);
    for (const text of others) assert.ok(!matches(text), `${pattern} ${text}`);
  }
});

test('regular expressions mean what they mean to JavaScript, anchored', () => {
  const patterns = [
    '',
    'a',
    'a|b|',
    '(?:ab|c)+d?',
    '(a|ab)(c|bcd)(d*)',
    'a{2,3}b{0,1}c{2}d{1,}',
    '.*\\.slice',
    '[a-c]+[^a-c]',
    '[]a-]+',
    '[\\w.-]*\\d',
    '\\s\\S\\D\\W',
    '^a$',
    '(a*)*b',
    '(|a)+',
    'a??b*?c+?',
    '\\/\\.\\n',
  ];
  const text = fc.string({ unit: fc.constantFrom(...'abcd.-_/] 01\n'), maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...patterns), text, (pattern, given) => {
      // RE2 takes a ] that comes first for itself, as POSIX does.
      const theirs = new RegExp(`^(?:${pattern.replace('[]', '[\\]')})$(?!\\n)`).test(given);
      assert.equal(regex(pattern)(given), theirs, `${pattern} ${JSON.stringify(given)}`);
    }),
    { numRuns: 2000 },
  );
});

test('no pattern is slow, and none too large', () => {
  const text = `/${'a'.repeat(4_000)}`;
  assert.equal(regex('(/|a+)+b')(text), false);
  assert.equal(regex('(.*a){20}b')(text), false);
  assert.equal(glob(`/${'*a'.repeat(400)}b`)(text), false);
  for (const wrong of ['((a{1000}){1000}){1000}', '((){1000}){1000}', 'a{1001}', 'x'.repeat(1001)])
    assert.throws(() => regex(wrong), CgError, wrong);
  for (const wrong of [
    '(',
    ')',
    'a)',
    '[a',
    '*',
    'a|*',
    '\\',
    '(?=a)',
    '(?i)a',
    '[b-a]',
    '\\b',
    '\\pL',
    'a{3,2}',
    'a$b',
  ])
    assert.throws(() => regex(wrong), /not understood/, wrong);
  for (const wrong of ['', 'docker', `/${'x'.repeat(1000)}`]) assert.throws(() => glob(wrong), CgError, wrong);
});

test('series selectors', () => {
  const taken = (text: string, name: string, labels: Record<string, string>) => {
    const selector = parseSelector(text);
    return selector.name(name) && selects(selector, labels);
  };
  assert.ok(taken('a_total', 'a_total', { x: '1' }));
  assert.ok(!taken('a_total', 'a', {}));
  assert.ok(taken('{__name__=~"a_.*"}', 'a_total', {}));
  assert.ok(taken('a{x="1",y!="2"}', 'a', { x: '1' }));
  assert.ok(taken(' a { x = "1" , } ', 'a', { x: '1' }));
  assert.ok(!taken('a{x="1",y!="2"}', 'a', { x: '1', y: '2' }));
  assert.ok(taken('a{x=~"1|2",y!~"b.*"}', 'a', { x: '2', y: 'ab' }));
  assert.ok(taken('a{x=""}', 'a', {}));
  assert.ok(taken(`a{x='q"\\'\\\\'}`, 'a', { x: `q"'\\` }));
  assert.ok(taken('a{x="b,c=\\"}"}', 'a', { x: 'b,c="}' }));
  for (const wrong of ['', '{}', 'a{', 'a{x}', 'a{x=1}', 'a{x="1" y="2"}', 'a{x="1"} b', 'a-b', 'a{x=~"("}'])
    assert.throws(() => parseSelector(wrong), CgError, wrong);
});
