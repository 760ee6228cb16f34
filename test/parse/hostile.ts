/** What every parser is held to: a value or a CgError, for whatever text. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CgError, type ErrorCode } from '../../src/errors.ts';
import { fixture } from '../support/files.ts';

export function parseFixture(name: string): string {
  return fixture(`parse/${name}`);
}

/** Runs a parser over arbitrary text, over mutations of good text, and over long runs, where a quadratic one would not end. */
export function survives(parse: (text: string) => unknown, code: ErrorCode, ...good: string[]): void {
  const attempt = (text: string) => {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof CgError)) throw error;
      assert.equal(error.code, code);
      assert.ok(error.message.length < 2000, 'a message repeats only the head of what it rejects');
    }
  };
  fc.assert(fc.property(anyText(200), attempt), { numRuns: 300 });
  if (good.length > 0) fc.assert(fc.property(mutated(good), attempt), { numRuns: 300 });
  for (const unit of [
    'a',
    ' ',
    '\n',
    '9',
    '-',
    '9-',
    '0,',
    'a ',
    ' a\n',
    'a=1 ',
    '1\n',
    '(',
    ') ',
    '\\040',
    'a: 1\n',
    '\ud800',
  ]) {
    attempt(unit.repeat(200_000));
  }
}

/** Any UTF-16 text, lone surrogates included, with much ASCII. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  const unit = fc.oneof(fc.nat(0x7f), fc.nat(0xffff)).map((code) => String.fromCharCode(code));
  return fc.string({ unit, maxLength });
}

/** Good text with a piece cut out and another put in, at any place. */
function mutated(good: string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '\n',
      '=',
      ':',
      '-',
      ',',
      'max',
      '-1',
      '0',
      '\0',
      '99999999999999999999999',
      '1e9',
      'NaN',
      '\u202e',
    ),
    anyText(5),
  );
  return fc
    .record({ text: fc.constantFrom(...good), at: fc.nat(2000), cut: fc.nat(20), piece })
    .map(({ text, at, cut, piece }) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + piece + text.slice(from + cut);
    });
}

/** Asserts that it throws a CgError with this code and a matching message. */
export function rejects(run: () => unknown, code: ErrorCode, message: RegExp = /./): void {
  assert.throws(run, (error) => error instanceof CgError && error.code === code && message.test(error.message));
}
