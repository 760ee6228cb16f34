import assert from 'node:assert/strict';
import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { service } from '../server/service.ts';
import {
  cgroupMounts,
  mountOf,
  needsHierarchies,
  scratch,
  spawnBusy,
  spawnFor,
  testUnless,
  until,
} from '../support/host.ts';
import {
  becomesChosen,
  cellOf,
  figure,
  HOSTILE,
  idsOf,
  lacking,
  makeEverywhere,
  open,
  rowOf,
  UNFILTERED,
} from './support.ts';

const needsV1Memory = lacking ?? needsHierarchies('memory', 'cpu', 'cpuacct');
const MiB = 2 ** 20;

/** Group ids without the path of the test. */
const names = (ids: readonly string[], path: string): string[] => ids.map((id) => id.replace(path, ''));

/** Returns once the rows are these, in this order. */
const become = (page: Page, path: string, wanted: readonly string[]): Promise<void> =>
  until(async () => JSON.stringify(names(await idsOf(page), path)) === JSON.stringify(wanted));

function removeHere(path: string): void {
  for (const { point } of cgroupMounts()) rmdirSync(join(point, path));
}

testUnless(
  lacking,
  'a filter finds letters in order and marks them; what holds it as written comes first',
  async (t) => {
    const { path } = scratch(t);
    for (const name of ['webs', 'w-e-b', 'x']) makeEverywhere(`${path}/${name}`);
    const { url } = await service(t);
    const { page, complaints } = await open(t, `${url}/#sort=name`);
    await page.locator('#filter').fill(`${path.slice(1)}/web`);
    await become(page, path, ['/', '', '/webs', '/w-e-b']);
    assert.equal(await rowOf(page, `${path}/webs`).locator('mark').textContent(), 'web');
    assert.deepEqual(await rowOf(page, `${path}/w-e-b`).locator('mark').allTextContents(), ['w', 'e', 'b']);
    await page.locator('#filter').fill('no such group');
    await page.locator('#nothing', { hasText: 'No path' }).waitFor();
    assert.deepEqual(complaints, []);
  },
);

testUnless(needsV1Memory, 'sorted by any column, ancestors kept; subtrees, groups alone, leaves', async (t) => {
  const { path } = scratch(t);
  for (const name of ['a/deep', 'b']) makeEverywhere(`${path}/${name}`);
  const busy = await spawnBusy(t);
  const controllers = ['cpu', 'cpuacct', 'pids'];
  for (const controller of controllers)
    writeFileSync(join(mountOf(controller), `${path}/a/deep`, 'cgroup.procs'), String(busy.pid));
  const { url } = await service(t);
  const { page, complaints } = await open(t, `${url}/#filter=${path}`);
  await become(page, path, ['/', '', '/a', '/a/deep', '/b']);
  await page.keyboard.press('1');
  await page.locator('[role=columnheader][aria-sort=ascending]').waitFor();
  await become(page, path, ['/', '', '/b', '/a', '/a/deep']);

  await until(async () => (await figure(page, `${path}/a`, 'PIDs')) === '1');
  await page.locator('#mode button', { hasText: 'Self' }).click();
  await until(async () => (await figure(page, `${path}/a`, 'PIDs')) === '0');
  assert.equal(await figure(page, `${path}/a/deep`, 'PIDs'), '1');
  assert.equal(await figure(page, `${path}/a`, 'PSI cpu'), '–', 'waiting does not add up');
  await page.keyboard.press('m');
  await become(page, path, ['/b', '/a/deep']);
  assert.equal(await rowOf(page, `${path}/a/deep`).locator('.label').textContent(), 'deep');
  assert.equal(await rowOf(page, `${path}/a/deep`).locator('.who').textContent(), `${path}/a`);
  await until(() => /mode=leaf/.test(page.url()));
  assert.deepEqual(complaints, []);
});

