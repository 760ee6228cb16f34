import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { STREAM_VERSION } from '../../src/protocol/stream.ts';
import { realKernel } from '../support/host.ts';
import { codeOf, READ_TOKEN, service, WRITE_TOKEN, WRITING } from './service.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const PATHS = ['/', '/healthz', '/metrics', '/api/v1/info', '/api/v1/cgroups'];
const SET = '/api/v1/cgroups/no-such-group/set';

realKernel('a Host that is not this service’s is refused everywhere, on the stream too', async (t) => {
  const { get, stream, url } = await service(t, { 'allow-hosts': ['metrics.example'] });
  const { port } = new URL(url);
  for (const host of ['evil.example', `evil.example:${port}`, '10.0.0.1', 'localhost.', 'a b', '[::2]']) {
    for (const path of PATHS) assert.equal((await get(path, { headers: { host } })).status, 421, `${host} ${path}`);
  }
  for (const host of [
    'localhost',
    `LOCALHOST:${port}`,
    `127.0.0.1:${port}`,
    '[::1]',
    'metrics.example',
    `Metrics.Example:${port}`,
  ]) {
    assert.equal((await get('/healthz', { headers: { host } })).status, 200, host);
  }
  assert.equal(await stream({ headers: { host: 'evil.example' } }).ended, 421);
});

realKernel('an address is a good Host where it is the one that was connected to', async (t) => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((own) => own?.family === 'IPv4' && !own.internal)?.address;
  if (address === undefined) return t.skip('this machine has no address but loopback');
  const { get } = await service(t, { listen: [`${address}:0`], 'read-token': READ_TOKEN, insecure: true });
  assert.equal((await get('/metrics', { headers: bearer(READ_TOKEN) })).status, 200);
  assert.equal((await get('/metrics', { headers: { ...bearer(READ_TOKEN), host: '192.0.2.1' } })).status, 421);
  assert.equal((await get('/metrics')).status, 401);
});

realKernel('pages of other sites can neither open a stream nor write', async (t) => {
  const { get, change, stream, url } = await service(t, {
    ...WRITING,
    'allow-origins': ['https://dashboards.example'],
  });
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'https://dashboards.example.evil']) {
    assert.equal(await stream({ headers: { origin } }).ended, 403, origin);
    assert.equal((await get(SET, { method: 'POST', headers: { ...bearer(WRITE_TOKEN), origin } })).status, 403, origin);
  }
  for (const origin of [url, 'https://dashboards.example']) {
    const hello = await stream({ headers: { origin } }).next('hello');
    assert.equal(hello.version, STREAM_VERSION);
  }
  assert.equal((await change('POST', SET, { values: { memory: '1g' } })).status, 404);
});

realKernel('with a read token, only what holds no figures answers without it', async (t) => {
  const { get, stream } = await service(t, { 'read-token': READ_TOKEN });
  for (const path of ['/metrics', '/api/v1/info', '/api/v1/cgroups', '/api/v1/controllers']) {
    const refused = await get(path);
    assert.deepEqual([path, refused.status, codeOf(refused)], [path, 401, 'AUTH']);
    assert.match(refused.headers['www-authenticate'] ?? '', /^Bearer/);
    for (const wrong of [`${READ_TOKEN}x`, READ_TOKEN.slice(1)]) {
      assert.equal((await get(path, { headers: bearer(wrong) })).status, 401);
    }
    assert.equal((await get(path, { headers: bearer(READ_TOKEN) })).status, 200, path);
    assert.equal((await get(`${path}?token=${READ_TOKEN}`)).status, 401);
  }
  assert.deepEqual((await get('/healthz')).json(), { status: 'ok' });

  assert.equal(await stream().ended, 401);
  assert.equal(await stream({ protocols: ['cgctl.v1', 'cgctl.token.wrong'] }).ended, 401);
  const carried = `cgctl.token.${Buffer.from(READ_TOKEN).toString('base64url')}`;
  const opened = stream({ protocols: ['cgctl.v1', carried] });
  await opened.next('hello');
  assert.equal(opened.socket.protocol, 'cgctl.v1');
  await stream({ headers: bearer(READ_TOKEN) }).next('hello');
});

realKernel('writing is off by default, and then needs the write token in a header', async (t) => {
  const off = await service(t, { 'write-token': WRITE_TOKEN });
  const body = { values: { memory: '1g' } };
  const refused = await off.change('POST', SET, body);
  assert.deepEqual([refused.status, codeOf(refused)], [403, 'AUTH']);

  const on = await service(t, { ...WRITING, 'read-token': READ_TOKEN });
  for (const [method, path] of [
    ['POST', SET],
    ['PATCH', '/api/v1/cgroups/x'],
    ['PUT', '/api/v1/cgroups/x'],
    ['DELETE', '/api/v1/cgroups/x'],
    ['POST', '/api/v1/cgroups/x/kill'],
  ] as const) {
    for (const token of [READ_TOKEN, `${WRITE_TOKEN}x`]) {
      const answer = await on.get(path, { method, headers: { ...bearer(token), cookie: `token=${WRITE_TOKEN}` } });
      assert.deepEqual([method, answer.status], [method, 401]);
    }
  }
  const allowed = await on.change('POST', SET, body);
  assert.deepEqual([allowed.status, codeOf(allowed)], [404, 'NOT_FOUND']);
});

realKernel('bodies are small, and JSON', async (t) => {
  const { get, change } = await service(t, WRITING);
  const headers = { ...bearer(WRITE_TOKEN), 'content-type': 'application/json' };
  const post = (body: string, type = 'application/json') =>
    get(SET, { method: 'POST', headers: { ...headers, 'content-type': type }, body });
  assert.equal((await post(JSON.stringify({ values: { memory: 'x'.repeat(70_000) } }))).status, 413);
  assert.equal((await post('{"values":')).status, 400);
  assert.equal((await post('values=1', 'application/x-www-form-urlencoded')).status, 415);
  assert.equal((await post('{}', 'text/plain')).status, 415);
  assert.equal((await change('POST', SET, { values: {}, sudo: true })).status, 400);
  assert.equal((await change('POST', SET, { values: { __proto__: null, 'memory.max': {} } })).status, 400);
});

realKernel('changes are limited in number', async (t) => {
  const { change } = await service(t, { ...WRITING, 'limit-writes-per-minute': '2' });
  const statuses = [];
  for (let turn = 0; turn < 3; turn++) statuses.push((await change('DELETE', '/api/v1/cgroups/no-such-group')).status);
  assert.deepEqual(statuses, [404, 404, 429]);
});

realKernel('every answer tells browsers to trust nothing from elsewhere', async (t) => {
  const { get } = await service(t);
  for (const path of [...PATHS, '/nothing']) {
    const { headers } = await get(path);
    const policy = headers['content-security-policy'] ?? '';
    for (const rule of ["default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"])
      assert.ok(policy.includes(rule), rule);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.equal(headers['x-powered-by'], undefined);
  }
});
