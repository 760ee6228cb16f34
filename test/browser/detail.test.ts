/** The pane of one group, as somebody uses it: on the real kernel, through the real service. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { service, WRITE_TOKEN, WRITING } from '../server/service.ts';
import {
  cgroupMounts,
  directoriesOf,
  mountOf,
  needsHierarchies,
  scratch,
  spawnBusy,
  spawnFor,
  spawnIdle,
  testUnless,
  until,
} from '../support/host.ts';
import { accessibilityMistakes, becomesChosen, HOSTILE, lacking, makeEverywhere, open, rowOf } from './support.ts';

const lackingV1 = lacking ?? needsHierarchies('cpu', 'cpuacct', 'memory', 'freezer');

async function openPane(page: Page, id: string): Promise<void> {
  await page.locator('#filter').fill(id);
  // Before that the rows are others': what is clicked on may move away.
  await page.locator('#count', { hasText: ' of ' }).waitFor();
  await rowOf(page, id).click();
  await becomesChosen(page, id);
  await page.keyboard.press('Enter');
  await page.locator('#detail h2', { hasText: id }).waitFor();
}

/** Returns once a figure of the charts is above that. */
async function chartShows(page: Page, metric: string, above: number): Promise<void> {
  const item = page.locator(`#detail .legend [data-metric=${metric}]`).first();
  await until(async () => Number(await item.getAttribute('data-latest')) > above);
}

/** In those hierarchies where a new group takes processes. */
function enter(path: string, pid: number): void {
  for (const controller of ['cpu', 'cpuacct', 'memory', 'freezer'])
    writeFileSync(join(mountOf(controller), path, 'cgroup.procs'), String(pid));
}

async function giveToken(page: Page, token: string): Promise<void> {
  await page.locator('.question input[name=write-token]').fill(token);
  await page.keyboard.press('Enter');
}

testUnless(
  lackingV1,
  'a loop that starts in a group is seen on its chart, with its process; hostile names are text',
  async (t) => {
    const { path } = scratch(t);
    const hostile = `${path}/${HOSTILE}`;
    const { url } = await service(t);
    const { page, complaints } = await open(t, url);
    makeEverywhere(hostile);
    await openPane(page, hostile);
    await page.locator('#detail .chart[data-chart=cpu] canvas').waitFor();

    const named = await spawnFor(t, process.execPath, '-e', 'process.title="<b>x</b>";setInterval(()=>{},1e6)');
    const busy = await spawnBusy(t);
    for (const { pid } of [named, busy]) enter(hostile, pid);
    await chartShows(page, 'cpu_user_seconds_total', 0.05);
    await chartShows(page, 'memory_anon_bytes', 100_000);
    await page.locator(`#detail .processes tr[data-pid="${named.pid}"]`, { hasText: '<b>x</b>' }).waitFor();
    await page.locator('#detail .processes th b').waitFor({ state: 'detached' });
    await page.locator('#detail .chart[data-chart=cpu] .plot[aria-label*="user now"]').waitFor();
    await page.locator('#detail .timeline li[data-kind=created]').first().waitFor();
    assert.equal(await page.locator('#detail img').count(), 0);

    // A service that changes nothing says so, and has nothing to change things with.
    await page.locator('#detail .rights', { hasText: 'Read-only' }).waitFor();
    await page.locator('#detail [data-knob="cpu.shares"]').waitFor();
    assert.equal(await page.locator('#detail .edit:visible, #detail .acts button:visible').count(), 0);

    await page.locator('#detail .close').click();
    await page.locator('#detail').waitFor({ state: 'hidden' });
    await page.locator('#grid:focus').waitFor();
    assert.deepEqual(complaints, []);
  },
);

