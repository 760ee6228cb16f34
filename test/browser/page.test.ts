import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { READ_TOKEN, service } from '../server/service.ts';
import { mountOf, scratch, spawnBusy, testUnless, until } from '../support/host.ts';
import { becomesChosen, figure, HOSTILE, lacking, makeEverywhere, open, rowOf, UNFILTERED } from './support.ts';

testUnless(lacking, 'the page shows the tree live, and a hostile name as text', async (t) => {
  const { path } = scratch(t);
  const hostile = `${path}/${HOSTILE}`;
  makeEverywhere(hostile);
  const { url } = await service(t);
  const { page, complaints } = await open(t, url);
  await page.locator('#filter').fill(path);
  await rowOf(page, hostile).waitFor();
  assert.equal(await rowOf(page, hostile).locator('.label').textContent(), HOSTILE);
  assert.equal(await page.locator('img').count(), 0);
  await page.locator('#state[data-kind=live]').waitFor();

  const busy = await spawnBusy(t);
  for (const controller of ['cpu', 'cpuacct'])
    writeFileSync(join(mountOf(controller), hostile, 'cgroup.procs'), String(busy.pid));
  await until(async () => Number(await figure(page, hostile, 'CPU')) > 0.05);

  const later = `${path}/later`;
  makeEverywhere(later);
  await rowOf(page, later).waitFor();
  await page.locator('#all-events').check();
  await page.locator('#events li', { hasText: later }).first().waitFor();
  assert.deepEqual(complaints, []);
});

testUnless(lacking, 'keys alone: filter, move, fold, sort, pause, settings', async (t) => {
  const { path } = scratch(t);
  for (const name of ['a', 'a/x', 'b']) makeEverywhere(`${path}/${name}`);
  const { url } = await service(t);
  const { page, complaints } = await open(t, url);
  await page.locator('[role=row][aria-level]').first().waitFor();
  await page.keyboard.press('0');
  await page.locator('[role=columnheader]').first().and(page.locator('[aria-sort=ascending]')).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type(path.slice(1));
  await page.keyboard.press('Enter');
  // The root, under which the group is shown, and then the group.
  await page.locator('#count', { hasText: ' of ' }).waitFor();
  await page.keyboard.press('j');
  await becomesChosen(page, '/');
  await page.keyboard.press('j');
  await becomesChosen(page, path);
  await page.keyboard.press('Enter');
  await page.locator('#detail th', { hasText: 'cpu.shares' }).waitFor();
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#detail').isHidden());

  await page.keyboard.press('Escape');
  await page.locator('#count', { hasText: UNFILTERED }).waitFor();
  await page.keyboard.press('j');
  await becomesChosen(page, `${path}/a`);
  await page.keyboard.press('ArrowLeft');
  await until(async () => (await rowOf(page, `${path}/a`).getAttribute('aria-expanded')) === 'false');
  assert.equal(await rowOf(page, `${path}/a/x`).count(), 0);
  await page.keyboard.press('ArrowRight');
  await rowOf(page, `${path}/a/x`).waitFor();

  await page.keyboard.press('1');
  await page.locator('[role=columnheader][aria-sort=descending]').waitFor();
  // What comes is at the end, which is out of sight where there are many others.
  await page.keyboard.press('/');
  await page.keyboard.type(path.slice(1));
  await page.keyboard.press('Enter');
  await page.keyboard.press(' ');
  await page.locator('#state[data-kind=paused]').waitFor();
  makeEverywhere(`${path}/late`);
  await page.keyboard.press(' ');
  await rowOf(page, `${path}/late`).waitFor();
  assert.deepEqual(complaints, []);
});

testUnless(lacking, 'a lost connection is shown, and heals', async (t) => {
  const first = await service(t);
  const { page } = await open(t, first.url);
  await page.locator('#state[data-kind=live]').waitFor();
  await first.close();
  await page.locator('#state[data-kind=lost]').waitFor();
  await service(t, { listen: [new URL(first.url).host] });
  await page.locator('#state[data-kind=live]').waitFor();
});

testUnless(
  lacking,
  'the page asks for the token, says when it is wrong, and never puts it in an address',
  async (t) => {
    const { url } = await service(t, { 'read-token': READ_TOKEN });
    const { page } = await open(t, url);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('websocket', (socket) => asked.push(socket.url()));
    await page.locator('#token').fill('a-token-that-is-wrong');
    await page.locator('#lock button').click();
    await page.locator('#lock-problem', { hasText: 'not the token' }).waitFor();
    await page.locator('#token').fill(READ_TOKEN);
    await page.locator('#lock button').click();
    await page.locator('[role=row][aria-level]').first().waitFor();
    assert.ok(asked.length > 2);
    assert.ok(asked.every((address) => !address.includes(READ_TOKEN)));
  },
);
