/** What tests of the page share: one browser, and how to find things on the page. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { cgroupMounts, needsCgroups, needsRoot } from '../support/host.ts';

const CHROMIUM = '/usr/bin/chromium';

/** The reason why the page cannot be tested here, or undefined. */
export const lacking: string | undefined = existsSync(CHROMIUM)
  ? (needsRoot() ?? needsCgroups())
  : 'no chromium (apt-get install chromium)';

/** Nearly all the time that a test has, so that what was waited for in vain is named: on a loaded machine pages take long. */
const PATIENCE_MS = 100_000;

export const HOSTILE = '<img src=x onerror=alert(1)>';

export interface Opened {
  readonly page: Page;
  /** What the page complained of: script errors, broken rules of the content security policy, dialogs of a script that ran. */
  readonly complaints: string[];
}

export interface Appearance {
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly reducedMotion?: 'reduce' | 'no-preference';
}

/** One browser for all tests of a file: it takes long to start. */
let browser: Promise<BrowserContext> | undefined;
let profile: string | undefined;
after(async () => {
  await (await browser)?.close();
  if (profile !== undefined) rmSync(profile, { recursive: true, force: true });
});

function start(): Promise<BrowserContext> {
  profile = mkdtempSync(join(tmpdir(), 'cgctl-browser-'));
  return chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    acceptDownloads: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens an address in a tab of the test's own, which closes with the test. */
export async function open(
  t: TestContext,
  url: string,
  { viewport = { width: 1360, height: 800 }, ...media }: Appearance = {},
): Promise<Opened> {
  browser ??= start();
  const page = await (await browser).newPage();
  t.after(() => page.close());
  page.setDefaultTimeout(PATIENCE_MS);
  await page.setViewportSize(viewport);
  await page.emulateMedia(media);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/Content Security Policy|TrustedHTML/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/** Makes a group, and those above it, in every hierarchy. */
export function makeEverywhere(path: string): void {
  for (const { point } of cgroupMounts()) mkdirSync(join(point, path), { recursive: true });
}

export const rowOf = (page: Page, id: string): Locator => page.locator(`[role=row][data-id=${JSON.stringify(id)}]`);

/** What is said where all groups are shown. */
export const UNFILTERED = /^[\d,]+ groups$/;

/** Returns once the page, which draws once a frame, shows the row as chosen. */
export const becomesChosen = (page: Page, id: string): Promise<void> =>
  page.locator(`[role=row][aria-selected=true][data-id=${JSON.stringify(id)}]`).waitFor();

/** A group's cell in the column whose title begins so. */
export async function cellOf(page: Page, id: string, title: string): Promise<Locator> {
  const titles = await page.locator('[role=columnheader]').allTextContents();
  const at = titles.findIndex((text) => text.startsWith(title));
  assert.ok(at > 0, `no column ${title} among ${titles.join(', ')}`);
  return rowOf(page, id)
    .locator('[role=gridcell]')
    .nth(at - 1);
}

/** What the column whose title begins so shows for a group. */
export async function figure(page: Page, id: string, title: string): Promise<string> {
  return (await (await cellOf(page, id, title)).locator('.value').textContent()) ?? '';
}

/** The ids of the rows that exist as elements, in the order in which they are seen. */
export async function idsOf(page: Page): Promise<string[]> {
  const rows = await page
    .locator('[role=row][data-id]')
    .evaluateAll((nodes) =>
      nodes.map((node) => ({ id: node.getAttribute('data-id') ?? '', at: Number(node.getAttribute('aria-rowindex')) })),
    );
  return rows.sort((a, b) => a.at - b.at).map(({ id }) => id);
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_RUN = `axe.run().then(({ violations }) => JSON.stringify(violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ': ' + failureSummary.replaceAll('\\n', ' ')))))`;

/** What axe finds wrong, a line each. It goes in through the debugger: the page's policy allows no foreign script. */
export async function accessibilityMistakes(page: Page): Promise<string[]> {
  const debug = await page.context().newCDPSession(page);
  await debug.send('Runtime.evaluate', { expression: axeSource });
  const { result } = await debug.send('Runtime.evaluate', {
    expression: AXE_RUN,
    awaitPromise: true,
    returnByValue: true,
  });
  await debug.detach();
  const mistakes: unknown = JSON.parse(String(result.value));
  assert.ok(Array.isArray(mistakes));
  return mistakes.map(String);
}