testUnless(
  lackingV1,
  'shares are set from the page: a wrong token is refused, the plan comes first, the mark is on the chart, undo gives the bytes back',
  async (t) => {
    const { path } = scratch(t);
    makeEverywhere(path);
    const file = join(mountOf('cpu'), path, 'cpu.shares');
    const before = readFileSync(file, 'utf8');
    const { url } = await service(t, WRITING);
    const { page, complaints } = await open(t, url);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await openPane(page, path);

    await page.locator('#detail [data-knob="cpu.shares"] .edit').click();
    const field = page.locator('#detail .editor input');
    await field.fill('1');
    await field.press('Enter');
    await page.locator('#detail .editor .mistake', { hasText: '2..262144' }).waitFor();
    await field.fill('512');
    await field.press('Enter');
    await giveToken(page, 'a-token-that-is-wrong-1');
    await page.locator('.question .mistake', { hasText: 'not the write token' }).waitFor();
    await giveToken(page, WRITE_TOKEN);
    await page.locator('#detail .steps li', { hasText: 'cpu.shares' }).waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await accessibilityMistakes(page), [], colorScheme);
    }
    assert.equal(await page.locator('#detail .steps ins').textContent(), '512');
    assert.equal(readFileSync(file, 'utf8'), before);

    await page.locator('#detail .plan button', { hasText: 'Apply' }).click();
    await page.locator('#detail .effect li', { hasText: '1024 → 512' }).waitFor();
    assert.equal(readFileSync(file, 'utf8'), '512\n');
    await page.locator('#detail [data-knob="cpu.shares"] .kernel', { hasText: '512' }).waitFor();
    await page.locator('#detail [data-knob="cpu.shares"] .asked', { hasText: '512' }).waitFor();
    await page.locator('#detail .timeline li[data-kind=limit_changed]', { hasText: 'by cgctl' }).waitFor();
    await page.locator('#detail .marks [title*="by cgctl"]').waitFor({ state: 'attached' });

    await page.locator('#detail .undos button').click();
    await page.locator('#detail .told', { hasText: 'Undone' }).waitFor();
    assert.equal(readFileSync(file, 'utf8'), before);
    await page.locator('#detail .undos li').waitFor({ state: 'detached' });
    assert.ok(asked.every((address) => !address.includes(WRITE_TOKEN)));
    assert.deepEqual(complaints, []);
  },
);

testUnless(
  lackingV1,
  'two settings are one change; what the kernel refuses is told in full, and nothing is left of it',
  async (t) => {
    const { path } = scratch(t);
    makeEverywhere(`${path}/child`);
    const burst = join(mountOf('cpu'), path, 'cpu.cfs_burst_us');
    const quota = join(mountOf('cpu'), `${path}/child`, 'cpu.cfs_quota_us');
    writeFileSync(quota, '90000');
    const { url } = await service(t, WRITING);
    const { page } = await open(t, url);
    await openPane(page, path);
    for (const [knob, text] of [
      ['cpu.shares', '700'],
      ['cpu.quota', '50000'],
    ] as const) {
      await page.locator(`#detail [data-knob="${knob}"] .edit`).click();
      await page.locator(`#detail .editor input[aria-label="${knob}"]`).fill(text);
    }
    await page.locator('#detail .pending button', { hasText: 'Show the plan' }).click();
    await giveToken(page, WRITE_TOKEN);
    await page.locator('#detail .plan h3', { hasText: '2 writes' }).waitFor();
    await page.locator('#detail .plan button', { hasText: 'Apply' }).click();
    const told = page.locator('#detail .change .told[data-kind=bad]');
    await told.waitFor();
    assert.match((await told.textContent()) ?? '', /cpu\.cfs_quota_us.*EINVAL.*parent/s);
    assert.equal(readFileSync(join(mountOf('cpu'), path, 'cpu.shares'), 'utf8'), '1024\n');
    assert.equal(readFileSync(burst, 'utf8'), '0\n');
  },
);

