// The dashboard behind a proxy that puts it below a path, for somebody who may only look, and while the server is away.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { after, before, test } from 'node:test';
import { launch, open, settled, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, seed } from './seed.mjs';

const PREFIX = '/tools/enginehouse';
let browser;
let proxy;
let isAway = false;
let ids;
let viewer;

before(async () => {
  ({ ids } = await seed(URL_OF_SERVER, TOKEN));
  viewer = (await client(URL_OF_SERVER, TOKEN)('POST', '/v1/tokens', { name: 'looker', role: 'viewer' })).token;
  proxy = createServer((asked, answer) => {
    if (isAway || !asked.url.startsWith(`${PREFIX}/`)) return isAway ? asked.socket.destroy() : answer.writeHead(404).end();
    const to = new URL(URL_OF_SERVER);
    const passed = request({ host: to.hostname, port: to.port, method: asked.method, path: asked.url.slice(PREFIX.length), headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise((ready) => proxy.listen(0, '127.0.0.1', ready));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  proxy?.closeAllConnections();
  proxy?.close();
});
const below = () => `http://127.0.0.1:${proxy.address().port}${PREFIX}`;

test('below a path one logs in, and every link stays there', async () => {
  const page = await open(browser, { url: below() });
  await page.goto(`${below()}/events/${ids.impossible}`);
  await page.waitForURL(/\/tools\/enginehouse\/login\?next=/);
  await page.getByLabel('Access token').fill(viewer);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(`${below()}/events/${ids.impossible}`);
  await page.getByText('no registered engine could ever run it').first().waitFor();
  await page.getByRole('link', { name: 'Engines', exact: true }).click();
  await settled(page);
  assert.equal(page.url(), `${below()}/engines`);
  const links = await page.locator('a').evaluateAll((all) => all.map((link) => link.href));
  assert.deepEqual(links.filter((link) => !link.startsWith(`${below()}/`) && !link.includes('#')), []);
  assert.ok(links.every((link) => !new URL(link).pathname.includes('//')), 'no slash is doubled');
  await page.reload();
  await settled(page);
  await sound(page, 'below a path');
  await page.context().close();
});

test('who may only look is offered nothing else, and no payload', async () => {
  const page = await open(browser);
  await page.goto(`${URL_OF_SERVER}/`);
  await page.getByLabel('Access token').fill(viewer);
  await page.getByRole('button', { name: 'Log in' }).click();
  await settled(page);
  const pages = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();
  assert.ok(pages.includes('Events') && !pages.includes('Tokens') && !pages.includes('Audit log'), pages.join());
  await page.getByText('looker').first().waitFor();
  await page.show('/engines/sim-1');
  const drain = page.getByRole('button', { name: 'Drain' });
  assert.ok(await drain.isDisabled());
  assert.match(await drain.getAttribute('title'), /viewer, has no permission engines:control/);
  await page.show(`/events/${ids.dead}`);
  await page.getByText('Your token may not read payloads.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Redrive' }).isDisabled());
  await page.show('/queues/media');
  assert.ok(await page.getByRole('button', { name: 'Pause' }).isDisabled());
  await sound(page, 'for a viewer');
  // Whatever the page shows, the server decides.
  const status = await page.evaluate(async () => (await fetch('/v1/engines/sim-1/drain', { method: 'POST' })).status);
  assert.equal(status, 403);
  // A page that one may not see says so in place.
  await page.show('/tokens');
  await page.getByRole('alert').getByText('tokens:read').first().waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Access token').waitFor();
  await page.context().close();
});

test('while the server is away, what is known stays, and it comes back by itself', async () => {
  const page = await open(browser, { url: below() });
  await page.goto(`${below()}/login?next=/engines`);
  await page.getByLabel('Access token').fill(viewer);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('sim-1').first().waitFor();
  isAway = true;
  proxy.closeAllConnections();
  await page.getByText('Reconnecting').waitFor();
  assert.ok(await page.getByText('sim-1').first().isVisible());
  isAway = false;
  await page.getByText('Live').waitFor();
  await page.getByText('The server does not answer.').waitFor({ state: 'hidden' });
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('off this machine and without TLS, texts can be copied all the same', async () => {
  const page = await open(browser);
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto(`${URL_OF_SERVER}/login?next=/events/${ids.impossible}`);
  await page.getByLabel('Access token').fill(viewer);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Copy the id' }).click();
  await page.getByText('Copied').first().waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
