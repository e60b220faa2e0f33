// All that matches as a file of JSON lines: page by page, with every digit, as far as a browser can hold it, unless somebody cancels it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, open, picture, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, seed } from './seed.mjs';

const MANY = 450;
const EXACT = '{"account":98765432109876543210,"amount":2.50,"10":"ten","2":"a \\"quoted\\" ]}, text"}';
let browser;
let page;
const call = client(URL_OF_SERVER, TOKEN);
before(async () => {
  await seed(URL_OF_SERVER, TOKEN);
  const events = Array.from({ length: MANY }, () => `{"event_type":"exact.one","queue":"exported","payload":${EXACT}}`);
  await call('POST', '/v1/events/batch', `{"events":[${events.join(',')}]}`);
  browser = await launch();
  page = await open(browser);
});
after(() => browser?.close());
const summary = () => page.getByText('Download as JSON lines');
const button = () => page.getByRole('button', { name: 'Download', exact: true });

/** Downloads what a page shows, and answers the name and the lines of the file. */
async function downloaded(path) {
  await page.show(path);
  await summary().click();
  const [file] = await Promise.all([page.waitForEvent('download'), button().click()]);
  const lines = (await readFile(await file.path(), 'utf8')).split('\n');
  assert.equal(lines.pop(), '', 'each line has an end');
  return { name: file.suggestedFilename(), lines };
}

test('all pages of what a filter leaves are written, each line as the server sent it', async () => {
  const { name, lines } = await downloaded('/events?filter=type%3Aexact.one');
  assert.match(name, /^enginehouse-events-type-exact\.one-\d{8}T\d{6}Z\.jsonl$/);
  assert.equal(lines.length, MANY);
  assert.equal(new Set(lines.map((line) => JSON.parse(line).event_id)).size, MANY);
  for (const line of lines) assert.ok(line.includes(`"payload":${EXACT}`), line);
  await page.getByText(`${MANY} lines written.`).waitFor();
  await page.getByText(/enginehouse event list --filter type:exact.one --all -o jsonl/).waitFor();
  await picture(page, 'events-download');
  await sound(page, 'a download');
});

test('engines, dead letters and the audit log can be downloaded, too', async () => {
  for (const [path, what, field, most] of [['/engines', 'engines', 'engine_id', 8], ['/dead-letters', 'dead-letters', 'event_id', 8], ['/dead-letters?filter=error_code%3Adisk_full', 'dead-letters-error_code-disk_full', 'event_id', 2], ['/audit?action=queue', 'audit-queue', 'action', 1]]) {
    const { name, lines } = await downloaded(path);
    assert.ok(name.startsWith(`enginehouse-${what}-2`), name);
    assert.equal(lines.length, most, path);
    for (const line of lines) assert.ok(JSON.parse(line)[field], line);
  }
  await page.getByText('enginehouse audit list --action queue --all -o jsonl').waitFor();
  assert.deepEqual(page.faults, []);
});

test('a download is cancelled, and one that is refused says why', async () => {
  let files = 0;
  page.on('download', () => (files += 1));
  await page.show('/events?filter=type%3Aexact.one');
  let goOn;
  const held = new Promise((resolve) => (goOn = resolve));
  await page.route(/\/v1\/events\?.*cursor=/, async (route) => {
    await held;
    await route.abort().catch(() => {});
  });
  await summary().click();
  await button().click();
  await page.getByText('200 lines read…').waitFor();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByText('The download was cancelled after 200 lines. Nothing was written.').waitFor();
  goOn();
  await page.unroute(/\/v1\/events\?.*cursor=/);
  await page.route(/\/v1\/events\?.*cursor=/, (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"detail":"the store is away","code":"unavailable","status":503}' }));
  await button().click();
  await page.getByRole('alert').getByText('the store is away').first().waitFor();
  await page.unroute(/\/v1\/events\?.*cursor=/);
  assert.equal(files, 0);
  assert.deepEqual(page.faults, []);
});

test('a file has an end where a list has none, and it is said', async () => {
  await page.show('/events');
  await page.route(/\/v1\/events\?.*limit=(200|[3-9]\d\d|1000)/, (route) => {
    const limit = Number(new URL(route.request().url()).searchParams.get('limit'));
    return route.fulfill({ contentType: 'application/json', body: `{"items":[${Array.from({ length: limit }, (_, index) => `{"n":${index}}`).join(',')}],"next_cursor":"more"}` });
  });
  await summary().click();
  const [file] = await Promise.all([page.waitForEvent('download', { timeout: 60_000 }), button().click()]);
  assert.equal((await readFile(await file.path(), 'utf8')).split('\n').length, 100_001);
  await page.getByText('100,000 lines written. There is more: a file has 100,000 lines or 256 MiB at most.').waitFor();
  assert.deepEqual(page.faults, []);
});
