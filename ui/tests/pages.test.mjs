// Every page, in both themes and on a phone: shown without a fault, for everybody.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, picture, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { seed } from './seed.mjs';

let browser;
let ids;
before(async () => {
  ({ ids } = await seed(URL_OF_SERVER, TOKEN));
  browser = await launch();
});
after(() => browser?.close());

const pages = () => [
  ['overview', '/', 'Events a minute'],
  ['engines', '/engines', 'sim-2'],
  ['engines-grid', '/engines?view=grid', 'Each square is an engine'],
  ['engine', '/engines/sim-2', 'Locks that it holds'],
  ['scenario-runs', '/scenario-runs', ids.run],
  ['scenario-run', `/scenario-runs/${ids.run}`, 'Who did what when'],
  ['events', '/events', 'frame.simulate'],
  ['events-failed', '/events?status=failed&event_type=thumbnail.make', 'unsupported codec'],
  ['event-impossible', `/events/${ids.impossible}`, 'What would let it run'],
  ['event-running', `/events/${ids.running.event_id}`, 'tile 5 of 12'],
  ['event-failed', `/events/${ids.dead}`, 'Attempt 1'],
  ['event-hostile', `/events/${ids.hostile}`, '<script>'],
  ['queues', '/queues', 'billing'],
  ['queue', '/queues/billing', 'month end'],
  ['event-types', '/event-types', 'volume.render'],
  ['event-type', '/event-types/thumbnail.make', 'How attempts follow each other'],
  ['dead-letters', '/dead-letters', 'disk_full'],
  ['dead-letters-list', '/dead-letters?view=list', 'thumbnail.make'],
  ['operations', '/operations', 'clean up after the outage'],
  ['operation', `/operations/${ids.operation}`, 'What it is'],
  ['audit', '/audit', 'queue.pause'],
  ['tokens', '/tokens', TOKEN ? 'admin' : 'no token'],
  ['system', '/system', 'Where the server is'],
  ['not-found', '/events/00000000-0000-7000-8000-000000000000', 'There is no event'],
];

/** Looks at every page, and says afterwards of each that is wrong what is wrong. */
async function everyPage(look) {
  const wrong = [];
  for (const [name, path, text] of pages()) {
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
