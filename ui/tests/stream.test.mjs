// What the server sends by itself: shown as it comes, asked for where no stream gets through, and not followed while nobody looks.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, settled, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, seed } from './seed.mjs';

let browser;
const call = client(URL_OF_SERVER, TOKEN);
before(async () => {
  await seed(URL_OF_SERVER, TOKEN);
  browser = await launch();
});
after(() => browser?.close());

/** A page that counts its calls of a path. */
async function counted() {
  const page = await open(browser);
  page.calls = [];
  page.on('request', (request) => page.calls.push(new URL(request.url()).pathname));
  page.many = (path) => page.calls.filter((one) => one === path).length;
  return page;
}
const queued = (page) => page.locator('.tile', { hasText: 'Queued' }).locator('strong');

test('the overview is sent by one stream, and asks for nothing of it again', async () => {
  const page = await counted();
  await page.show('/');
  await page.getByText('volume.render').first().waitFor();
  await page.waitForFunction(() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/v1/stats/minutes')).length >= 3);
  const before = page.many('/v1/stats/overview');
  const many = Number(await queued(page).innerText());
  await call('POST', '/v1/events/batch', { events: Array.from({ length: 7 }, () => ({ event_type: 'ledger.post', queue: 'billing' })) });
  await page.waitForFunction((wanted) => document.querySelector('.tile strong').textContent === String(wanted), many + 7);
  assert.equal(page.many('/v1/stats/overview'), before);
  assert.ok(before <= 1, `${before} calls beside the stream`);
  assert.equal(page.many('/v1/stream'), 1);
  await sound(page, 'an overview that is sent');
  await page.context().close();
});

test('idle engines that are lost are told of together, with the list of them', async () => {
  const page = await open(browser);
  const lost = (index, count) => ({ kind: 'engine_lost', summary: `engine gone-${index} is lost`, count, since: '2026-11-01T00:00:00.000Z', queue: null, event_type: null, engine_id: `gone-${index}`, event_id: null });
  const overview = await call('GET', '/v1/stats/overview');
  await page.route('**/v1/stream?*', (route) => route.fulfill({ status: 503, body: '' }));
  await page.route('**/v1/stats/overview', (route) => route.fulfill({ json: { ...overview, attention: [lost(0, 2), ...[1, 2, 3, 4, 5].map((index) => lost(index, 0)), ...overview.attention] } }));
  await page.show('/');
  await page.getByText('engine gone-0 is lost').waitFor();
  assert.equal(await page.getByText('gone-1').count(), 0);
  await page.getByRole('link', { name: '5 engines are lost, and hold nothing any more' }).click();
  await page.waitForURL(/engines\?filter=status%3Alost/);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('where no stream gets through, it is asked for', async () => {
  const page = await counted();
  await page.route('**/v1/stream?*', (route) => route.fulfill({ status: 503, body: '' }));
  await page.show('/');
  const many = Number(await queued(page).innerText());
  await call('POST', '/v1/events', { event_type: 'ledger.post', queue: 'billing' });
  await page.waitForFunction((wanted) => document.querySelector('.tile strong').textContent === String(wanted), many + 1);
  assert.ok(page.many('/v1/stats/overview') >= 2);
  assert.equal(page.many('/v1/stream'), 1);
  await page.context().close();
});

test('who has chosen a slower refresh has no stream, and leaving the page ends it', async () => {
  const page = await counted();
  await page.show('/');
  await page.waitForFunction(() => document.querySelector('.tile strong'));
  await page.getByLabel('Refresh').selectOption('10');
  await page.reload();
  await settled(page);
  await page.getByText('volume.render').first().waitFor();
  assert.equal(page.many('/v1/stream'), 1);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