testUnless(lackingV1, 'an OOM is on the chart, with its victim', async (t) => {
  const { path } = scratch(t);
  makeEverywhere(path);
  const group = join(mountOf('memory'), path);
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(16 << 20));
  const { url } = await service(t);
  const { page } = await open(t, url);
  await openPane(page, path);
  await page.locator('#detail .chart[data-chart=memory] canvas').waitFor();
  await spawnFor(t, 'sh', '-c', `echo $$ > ${group}/cgroup.procs && exec tail /dev/zero`).catch(() => undefined);
  const item = page.locator('#detail .timeline li[data-weight=grave]').first();
  await item.waitFor();
  await page.locator('#detail .timeline li[data-weight=grave]', { hasText: 'tail' }).first().waitFor();
  await page.locator('#detail .marks [data-weight=grave][title]').first().waitFor({ state: 'attached' });
  await page.locator('#detail .traits [data-kind=bad]', { hasText: 'OOM × 1' }).waitFor();
  await item.locator('button').focus();
  await page.locator('#detail .moment', { hasText: ':' }).waitFor();
});

testUnless(lackingV1, 'freeze, thaw and kill ask first; the kernel’s files have it', async (t) => {
  const { path } = scratch(t);
  makeEverywhere(path);
  const idle = await spawnIdle(t);
  enter(path, idle.pid);
  const state = () => readFileSync(join(mountOf('freezer'), path, 'freezer.state'), 'utf8').trim();
  const { url } = await service(t, WRITING);
  const { page, complaints } = await open(t, url);
  await openPane(page, path);
  const act = (name: string) => page.locator('#detail .acts > button', { hasText: name });
  const answer = (name: string) => page.locator('.question button', { hasText: name });

  await act('Freeze').click();
  await page.locator('.question', { hasText: `sleep (${idle.pid})` }).waitFor();
  await answer('Cancel').click();
  await page.locator('.question').waitFor({ state: 'detached' });
  assert.equal(state(), 'THAWED');
  await act('Freeze').click();
  await answer('Freeze').click();
  await giveToken(page, WRITE_TOKEN);
  await page.locator('#detail .acts .told', { hasText: 'Frozen.' }).waitFor();
  assert.equal(state(), 'FROZEN');
  await page.locator('#detail .traits', { hasText: 'frozen' }).waitFor();
  await act('Thaw').click();
  await answer('Thaw').click();
  await page.locator('#detail .acts .told', { hasText: 'Thawed.' }).waitFor();
  assert.equal(state(), 'THAWED');

  await act('Kill').click();
  await page.locator('.question select').selectOption('TERM');
  assert.ok(await answer('Send it').isDisabled());
  await page.locator('.typed input').fill('kill');
  await answer('Send it').click();
  assert.equal((await idle.exited).signal, 'SIGTERM');
  await page.locator('#detail .processes', { hasText: 'No process of its own' }).waitFor();
  assert.deepEqual(complaints, []);
});

testUnless(
  lackingV1,
  'a group that goes while it is open, is made again, and a service that cannot be reached, are told',
  async (t) => {
    const { path, cleanup } = scratch(t);
    makeEverywhere(path);
    const first = await service(t, WRITING);
    const { page } = await open(t, first.url);
    await openPane(page, path);
    await page.locator('#detail .chart[data-chart=memory] canvas').waitFor();
    cleanup();
    await page.locator('#detail[data-trouble=gone] .trouble', { hasText: 'gone since' }).waitFor();
    await until(async () => (await page.locator('#detail .acts button:visible').count()) === 0);
    await page.locator('#detail .chart[data-chart=memory] canvas').waitFor();
    // In one hierarchy only: what the others have is not there to be shown.
    mkdirSync(join(mountOf('memory'), path));
    await page.locator('#detail[data-trouble=again] .trouble button').click();
    await page.locator('#detail:not([data-trouble]) p.lacking', { hasText: 'not in the hierarchy' }).waitFor();
    await page.locator('#detail .chart[data-chart=memory] canvas').waitFor();
    assert.ok(await page.locator('#detail .chart[data-chart=cpu]').isHidden());

    await first.close();
    await page.locator('#detail[data-trouble=lost]').waitFor();
    await service(t, { listen: [new URL(first.url).host] });
    await page.locator('#detail:not([data-trouble])').waitFor();
    assert.ok(directoriesOf(path).length === 1 && cgroupMounts().length > 1);
  },
);
