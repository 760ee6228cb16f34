import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CgError } from '../../src/errors.ts';
import { loadConfig, type Mistake, needingRestart, type Sources, withoutRestart } from '../../src/server/config.ts';
import { settings } from '../../src/server/settings.ts';

const TOKEN = 'a-token-of-enough-length';

function yaml(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cgctl-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'cgctl.yaml');
  writeFileSync(file, text);
  return file;
}

function mistakes(sources: Partial<Sources>): readonly Mistake[] {
  try {
    loadConfig({ flags: {}, env: {}, ...sources });
  } catch (error) {
    assert.ok(error instanceof CgError);
    assert.equal(error.code, 'CONFIG');
    assert.ok(Array.isArray(error.details.mistakes));
    return error.details.mistakes;
  }
  return assert.fail('no mistake was found');
}

test('defaults: loopback, read only', () => {
  const config = loadConfig({ flags: {}, env: {} });
  assert.deepEqual(config.listen, ['127.0.0.1:9753']);
  assert.equal(config.enableWrites, false);
  assert.equal(config.budget.descriptors, 4096);
  assert.deepEqual(config.history, { tick: 10, megabytes: 32 });
});

test('flags win over variables, variables over the file, the file over defaults', (t) => {
  const file = yaml(t, 'interval: 5\nfreshness: 5\nbudget:\n  descriptors: 5\n');
  const env = { CGCTL_INTERVAL: '4', CGCTL_FRESHNESS: '4' };
  const config = loadConfig({ flags: { interval: '3' }, env, file });
  assert.deepEqual([config.interval, config.freshness, config.budget.descriptors], [3, 4, 5]);
});

test('every kind of setting can be given as text', () => {
  const env = {
    CGCTL_LISTEN: '127.0.0.1:1,[::1]:2',
    CGCTL_INSECURE: 'true',
    CGCTL_BUDGET_DESCRIPTORS: '7',
    CGCTL_LOG_LEVEL: 'warn',
  };
  const config = loadConfig({ flags: {}, env });
  assert.deepEqual(config.listen, ['127.0.0.1:1', '[::1]:2']);
  assert.deepEqual([config.insecure, config.budget.descriptors, config.logLevel], [true, 7, 'warn']);
});

test('an empty file is no mistake', (t) => {
  assert.equal(loadConfig({ flags: {}, env: {}, file: yaml(t, '# nothing yet\n') }).interval, 1);
});

test('every mistake is listed, with line and column', (t) => {
  const file = yaml(
    t,
    'interval: soon\nbudget:\n  descriptors: 10\n  colums: 3\nlisten:\n  - 127.0.0.1:1\n  - nowhere\nenable_writes: true\n',
  );
  const found = mistakes({ file, flags: { freshness: 'x' }, env: { CGCTL_INSECURE: 'perhaps' } });
  const places = found.map(({ setting, line, column }) => [setting, line, column]);
  assert.deepEqual(
    new Set(places.map(String)),
    new Set(['freshness,,', 'insecure,,', 'interval,1,1', 'budget.colums,4,3', 'listen.1,7,5', 'enable_writes,8,1']),
  );
  assert.match(found.find(({ setting }) => setting === 'enable_writes')?.message ?? '', /enableWrites is meant/);
});

test('a mistake in the file’s syntax has its place', (t) => {
  const [mistake] = mistakes({ file: yaml(t, 'interval: 1\nlisten: [a\n') });
  assert.equal(mistake?.line, 3);
  assert.ok(mistake.column);
});

test('a mistake in a variable names the variable', () => {
  assert.deepEqual(
    mistakes({ env: { CGCTL_INTERVAL: '1000' } }).map(({ source, setting }) => [source, setting]),
    [['CGCTL_INTERVAL', 'interval']],
  );
});

test('off loopback needs a read token, and TLS or insecure', () => {
  const flags = { listen: ['0.0.0.0:9753'] };
  assert.equal(mistakes({ flags }).length, 2);
  assert.equal(mistakes({ flags: { ...flags, 'read-token': TOKEN } }).length, 1);
  assert.equal(loadConfig({ flags: { ...flags, 'read-token': TOKEN, insecure: true }, env: {} }).readToken, TOKEN);
});

test('writing needs a token of its own, long enough', () => {
  assert.match(mistakes({ flags: { 'enable-writes': true } })[0]?.message ?? '', /needs a token/);
  assert.match(mistakes({ flags: { 'write-token': 'short' } })[0]?.message ?? '', /16 to 1024/);
  assert.match(mistakes({ flags: { 'write-token': TOKEN, 'read-token': TOKEN } })[0]?.message ?? '', /not be the same/);
});

test('a token comes out of its file', (t) => {
  const config = loadConfig({ flags: { 'write-token-file': yaml(t, `${TOKEN}\n`) }, env: {} });
  assert.equal(config.writeToken, TOKEN);
});

test('what cannot change at run time stays and is named', () => {
  const running = loadConfig({ flags: {}, env: {} });
  const next = loadConfig({ flags: { listen: ['127.0.0.1:1'], interval: '2' }, env: {} });
  assert.deepEqual(needingRestart(running, next), ['listen']);
  const merged = withoutRestart(running, next);
  assert.deepEqual([merged.listen, merged.interval], [running.listen, 2]);
});

test('every setting has a flag, a variable and help', () => {
  const names = settings.map(({ flag }) => flag);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes('tls-cert') && names.includes('allow-hosts'));
  for (const { help, variable } of settings) assert.ok(help !== '' && /^CGCTL_[A-Z_]+$/.test(variable));
});

test('a threshold that nobody could understand is a mistake with its place', (t) => {
  const file = yaml(t, 'thresholds:\n  - "/docker/*: memory.usage >= 80%"\n  - "memory.usage > 80%"\n');
  const [mistake, ...others] = mistakes({ file });
  assert.deepEqual([mistake?.line, mistake?.setting, others.length], [3, 'thresholds.1', 0]);
  assert.match(mistake?.message ?? '', /threshold/);
});
