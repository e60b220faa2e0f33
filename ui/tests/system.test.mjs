// What the page about the server says of it, and how an installation is told from others.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, picture, sound } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('an installation has a name and a colour, and says how it is set up', async () => {
  for (const theme of ['light', 'dark']) {
    const page = await open(browser, { theme });
    await page.show('/system');
    await page.getByText('render farm 2').first().waitFor();
    assert.equal(await page.title(), 'System · render farm 2');
    const header = page.locator('header').first();
    assert.equal(await header.evaluate((element) => getComputedStyle(element).borderTopColor), 'rgb(214, 51, 51)');
    assert.match(await page.locator('link[rel=icon]').getAttribute('href'), /^data:image\/svg\+xml,.*d63333/);
    // What somebody has set comes first, with where; the rest when it is asked for.
    const settings = page.locator('section', { has: page.getByRole('heading', { name: 'Settings' }) });
    const rows = settings.locator('tbody tr');
    await rows.filter({ hasText: 'instance_color' }).filter({ hasText: 'flag --instance-color' }).waitFor();
    assert.equal(await rows.filter({ hasText: 'max_lanes' }).count(), 0);
    await settings.getByLabel('Only what somebody has set').uncheck();
    await rows.filter({ hasText: 'max_lanes' }).filter({ hasText: '10000' }).filter({ hasText: 'default' }).waitFor();
    await picture(page, `system-named-${theme}`);
    await sound(page, `the system page in ${theme}`);
    await page.context().close();
  }
});