testUnless(
  needsV1Memory,
  'only what is wrong now: a group near its limit, and a kill of the last minutes',
  async (t) => {
    const { path } = scratch(t);
    for (const name of ['full', 'fine']) makeEverywhere(`${path}/${name}`);
    const memory = (name: string, file: string, value: string | number): void =>
      writeFileSync(join(mountOf('memory'), path, name, file), String(value));
    memory('full', 'memory.limit_in_bytes', 16 * MiB);
    const { url } = await service(t);
    const { page, complaints } = await open(t, `${url}/#filter=${path}`);
    await rowOf(page, `${path}/full`).waitFor();
    assert.equal(await (await cellOf(page, `${path}/full`, 'OOM')).getAttribute('data-level'), null);
    const group = join(mountOf('memory'), path, 'full');
    const { exited } = await spawnFor(
      t,
      'sh',
      '-c',
      `echo $$ > ${group}/cgroup.procs; exec "$0" -e 'Buffer.alloc(64 << 20, 1)'`,
      process.execPath,
    );
    await exited;
    await until(async () => (await (await cellOf(page, `${path}/full`, 'OOM')).getAttribute('data-level')) === 'bad');
    assert.ok(Number(await figure(page, path, 'OOM')) >= 1, 'told above it too');
    assert.equal(
      await (await cellOf(page, path, 'OOM')).getAttribute('data-level'),
      null,
      'but wrong only where it was',
    );
    await page.keyboard.press('p');
    await page.locator('#pressure[aria-pressed=true]').waitFor();
    await until(async () => (await rowOf(page, `${path}/fine`).count()) === 0);
    await rowOf(page, `${path}/full`).waitFor();
    assert.match((await page.locator('#pressure').textContent()) ?? '', /under pressure/);
    assert.deepEqual(complaints, []);
  },
);

testUnless(lacking, 'gone groups stay for a while and say so, so do those that were made anew', async (t) => {
  const { path } = scratch(t);
  for (const name of ['gone', 'again']) makeEverywhere(`${path}/${name}`);
  const { url } = await service(t);
  const { page, complaints } = await open(t, `${url}/#sort=name&filter=${path}`);
  await rowOf(page, `${path}/gone`).waitFor();
  removeHere(`${path}/gone`);
  await rowOf(page, `${path}/gone`).and(page.locator('[data-change=gone]')).waitFor();
  assert.match((await rowOf(page, `${path}/gone`).locator('.badges').textContent()) ?? '', /^gone \d+s/);
  removeHere(`${path}/again`);
  makeEverywhere(`${path}/again`);
  await rowOf(page, `${path}/again`).and(page.locator('[data-change=anew]')).waitFor();
  makeEverywhere(`${path}/late`);
  await rowOf(page, `${path}/late`).and(page.locator('[data-change=new]')).waitFor();
  assert.deepEqual(complaints, []);
});

testUnless(lacking, 'the address restores the view: sort, filter, folds, switches, the chosen group', async (t) => {
  const { path } = scratch(t);
  for (const name of ['a/x', 'b']) makeEverywhere(`${path}/${name}`);
  const { url } = await service(t);
  const first = await open(t, `${url}/#filter=${path}`);
  await rowOf(first.page, `${path}/a/x`).waitFor();
  await first.page.keyboard.press('0');
  await first.page.locator('[role=columnheader]').first().and(first.page.locator('[aria-sort=ascending]')).waitFor();
  await rowOf(first.page, `${path}/a`).click();
  await becomesChosen(first.page, `${path}/a`);
  await first.page.keyboard.press('Escape');
  await first.page.locator('#count', { hasText: UNFILTERED }).waitFor();
  await becomesChosen(first.page, `${path}/a`);
  await first.page.keyboard.press('h');
  await until(async () => (await rowOf(first.page, `${path}/a`).getAttribute('aria-expanded')) === 'false');
  await until(async () => (await rowOf(first.page, `${path}/a/x`).count()) === 0);
  await first.page.keyboard.press('m');
  await first.page.locator('#all-events').check();
  await until(() => /events=all/.test(first.page.url()));

  const { page } = await open(t, first.page.url());
  await becomesChosen(page, `${path}/a`);
  assert.equal(await rowOf(page, `${path}/a`).getAttribute('aria-expanded'), 'false');
  assert.equal(await rowOf(page, `${path}/a/x`).count(), 0);
  assert.equal(await page.locator('#mode [aria-pressed=true]').textContent(), 'Self');
  assert.ok(await page.locator('#all-events').isChecked());
  assert.equal(await page.locator('[role=columnheader]').first().getAttribute('aria-sort'), 'ascending');

  await page.goto(`${url}/#filter=${path}/b&mode=rollup`);
  await become(page, path, ['/', '', '/b']);
});

