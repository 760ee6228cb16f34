import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alone, hear } from '../../../src/verbs/top/keys.ts';

const keys = (text: string) => {
  const heard = hear('', text);
  return [...heard.keys, ...alone(heard.rest)];
};

test('keys by name, characters as they are', () => {
  assert.deepEqual(keys('jK/9?ü日🚀'), ['j', 'K', '/', '9', '?', 'ü', '日', '🚀']);
  assert.deepEqual(keys('\r\t\x7f\b \x03\x1a\x0c'), [
    'enter',
    'tab',
    'backspace',
    'backspace',
    ' ',
    'ctrl-c',
    'ctrl-z',
    'ctrl-l',
  ]);
  assert.deepEqual(keys('\x1b[A\x1bOB\x1b[C\x1b[D\x1b[H\x1bOF\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[3~'), [
    'up',
    'down',
    'right',
    'left',
    'home',
    'end',
    'home',
    'end',
    'pageup',
    'pagedown',
    'delete',
  ]);
  assert.deepEqual(keys('\x1b[1;5A\x1b[5;3~'), ['up', 'pageup']);
});

test('what is no key of ours is swallowed whole: its letters do nothing', () => {
  for (const noise of [
    '\x1b[[A',
    '\x1b[200~',
    '\x1b[<0;10;20M',
    '\x1b[?62;c',
    '\x1bOP',
    '\x1b[15;2~',
    '\u009b',
    '\u202e',
  ])
    assert.deepEqual(keys(`${noise}j`), ['j'], JSON.stringify(noise));
});

test('Esc alone is known when nothing follows', () => {
  assert.deepEqual(hear('', '\x1b'), { keys: [], rest: '\x1b' });
  assert.deepEqual(alone('\x1b'), ['escape']);
  assert.deepEqual(alone(''), []);
  assert.deepEqual(keys('\x1b\x1b[A'), ['escape', 'up']);
  assert.deepEqual(keys('\x1bq'), ['escape', 'q']);
});

test('it does not matter in which pieces the bytes come', () => {
  const piece = fc.constantFrom('j', '日', '\x1b[A', '\x1b[5~', '\x1bOH', '\x1b[1;2B', '\x1b[<0;1;2M', '\r', '/');
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(20)), (pieces, cuts) => {
      const text = pieces.join('');
      const whole = keys(text);
      let rest = '';
      let at = 0;
      const found: string[] = [];
      for (const cut of [...cuts, text.length]) {
        const heard = hear(rest, text.slice(at, at + cut));
        found.push(...heard.keys);
        rest = heard.rest;
        at += cut;
      }
      assert.deepEqual([...found, ...alone(rest)], whole);
    }),
  );
});

test('noise of any kind is heard to its end', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('\x1b', '[', 'O', ';', '?', '1', '~', 'A', ' ') }), (text) => {
      const { rest } = hear('', text);
      assert.ok(rest.length < 32);
      assert.ok(rest === '' || rest.startsWith('\x1b'));
    }),
  );
});
