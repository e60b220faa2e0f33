// What the server sends by itself: shown as it comes, asked for where no stream gets through, and not followed while nobody looks.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, settled, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, register, seed } from './seed.mjs';

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
  await page.waitForFunction(() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/v1/stats/minutes')).length >= 1);
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

test('lists are sent, and asked for once at most', async () => {
  for (const [path, of, change, seen] of [
    ['/engines', '/v1/engines', () => register(call, 'late-engine'), 'late-engine'],
    ['/queues', '/v1/stats', () => call('POST', '/v1/events', { event_type: 'late.comer', queue: 'late-queue' }), 'late-queue'],
    ['/event-types', '/v1/stats', () => call('POST', '/v1/events', { event_type: 'later.comer', queue: 'late-queue' }), 'later.comer'],
    ['/scenario-runs', '/v1/scenario-runs', () => call('POST', '/v1/events', { event_type: 'ledger.post', queue: 'billing', scenario_run_id: 'late-run' }), 'late-run'],
  ]) {
    const page = await counted();
    await page.show(path);
    await page.locator('header .state', { hasText: 'Live' }).waitFor();
    await page.waitForFunction(() => document.querySelector('main tbody tr'));
    const before = page.many(of);
    await change();
    await page.locator('main tbody a', { hasText: seen }).first().waitFor();
    assert.ok(before <= 1 && page.many(of) === before, `${path}: ${before} and ${page.many(of)} calls`);
    assert.equal(page.many('/v1/stream'), 1, path);
    await sound(page, `${path} that is sent`);
    await page.context().close();
  }
});

test('rows that are chosen stay as they are, and what came meanwhile is shown afterwards', async () => {
  const page = await counted();
  const statusOf = (id) => page.locator('tbody tr', { hasText: id }).locator('.badge').first();
  await page.show('/engines');
  await page.locator('header .state', { hasText: 'Live' }).waitFor();
  await page.getByLabel('Choose sim-1').check();
  await page.locator('header .state', { hasText: 'Held' }).waitFor();
  await call('POST', '/v1/engines/batch-1/drain', {});
  await page.getByText('1 row has changed meanwhile').waitFor();
  assert.equal(await statusOf('batch-1').innerText(), 'active');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await statusOf('batch-1').getByText('draining').waitFor();
  assert.ok(await page.getByLabel('Choose sim-1').isChecked());
  // It is held again once what somebody wanted to see has been shown.
  await page.locator('header .state', { hasText: 'Held' }).waitFor();
  await call('POST', '/v1/engines/batch-1/resume', {});
  await page.getByText('1 row has changed meanwhile').waitFor();
  assert.equal(await statusOf('batch-1').innerText(), 'draining');
  await page.getByRole('button', { name: 'Choose none' }).click();
  await statusOf('batch-1').getByText('active').waitFor();
  assert.equal(page.many('/v1/engines'), 1);
  await sound(page, 'a list that was held');
  await page.context().close();
});

test('what is narrowed, and later pages, are asked for', async () => {
  const page = await counted();
  await page.show('/engines?filter=status%3Aactive');
  await page.locator('header .state', { hasText: 'Polling' }).waitFor();
  await page.waitForFunction(() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/v1/engines')).length >= 2);
  assert.equal(page.many('/v1/stream'), 0);
  await page.getByRole('link', { name: 'all', exact: true }).click();
  await page.locator('header .state', { hasText: 'Live' }).waitFor();
  assert.equal(page.many('/v1/stream'), 1);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('an event is sent with every digit, and not while the page is hidden', async () => {
  const page = await counted();
  const { event_id: id } = await call('POST', '/v1/events', '{"event_type":"ledger.post","queue":"billing","payload":{"account":12345678901234567890,"amount":1.10}}');
  await page.show(`/events/${id}`);
  await page.locator('header .state', { hasText: 'Live' }).waitFor();
  const before = page.many(`/v1/events/${id}`);
  await call('PATCH', `/v1/events/${id}`, '{"priority":1,"payload":{"account":98765432109876543210,"amount":2.50}}');
  await page.getByText('98765432109876543210').first().waitFor();
  await page.getByText('2.50').first().waitFor();
  await page.getByText('priority 1').first().waitFor();
  assert.ok(before <= 1 && page.many(`/v1/events/${id}`) === before, `${before} and ${page.many(`/v1/events/${id}`)} calls`);
  const hide = (is) => page.evaluate((is) => {
    Object.defineProperty(document, 'hidden', { value: is, configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, is);
  await hide(true);
  await call('PATCH', `/v1/events/${id}`, '{"priority":2}');
  const opened = page.waitForRequest(/\/v1\/stream/);
  await hide(false);
  await opened;
  await page.getByText('priority 2').first().waitFor();
  assert.equal(page.many('/v1/stream'), 2);
  await sound(page, 'an event that is sent');
  await page.context().close();
});
