// Every page, in both themes and on a phone: shown without a fault, for everybody.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, picture, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { pagesOf } from './pages.mjs';
import { seed } from './seed.mjs';

let browser;
let ids;
before(async () => {
  ({ ids } = await seed(URL_OF_SERVER, TOKEN));
  browser = await launch();
});
after(() => browser?.close());

/** Looks at every page, and says afterwards of each that is wrong what is wrong. */
async function everyPage(look) {
  const wrong = [];
  for (const [name, path, text] of pagesOf(ids)) {
    await look(name, path, text).catch((error) => wrong.push(`${name}: ${error.message}`));
  }
  assert.equal(wrong.length, 0, wrong.join('\n\n'));
}

for (const theme of ['light', 'dark']) {
  test(`every page is sound in ${theme} colours`, async () => {
    const page = await open(browser, { theme });
    await everyPage(async (name, path, text) => {
      await page.show(path);
      await page.getByText(text).first().waitFor();
      await picture(page, `${name}-${theme}`);
      await sound(page, `${name} in ${theme}`);
    });
    await page.context().close();
  });
}

test('no page is wider than a phone of 320 pixels', async () => {
  const page = await open(browser, { width: 320, height: 700 });
  await everyPage(async (name, path, text) => {
    await page.show(path);
    await page.getByText(text).first().waitFor({ state: 'attached' });
    await picture(page, `${name}-phone`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${name} is ${width} pixels wide`);
  });
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