testUnless(lacking, 'what is shown becomes a file, harmless in a spreadsheet', async (t) => {
  const { path } = scratch(t);
  makeEverywhere(`${path}/a,${HOSTILE}`);
  const { url } = await service(t);
  const { page, complaints } = await open(t, `${url}/#filter=${path}/a`);
  await rowOf(page, `${path}/a,${HOSTILE}`).waitFor();
  const saved = async (kind: string): Promise<{ name: string; text: string }> => {
    await page.locator('#save').click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator(`#files button[value=${kind}]`).click(),
    ]);
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
  };
  const csv = await saved('csv');
  assert.match(csv.name, /^cgroups-\d{4}-.*\.csv$/);
  const lines = csv.text.split('\r\n');
  assert.match(lines[0] ?? '', /^cgroup,name,cpu_usage_seconds_total per second,/);
  assert.ok(lines.some((line) => line.startsWith(`"${path}/a,${HOSTILE}",`)));
  assert.equal(lines.length, 5, 'a head, the root, the test’s group, the one in it');
  const json = JSON.parse((await saved('json')).text);
  assert.deepEqual(
    json.groups.map(({ cgroup }: { cgroup: string }) => cgroup),
    ['/', path, `${path}/a,${HOSTILE}`],
  );
  assert.deepEqual(complaints, []);
});

testUnless(lacking, 'back in time and forth again: what was then is shown, groups that are gone too', async (t) => {
  const { path } = scratch(t);
  makeEverywhere(`${path}/early`);
  const { url } = await service(t);
  const { page, complaints } = await open(t, `${url}/#sort=name&filter=${path}`);
  await rowOf(page, `${path}/early`).waitFor();
  await page.keyboard.press(' ');
  await page.locator('#state[data-kind=paused]').waitFor();
  await until(() => /time=/.test(page.url()));
  const then = page.url();
  makeEverywhere(`${path}/late`);
  // Another page, live, sees when it has come.
  const other = await open(t, `${url}/#filter=${path}`);
  await rowOf(other.page, `${path}/late`).waitFor();
  assert.equal(await rowOf(page, `${path}/late`).count(), 0);
  for (let i = 0; i < 100 && (await page.locator('#state[data-kind=paused]').count()) === 1; i++)
    await page.keyboard.press(']');
  await page.locator('#state[data-kind=live]').waitFor();
  await rowOf(page, `${path}/late`).waitFor();
  await until(() => !/time=/.test(page.url()));
  await page.keyboard.press('[');
  await page.locator('#past:not([hidden])').waitFor();
  await page.locator('#live').click();
  await page.locator('#state[data-kind=live]').waitFor();

  // A shared address stands where it stood; the table is the service’s.
  const shared = await open(t, then);
  await shared.page.locator('#state[data-kind=paused]').waitFor();
  await until(async () => (await rowOf(shared.page, `${path}/late`).count()) === 0);
  await rowOf(shared.page, `${path}/early`).waitFor();
  assert.deepEqual([...complaints, ...other.complaints, ...shared.complaints], []);
});

testUnless(lacking, 'a tree grid tells levels, places and the active row; only what is seen exists', async (t) => {
  const { path } = scratch(t);
  for (let i = 0; i < 150; i++) makeEverywhere(`${path}/${String(i).padStart(3, '0')}`);
  const { url } = await service(t);
  const { page, complaints } = await open(t, `${url}/#sort=name&filter=${path}`);
  await rowOf(page, `${path}/000`).waitFor();
  const grid = page.locator('[role=treegrid]');
  assert.equal(await grid.getAttribute('aria-rowcount'), '153');
  assert.ok((await page.locator('[role=row][data-id]').count()) < 60);
  const place = async (id: string) =>
    Promise.all(['aria-level', 'aria-posinset', 'aria-setsize'].map((name) => rowOf(page, id).getAttribute(name)));
  assert.deepEqual(await place(`${path}/004`), ['3', '5', '150']);
  await grid.focus();
  await page.keyboard.press('End');
  await becomesChosen(page, `${path}/149`);
  const active = await grid.getAttribute('aria-activedescendant');
  assert.equal(await page.locator(`#${active}`).getAttribute('data-id'), `${path}/149`);
  await page.keyboard.press('Home');
  await becomesChosen(page, '/');
  await page.keyboard.press('PageDown');
  await until(async () => (await page.locator('[aria-selected=true]').getAttribute('data-id')) !== '/');
  assert.deepEqual(complaints, []);
});
