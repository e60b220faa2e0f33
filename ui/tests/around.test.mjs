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
    // A stream has no end of its own.
    answer.on('close', () => passed.destroy());
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

/** What a page leads to, loads and sends forms to: all of it below the path, with no slash doubled. */
async function references(page) {
  const found = await page.evaluate(() => [
    ...[...document.querySelectorAll('a[href]')].map((one) => one.href),
    ...[...document.querySelectorAll('form')].map((one) => one.action),
    ...performance.getEntriesByType('resource').map((one) => one.name),
  ]);
  // Documents name servers of others, and one that their reader has started.
  const own = found.map((one) => one.split('#')[0]).filter((one) => new URL(one).origin === new URL(below()).origin);
  assert.deepEqual(own.filter((one) => !one.startsWith(`${below()}/`) || new URL(one).pathname.includes('//')), [], page.url());
  return own;
}

test('all that the dashboard and the documents refer to is below the path', async () => {
  const page = await open(browser, { url: below() });
  await page.goto(`${below()}/login?next=/`);
  await page.getByLabel('Access token').fill(TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(`${below()}/`);
  await settled(page);
  const all = new Set();
  const sections = await page.getByRole('navigation', { name: 'Pages' })
    .getByRole('link').evaluateAll((links) => links.filter((link) => !link.hasAttribute('data-load')).map((link) => link.href));
  assert.ok(sections.length >= 10, sections.join());
  const things = ['engines/sim-1', `events/${ids.dead}`, `scenario-runs/${ids.run}`, 'queues/media', 'event-types/thumbnail.make', `operations/${ids.operation}`, 'system/nothing'];
  for (const address of [...sections, ...things.map((thing) => `${below()}/${thing}`), `${below()}/login`]) {
    await page.goto(address);
    if (!address.endsWith('/login')) await settled(page);
    for (const one of await references(page)) all.add(one);
  }
  // A problem leads to its page.
  await page.route('**/v1/audit?*', (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', json: { type: '/problems/overloaded', title: 'Overloaded', status: 503, detail: 'too many requests at once', code: 'overloaded' } }));
  await page.goto(`${below()}/audit`);
  await page.getByRole('link', { name: 'What to do about overloaded' }).click();
  await page.waitForURL(`${below()}/docs/problems/overloaded.html`);
  for (const path of ['docs/', 'docs/security.html', 'docs/adr/index.html', 'docs/problems/lock_lost.html']) {
    await page.goto(`${below()}/${path}`);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
    await page.getByRole('link', { name: 'root', exact: true }).waitFor();
    for (const one of await references(page)) all.add(one);
  }
  // Every address answers, and wherever it leads it stays below the path.
  const wrong = [];
  for (const one of all) {
    const answer = one.endsWith('/logout') ? null : await page.request.get(one, { headers: { Accept: 'text/html' } });
    if (answer && (answer.status() >= 400 || !answer.url().startsWith(`${below()}/`))) wrong.push(`${one}: ${answer.status()} ${answer.url()}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(all.size > 100, `${all.size}`);
  for (const [path, to] of [['docs', 'docs/'], ['docs/api', 'docs/api/'], ['problems', 'docs/problems/'], ['problems/lock_lost', 'docs/problems/lock_lost.html']]) {
    const answer = await page.request.get(`${below()}/${path}`, { headers: { Accept: 'text/html' } });
    assert.deepEqual([answer.status(), answer.url()], [200, `${below()}/${to}`]);
  }
  // The calls are shown, from the description that is below the path.
  await page.goto(`${below()}/docs/`);
  await page.getByRole('link', { name: 'API reference' }).click();
  await page.waitForURL(`${below()}/docs/api/`);
  await page.locator('.opblock').first().waitFor({ timeout: 30_000 });
  await references(page);
  // Out by the bar of the documents, and back to what one wanted to see.
  await page.goto(`${below()}/docs/security.html`);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL(`${below()}/login`);
  await page.goto(`${below()}/docs/security.html`);
  await page.getByRole('link', { name: 'Log in', exact: true }).click();
  await page.waitForURL(`${below()}/login`);
  await page.goto(`${below()}/v1/whoami`);
  await page.waitForURL(`${below()}/login?next=%2Fv1%2Fwhoami`);
  await page.getByLabel('Access token').fill(viewer);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(`${below()}/v1/whoami`);
  assert.deepEqual(page.faults, []);
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
  await page.locator('header .state', { hasText: 'Live' }).waitFor();
  // The stream goes on behind what was seen: what changes from then on is a part of the list, not all of it.
  const rows = await page.locator('main tbody tr').count();
  await client(URL_OF_SERVER, TOKEN)('POST', '/v1/engines/spare-1/drain', {});
  await page.locator('main tbody tr', { hasText: 'spare-1' }).getByText('draining').waitFor();
  assert.ok(rows >= 8);
  assert.equal(await page.locator('main tbody tr').count(), rows);
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
