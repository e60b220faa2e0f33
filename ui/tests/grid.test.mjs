// A large fleet: a grid by itself, all of it, drawn without much work for the browser; a table by pages for who wants one.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, picture, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, register } from './seed.mjs';

const MANY = 2000;
let browser;
const call = client(URL_OF_SERVER, TOKEN);
const name = (index) => `fleet-${String(index).padStart(4, '0')}`;
async function grow(from, to) {
  for (let begin = from; begin < to; begin += 50) {
    await Promise.all(Array.from({ length: Math.min(50, to - begin) }, (_, index) => register(call, name(begin + index), { capabilities: ['simulate'], version: (begin + index) % 10 ? '2.4.1' : '2.5.0', cpu: (begin + index) % 100 })));
  }
}
before(async () => {
  browser = await launch();
});
after(() => browser?.close());
/** What is said above the squares adds up. A build for tests takes long to look at so many, and its stream rests accordingly. */
const isDrawn = (page, many) => page.waitForFunction((wanted) => {
  const sums = [...document.querySelectorAll('main .sums strong')].map((one) => Number(one.textContent.replaceAll(',', '')));
  return sums.reduce((sum, one) => sum + one, 0) === wanted && document.querySelector('main .grid canvas').height > 20;
}, many, { timeout: 90_000 });
/** The colour of the middle of a square's upper edge, from its canvas. */
const colourOf = (page, index) => page.evaluate((index) => {
  const canvas = document.querySelector('main .grid canvas');
  const columns = Math.floor((canvas.clientWidth + 3) / 21);
  const scale = canvas.width / canvas.clientWidth;
  const [x, y] = [(index % columns) * 21 + 9, Math.floor(index / columns) * 21 + 2];
  return [...canvas.getContext('2d').getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data].join();
}, index);

test('up to 200 engines are a table, and more are a grid unless somebody wants a table', async () => {
  await grow(0, 200);
  const page = await open(browser);
  await page.show('/engines');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 200);
  await grow(200, 201);
  await isDrawn(page, 201);
  await page.getByRole('link', { name: 'Table', exact: true }).click();
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 100);
  assert.match(page.url(), /view=table/);
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.getByText(name(100)).waitFor();
  assert.equal(await page.locator('main tbody tr').count(), 100);
  await page.getByRole('link', { name: 'Grid', exact: true }).click();
  await isDrawn(page, 201);
  assert.match(page.url(), /\/engines\?view=grid$/);
  await sound(page, 'a grid');
  await page.context().close();
});

test('2,000 engines are drawn, and kept fresh', async (t) => {
  await grow(201, MANY);
  const page = await open(browser);
  await page.show('/tokens');
  // How long the main thread itself has worked, whatever else the machine does.
  const tools = await page.context().newCDPSession(page);
  await tools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const measured = async (name) => (await tools.send('Performance.getMetrics')).metrics.find((one) => one.name === name).value;
  const worked = async () => 1000 * (await measured('TaskDuration'));
  const layouts = () => measured('LayoutCount');
  const [begun, firstLayout] = [await worked(), await layouts()];
  await page.keyboard.press('g');
  await page.keyboard.press('e');
  await isDrawn(page, MANY);
  const [drawn, drawnLayouts] = [await worked(), await layouts()];
  await page.locator('header .state', { hasText: 'Live' }).waitFor();
  await page.getByText('2,000 active').waitFor();
  await picture(page, 'engines-2000');
  const idle = await colourOf(page, 10);
  assert.equal(await colourOf(page, 11), idle);
  // A tenth of the fleet changes, in as many parts as it takes.
  const [before, layoutsBefore] = [await worked(), await layouts()];
  await Promise.all(Array.from({ length: 200 }, (_, index) => call('POST', `/v1/engines/${name(index * 10)}/drain`, {})));
  await page.getByText('200 draining').waitFor({ timeout: 90_000 });
  const [updated, layoutsAfter] = [await worked(), await layouts()];
  t.diagnostic(`the main thread worked for ${Math.round(drawn - begun)} ms to read and draw them, and ${Math.round(updated - before)} ms for 200 changes`);
  assert.notEqual(await colourOf(page, 10), idle);
  assert.equal(await colourOf(page, 11), idle);
  // Whatever the machine is doing: the page is laid out a few times for all engines, and not once for each that changes.
  const [forAll, forChanges] = [drawnLayouts - firstLayout, layoutsAfter - layoutsBefore];
  assert.ok(forAll <= 40 && forChanges <= 40, `${forAll} layouts to draw them, and ${forChanges} for 200 changes`);
  await sound(page, 'a large fleet');
  await page.context().close();
});

test('an engine of the grid is reached by mouse and by keys', async () => {
  const page = await open(browser);
  await page.show('/engines');
  await isDrawn(page, MANY);
  await page.locator('main .grid').hover({ position: { x: 21 * 3 + 9, y: 9 } });
  await page.getByRole('status').getByText(`${name(3)}: active, 0 of 4 slots, cpu 3 %`).waitFor();
  await page.locator('main .grid').click({ position: { x: 21 * 3 + 9, y: 9 } });
  await page.getByRole('heading', { name: name(3) }).waitFor();
  await page.goBack();
  await isDrawn(page, MANY);
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  await page.getByRole('status').getByText(`${name(1)}: active`).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: name(1) }).waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('where no stream gets through, or with a filter, all pages are asked for', async () => {
  const page = await open(browser);
  await page.route('**/v1/stream?*', (route) => route.fulfill({ status: 503, body: '' }));
  await page.show('/engines');
  await isDrawn(page, MANY);
  await page.show('/engines?filter=version%3A2.4.1');
  await isDrawn(page, 1800);
  await page.locator('header .state', { hasText: 'Polling' }).waitFor();
  await page.show('/engines?filter=version%3A9&view=grid');
  await page.getByText('No engine is like that.').waitFor();
  // A fleet without an end is drawn as far as it says.
  const one = (await call('GET', '/v1/engines?limit=1')).items[0];
  let asked = 0;
  await page.route('**/v1/engines?*', (route) => {
    const limit = Number(new URL(route.request().url()).searchParams.get('limit'));
    asked += limit;
    return route.fulfill({ json: { items: Array.from({ length: limit }, (_, index) => ({ ...one, engine_id: `${one.engine_id}-${asked}-${index}` })), next_cursor: 'more' } });
  });
  await page.show('/engines?filter=version%3A3');
  await page.getByText('The first 5,000 engines by their ids are drawn. A filter shows others.').waitFor();
  await isDrawn(page, 5000);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
