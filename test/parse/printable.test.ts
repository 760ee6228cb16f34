import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { excerpt, printable, quoteArg } from '../../src/parse/printable.ts';
import { anyText } from './hostile.ts';

test('what could act on a terminal is spelt out', () => {
  assert.equal(printable('\x1b[2Jx\n\x7f\x9b'), '\\x1b[2Jx\\x0a\\x7f\\x9b');
  assert.equal(printable('a\u202eb\u2066\u061c\u2028'), 'a\\u{202e}b\\u{2066}\\u{61c}\\u{2028}');
  assert.equal(printable('\ud800x'), '\\u{d800}x');
  assert.equal(printable('dev-sda\\x2d1 größe 日本 😀'), 'dev-sda\\x2d1 größe 日本 😀');
  fc.assert(
    fc.property(anyText(200), (text) => {
      assert.doesNotMatch(printable(text), /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
      assert.doesNotMatch(printable(text), /\p{Cs}/u);
    }),
  );
});

test('arguments are quoted only where a shell would change them', () => {
  assert.equal(quoteArg('/web/a-b.slice:1'), '/web/a-b.slice:1');
  assert.equal(quoteArg(''), "''");
  assert.equal(quoteArg("it's $HOME"), "'it'\\''s $HOME'");
  assert.equal(quoteArg('=x'), "'=x'");
  assert.equal(quoteArg("a\n'\\"), "$'a\\x0a\\'\\\\'");
});

test('bash reads a quoted argument back to the same bytes', () => {
  const args = fc.array(
    anyText(20).map((text) => text.replaceAll('\0', '\x01')),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(args, (list) => {
      const { stdout } = spawnSync('bash', ['-c', `printf '%s\\0' ${list.map(quoteArg).join(' ')}`]);
      assert.deepEqual(stdout, Buffer.from(list.map((text) => `${text}\0`).join('')));
    }),
    { numRuns: 30 },
  );
});

test('an excerpt is short', () => {
  assert.equal(excerpt('a\n'), '"a\\x0a"');
  assert.ok(excerpt('\0'.repeat(1e6)).length < 500);
});
