import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realKernel, until } from '../support/host.ts';
import { service } from './service.ts';

realKernel('the file is read again: a good edit counts, a bad one does not and is told with its place', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cgctl-reload-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'cgctl.yaml');
  writeFileSync(file, 'interval: 2\n');
  const { get, log } = await service(t, {}, { file });
  const interval = async () => Object((await get('/api/v1/info')).json()).interval;
  const health = async () => Object((await get('/healthz')).json());
  assert.equal(await interval(), 2);

  writeFileSync(file, 'interval: 3\n');
  await until(async () => (await interval()) === 3);

  // As editors do: a new file in the place of the old one.
  writeFileSync(`${file}.new`, 'interval: 4\nlimit:\n  connections: 7\n');
  renameSync(`${file}.new`, file);
  await until(async () => (await interval()) === 4);
  assert.deepEqual((await health()).config.waitingForRestart, ['limit.connections']);

  writeFileSync(file, 'interval: 5\nlimit:\n  conections: 7\n');
  await until(async () => (await health()).status === 'degraded');
  assert.equal(await interval(), 4);
  const { config } = await health();
  assert.equal(config.problem.code, 'CONFIG');
  assert.match(config.problem.message, /cgctl\.yaml:3:3: limit\.conections/);
  assert.ok(log.some((line) => line.includes('old one stays in force') && line.includes('cgctl.yaml:3:3')));
  assert.match((await get('/metrics')).text, /^cgctl_config_ok 0$/m);

  writeFileSync(file, 'interval: 5\n');
  await until(async () => (await interval()) === 5);
  assert.equal((await health()).status, 'ok');
});
