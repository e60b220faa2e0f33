// The server is killed and started again on the same port and store: pages that are open go on by themselves.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, sound } from './browser.mjs';
import { start } from './program.mjs';
import { client, seed } from './seed.mjs';

/** The command that starts the server, but for where it listens. */
const COMMAND = JSON.parse(process.env.DASHBOARD_SERVER);
let server;
let browser;
let seeded;
before(async () => {
  server = await start(COMMAND, ['--listen', '127.0.0.1:0']);
  seeded = await seed(server.url);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.end();
});

/** A page that would lose its mark if it was loaded again, and that counts what it asks for. */
async function shown(path, text) {
  const page = await open(browser, { url: server.url });
  page.calls = [];
  page.on('request', (request) => page.calls.push(new URL(request.url()).pathname));
  page.many = (called) => page.calls.filter((one) => one === called).length;
  await page.show(path);
  await page.getByText(text).first().waitFor();
  await page.locator('header .state', { hasText: /Live|Polling/ }).waitFor();
  await page.evaluate(() => (window.mark = 'not loaded again'));
  return page;
}
const queued = (page) => page.locator('.tile', { hasText: 'Queued' }).locator('strong');
const queuedIs = (page, many) => page.waitForFunction((wanted) => document.querySelector('.tile strong').textContent === String(wanted), many);
const texts = (page, what) => page.locator(what).allInnerTexts();

/** Nothing stands twice in a list. */
async function nothingIsDoubled(page, what) {
  const rows = await page.locator(what).evaluateAll((all) => all.map((row) => row.querySelector('a')?.href + row.innerText));
  assert.ok(rows.length > 0);
  assert.equal(new Set(rows).size, rows.length, rows.join('\n'));
}

test('pages that are open live on when the server was killed and is started again', async () => {
  const { ids, engines } = seeded;
  const { host } = new URL(server.url);
  const overview = await shown('/', 'volume.render');
  const log = await shown(`/events/${ids.running.event_id}`, 'tile 5 of 12');
  const events = await shown('/events', 'frame.simulate');
  const pages = [overview, log, events];
  const many = Number(await queued(overview).innerText());
  const attention = await texts(overview, '.attention a');
  const rows = await texts(events, 'main tbody tr td a');
  assert.equal(overview.many('/v1/stream'), 1);

  await server.end('SIGKILL');
  for (const page of pages) await page.getByText('Reconnecting').waitFor();
  // What is known stays.
  assert.deepEqual(await texts(overview, '.attention a'), attention);
  assert.equal(await queued(overview).innerText(), String(many));
  assert.deepEqual(await texts(events, 'main tbody tr td a'), rows);

  const streams = overview.many('/v1/stream');
  const streamed = overview.waitForResponse((answer) => new URL(answer.url()).pathname === '/v1/stream' && answer.status() === 200, { timeout: 30_000 });
  server = await start(COMMAND, ['--listen', host]);
  const call = client(server.url);
  // It happens while the pages do not know yet that the server is there.
  await call('POST', '/v1/events/batch', { events: Array.from({ length: 7 }, () => ({ event_type: 'ledger.post', queue: 'billing' })) });
  const engine = client(server.url, undefined, engines['sim-2'].session);
  await engine('POST', `/v1/events/${ids.running.event_id}/extend`, { lock_token: ids.running.lock.token, visibility_timeout_seconds: 600, log: ['tile 6 of 12'] });

  for (const page of pages) {
    await page.locator('header .state', { hasText: /Live|Polling/ }).waitFor();
    await page.getByText('The server does not answer.').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => window.mark), 'not loaded again');
  }
  await queuedIs(overview, many + 7);
  await events.getByText('7 new: show').waitFor();
  await events.getByRole('button', { name: '7 new: show' }).click();
  await events.getByText('7 new: show').waitFor({ state: 'hidden' });
  await nothingIsDoubled(events, 'main tbody tr');
  await log.getByText('tile 6 of 12').first().waitFor();
  const lines = await log.getByLabel('Log of attempt 1').innerText();
  assert.equal(lines.trim(), 'loading scene alps\ntile 1 of 12\ntile 5 of 12\ntile 6 of 12');

  // The stream is back, and nothing of it is asked for any more.
  await streamed;
  assert.ok(overview.many('/v1/stream') > streams);
  await call('POST', '/v1/events', { event_type: 'ledger.post', queue: 'billing' });
  await queuedIs(overview, many + 8);
  const asked = overview.many('/v1/stats/overview');
  for (let index = 1; index <= 3; index += 1) {
    await call('POST', '/v1/events', { event_type: 'ledger.post', queue: 'billing' });
    await queuedIs(overview, many + 8 + index);
  }
  assert.equal(overview.many('/v1/stats/overview'), asked);
  // All that waited for a person does so still. What happened in the last seconds before the kill is counted by nobody.
  const now = await texts(overview, '.attention a');
  assert.deepEqual(attention.filter((one) => !now.includes(one) && !one.includes('new dead letters')), []);
  await nothingIsDoubled(overview, '.attention li');
  await nothingIsDoubled(overview, 'main tbody tr:has(a)');
  for (const page of pages) {
    await sound(page, `${page.url()} after a restart`);
    await page.context().close();
  }
});
