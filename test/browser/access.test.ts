import assert from 'node:assert/strict';
import { service } from '../server/service.ts';
import { testUnless } from '../support/host.ts';
import { accessibilityMistakes, lacking, open } from './support.ts';

for (const colorScheme of ['light', 'dark'] as const) {
  testUnless(lacking, `axe finds nothing wrong with the page, ${colorScheme}`, async (t) => {
    const { url } = await service(t);
    const { page, complaints } = await open(t, url, { colorScheme });
    await page.locator('[role=row][aria-level]').first().waitFor();
    assert.deepEqual(await accessibilityMistakes(page), []);
    assert.deepEqual(complaints, []);
  });
}
