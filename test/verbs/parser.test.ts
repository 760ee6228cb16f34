import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { registry } from '../../src/controllers/registry.ts';
import { parseWords } from '../../src/verbs/parser.ts';
import type { OptionSpec, Verb } from '../../src/verbs/verb.ts';

const OPTIONS: readonly OptionSpec[] = [
  { flags: '-m, --memory <size>', help: '' },
  { flags: '--memory-swap <size>', help: '' },
  { flags: '-r, --recursive', help: '' },
  { flags: '-f, --force', help: '' },
  { flags: '--idle [bool]', help: '' },
  { flags: '--device <device:value>', help: '', repeat: true },
  { flags: '--no-stream', help: '' },
];

const verb = (usage: string): Verb => ({
  name: 'try',
  summary: '',
  usage,
  examples: [],
  options: () => OPTIONS,
  run: async () => 0,
});
const parse = (words: string[], usage = '<id...>') => parseWords(verb(usage), registry([]), words);
const options = (...words: string[]) => {
  const { args, mistakes } = parse(['web', ...words]);
  assert.deepEqual(mistakes, []);
  assert.deepEqual(args.positional, ['web']);
  return args.options;
};

test('values of flags, in every way to write them', () => {
  assert.deepEqual(options('-m', '256m'), { memory: '256m' });
  assert.deepEqual(options('-m256m'), { memory: '256m' });
  assert.deepEqual(options('--memory=256m'), { memory: '256m' });
  assert.deepEqual(options('--memory', '256m', '--memory-swap', '1g'), { memory: '256m', 'memory-swap': '1g' });
  assert.deepEqual(options('--memory', '1', '--memory', '2'), { memory: '2' });
  assert.deepEqual(options('--memory='), { memory: '' });
});

test('a value may begin with a dash', () => {
  assert.deepEqual(options('--memory-swap', '-1', '-m', '-64m'), { 'memory-swap': '-1', memory: '-64m' });
  assert.deepEqual(options('-m', '-10%'), { memory: '-10%' });
  assert.deepEqual(options('--memory=--memory'), { memory: '--memory' });
});

test('switches: alone, together, off, and never swallowing an id', () => {
  assert.deepEqual(options('-rf'), { recursive: true, force: true });
  assert.deepEqual(options('--no-stream'), { 'no-stream': true });
  assert.deepEqual(options('--idle'), { idle: 'true' });
  assert.deepEqual(options('--idle=false'), { idle: 'false' });
  assert.deepEqual(parse(['--idle', 'web']).args, { positional: ['web'], rest: [], options: { idle: 'true' } });
});

test('a flag that may be repeated is a list', () => {
  assert.deepEqual(options('--device', 'a:1'), { device: ['a:1'] });
  assert.deepEqual(options('--device', 'a:1', '--device=b:-2'), { device: ['a:1', 'b:-2'] });
  assert.deepEqual(parse(['web', '--device', 'a:1', '-m']).args.options, { device: ['a:1'] });
});

test('two dashes end the flags', () => {
  assert.deepEqual(parse(['-r', '--', '-r', '--memory']).args, {
    positional: ['-r', '--memory'],
    rest: [],
    options: { recursive: true },
  });
  const ran = parse(['web', '-r', '--', 'make', '-j8', '--', 'x'], '<id> -- <command...>');
  assert.deepEqual(ran, {
    args: { positional: ['web'], rest: ['make', '-j8', '--', 'x'], options: { recursive: true } },
    mistakes: [],
  });
});

test('every mistake is found', () => {
  assert.deepEqual(parse(['--memroy', '5', 'web', '--bad=1', '-x', '-m']).mistakes, [
    'there is no flag --memroy; did you mean --memory?',
    'there is no flag --bad',
    'there is no flag -x',
    '-m needs a value',
  ]);
  assert.deepEqual(parse(['web', '--recursive=yes', '-rxm']).mistakes, [
    '--recursive takes no value',
    'there is no flag -x',
  ]);
  assert.deepEqual(parse([]).mistakes, ['<id> is missing']);
  assert.deepEqual(parse(['a', 'b', 'c'], '<id> [pid]').mistakes, ['too many arguments: c']);
  assert.deepEqual(parse(['a'], '').mistakes, ['too many arguments: a']);
  assert.deepEqual(parse(['web'], '<id> -- <command...>').mistakes, ['<command...> is missing after --']);
});

test('whatever the words are, they are parsed or told of, and no name reaches an object’s prototype', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '-m',
      '--memory',
      '--idle',
      '--device',
      '-rf',
      '--',
      '-',
      '',
      '--__proto__',
      '--constructor=1',
      '-1',
    ),
  );
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const { args } = parse(words);
      assert.equal(Object.getPrototypeOf(args.options), Object.prototype);
      const known = new Set([
        'memory',
        'memory-swap',
        'recursive',
        'force',
        'idle',
        'device',
        'no-stream',
        'cgroup-root',
        'lock-timeout',
        'json',
        'no-color',
        'help',
        'version',
      ]);
      assert.ok(Object.keys(args.options).every((name) => known.has(name)));
    }),
  );
});
