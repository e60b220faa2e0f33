// What engines said of their load in the last quarter of an hour: small lines in the list, charts on an engine's page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, picture, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { seed } from './seed.mjs';

/** A server notes it once a minute: so long nobody waits here. What it answers has a test of its own. */
const noted = {
  items: [{
    engine_id: 'sim-2',
    at: [15, 14, 13, 12].map((minutes) => new Date(Date.now() - minutes * 60_000).toISOString()),
    cpu_percent: [10, null, 40, 95],
    memory_usage_mb: [100, 200, 300, 400],
    locks_held: [0, 1, 1, 2],
  }],
  next_cursor: null,
};

let browser;
before(async () => {
  await seed(URL_OF_SERVER, TOKEN);
  browser = await launch();
});
after(() => browser?.close());

test('the last quarter of an hour of an engine is drawn', async () => {
  const page = await open(browser);
  const asked = [];
  await page.route('**/v1/stats/engines?*', (route) => {
    asked.push(decodeURIComponent(new URL(route.request().url()).search));
    return route.fulfill({ json: noted });
  });
  await page.show('/engines?view=table');
  const row = page.locator('tr', { hasText: 'sim-2' }).first();
  await row.getByRole('img', { name: 'CPU, in percent, in the last 4 minutes: from 10 to 95, 95 at last' }).waitFor();
  await row.getByRole('img', { name: 'Memory, in MiB, in the last 4 minutes: from 100 to 400, 400 at last' }).waitFor();
  // A minute in which it said nothing is a gap, and one point alone is no line.
  assert.equal(await row.getByRole('img', { name: 'CPU' }).locator('polyline').count(), 1);
  assert.equal(await page.getByRole('img', { name: /Slots in use/ }).count(), 1, 'of others nothing was noted');
  await picture(page, 'engines-loads');
  await sound(page, 'the list of engines with lines');
  assert.equal(asked.length, 1, 'once a minute is enough');
  await page.show('/engines/sim-2');
  const charts = page.locator('section', { has: page.getByRole('heading', { name: 'The last 15 minutes' }) });
  await charts.getByText('As a table').first().click();
  await charts.locator('table tr', { hasText: '95 %' }).first().waitFor();
  assert.match(asked.at(-1), /filter=id:"sim-2"/);
  await picture(page, 'engine-loads');
  await sound(page, 'an engine with charts');
});
