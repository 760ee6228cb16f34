/**
 * What the page costs the browser: how soon something is painted, and whether anything holds it up afterwards, on groups of the
 * real kernel (PAGE_GROUPS of them, 500 by default), at a snapshot a second and while it is scrolled and filtered.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CDPSession, chromium, type Page } from 'playwright-core';
import { Surroundings } from './service.ts';

const GROUPS = Number(process.env.PAGE_GROUPS ?? 500);
const BUSY = 20;
const WATCHED_MS = 30_000;
/** A task that is longer holds people up (W3C Long Tasks). */
const LONG_MS = 50;

/** What was long since the last time this was asked, in ms: tasks, and what of each long frame came before the browser's own style, layout and painting. */
interface Long {
  readonly tasks: readonly number[];
  readonly ours: readonly number[];
}

async function long(page: Page): Promise<Long> {
  const [tasks, ours] = await Promise.all(
    ['longTasks', 'longFrames'].map(async (list): Promise<number[]> => {
      const times: unknown = await page.evaluate(`globalThis.${list}.splice(0)`);
      return Array.isArray(times) ? times.map(Number) : [];
    }),
  );
  return { tasks: tasks ?? [], ours: (ours ?? []).filter((ms) => ms > LONG_MS) };
}

/** Seconds of the page's main thread. */
async function spent(debug: CDPSession): Promise<ReadonlyMap<string, number>> {
  const { metrics } = await debug.send('Performance.getMetrics');
  return new Map(metrics.map(({ name, value }) => [name, value]));
}

/** How long it takes from the address to the table, in ms. */
async function fill(page: Page, url: string): Promise<number> {
  const started = performance.now();
  await page.goto(url);
  await page.locator('[role=row][data-id]').first().waitFor();
  return performance.now() - started;
}

const count = (times: readonly number[]): string =>
  times.length === 0 ? 'none' : `${times.length}, the longest ${Math.max(...times).toFixed(0)} ms`;
const words = ({ tasks, ours }: Long): string => `${count(tasks)}; without the browser's own ${count(ours)}`;

const around = new Surroundings(`/cgctl-test-${process.pid}-page`);
const profile = mkdtempSync(join(tmpdir(), 'cgctl-page-bench-'));
try {
  around.makeGroups(GROUPS, BUSY, 0.2);
  const { url } = await around.serve();
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    viewport: { width: 1360, height: 800 },
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  });
  const page = await browser.newPage();
  await page.addInitScript(`globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longTasks.push(duration);
    }).observe({ entryTypes: ['longtask'] });
    globalThis.longFrames = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration, styleAndLayoutStart } of list.getEntries())
        globalThis.longFrames.push(styleAndLayoutStart === 0 ? duration : styleAndLayoutStart - startTime);
    }).observe({ type: 'long-animation-frame' });`);
  const debug = await page.context().newCDPSession(page);
  await debug.send('Performance.enable');
  // The service has to look at the groups for the first time.
  const first = await fill(page, url);
  await page.goto('about:blank');
  const filled = await fill(page, url);
  await sleep(3000);
  const painted = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
  const loading = await long(page);

  const before = await spent(debug);
  await sleep(WATCHED_MS);
  const after = await spent(debug);
  const watching = await long(page);

  await page.locator('#grid').hover();
  for (let i = 0; i < 100; i++) {
    await page.mouse.wheel(0, 400);
    await sleep(16);
  }
  const scrolling = await long(page);

  await page.locator('#filter').pressSequentially('slice-1 ', { delay: 100 });
  await page.keyboard.press('Escape');
  for (const key of ['m', 'm', 'm', 'p', 'p', '3', '3', '1']) {
    await page.keyboard.press(key);
    await sleep(100);
  }
  const using = await long(page);

  const perSecond = (name: string): string =>
    (((after.get(name) ?? 0) - (before.get(name) ?? 0)) / (WATCHED_MS / 1e6)).toFixed(1);
  console.log(`${GROUPS} groups, a snapshot a second; tasks over ${LONG_MS} ms`);
  console.log(
    `first contentful paint  ${Number(painted).toFixed(0)} ms; the table ${filled.toFixed(0)} ms after the address, ${first.toFixed(0)} ms of a service that has just begun`,
  );
  console.log(`while it loads          ${words(loading)}`);
  console.log(`in ${WATCHED_MS / 1000} s of watching     ${words(watching)}`);
  console.log(`while it is scrolled    ${words(scrolling)}`);
  console.log(`while it is used        ${words(using)} (filter, switches, sort)`);
  console.log(
    `main thread             ${perSecond('TaskDuration')} ms a second, of which scripts ${perSecond('ScriptDuration')}, layout ${perSecond('LayoutDuration')}, styles ${perSecond('RecalcStyleDuration')}`,
  );
  console.log(`script heap             ${((after.get('JSHeapUsedSize') ?? 0) / 2 ** 20).toFixed(0)} MiB`);
  await browser.close();
} finally {
  around.end();
  rmSync(profile, { recursive: true, force: true });
}
