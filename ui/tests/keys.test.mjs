// By keys alone: every list is gone through, chosen from and acted on; and what is not there, or comes late, leaves no page broken.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, settled, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, register, seed } from './seed.mjs';

let browser;
let page;
let ids;
const call = client(URL_OF_SERVER, TOKEN);
before(async () => {
  ({ ids } = await seed(URL_OF_SERVER, TOKEN));
  browser = await launch();
  page = await open(browser);
});
after(() => browser?.close());
const press = async (...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

test('j and k go from row to row, and Enter opens one, in every list', async () => {
  for (const [path, rows, opens] of [
    ['/engines', 'tbody tr', /\/engines\/.+/],
    ['/events', 'tbody tr', /\/events\/.+/],
    ['/scenario-runs', 'tbody tr', /\/scenario-runs\/.+/],
    ['/queues', 'tbody tr', /\/queues\/.+/],
    ['/event-types', 'tbody tr', /\/event-types\/.+/],
    ['/operations', 'tbody tr', /\/operations\/.+/],
    ['/dead-letters?view=list', 'tbody tr', /\/events\/.+/],
    ['/dead-letters', '[data-row]', /\/event-types\/.+/],
  ]) {
    await page.show(path);
    const many = await page.locator(`main ${rows}`).count();
    const row = () => page.evaluate((rows) => [...document.querySelectorAll(`main ${rows}`)].indexOf(document.activeElement.closest(rows)), rows);
    await press('j');
    assert.equal(await row(), 0, path);
    await press('j');
    assert.equal(await row(), Math.min(1, many - 1), path);
    for (let index = 0; index < many; index += 1) await press('j');
    assert.equal(await row(), many - 1, `${path}: the last stays the last`);
    for (let index = 0; index < many; index += 1) await press('k');
    assert.equal(await row(), 0, path);
    await press('Enter');
    await page.waitForURL(opens);
  }
  assert.deepEqual(page.faults, []);
});

test('x chooses a row, and Shift x all up to it; R asks whether to retry them', async () => {
  await page.show('/events?filter=type%3Aledger.post');
  await press('j', 'x', 'j', 'j', 'X');
  await page.getByText('3 chosen').waitFor();
  await press('R');
  await page.getByRole('dialog').getByRole('heading', { name: 'Retry 3 events now' }).waitFor();
  await press('Escape', 'k', 'x');
  await page.getByText('2 chosen').waitFor();
  await sound(page, 'rows that were chosen by keys');
  // Where nothing is chosen, it is the row in which the focus is, or what the page is about.
  await page.show('/dead-letters?view=list');
  await press('j', 'j');
  const id = await page.evaluate(() => document.activeElement.title);
  await press('R');
  await page.getByRole('dialog').getByRole('heading', { name: `Redrive event ${id}` }).waitFor();
  await press('Escape');
  await page.show(`/events/${ids.dead}`);
  await press('R');
  await page.getByRole('dialog').getByRole('heading', { name: `Redrive event ${ids.dead}` }).waitFor();
  await press('Escape');
  assert.deepEqual(page.faults, []);
});

test('p pauses, r refreshes, t changes the colours, and keys that are pressed alone can be switched off', async () => {
  await page.show('/events');
  const state = (word) => page.locator('header .state', { hasText: word }).waitFor();
  await press('p');
  await state('Paused');
  const asked = page.waitForRequest(/\/v1\/events\?/);
  await press('r');
  await asked;
  await press('p');
  await state('Polling');
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await press('t');
  assert.equal(await theme(), 'dark');
  await press('t');
  assert.equal(await theme(), 'light');
  await press('?');
  const help = page.getByRole('dialog');
  for (const what of ['Open the row', 'Choose all rows from the last one to this', 'Pause the refresh, or go on', 'Light or dark']) await help.getByText(what).waitFor();
  await help.getByLabel('Listen for keys that are pressed alone').uncheck();
  await help.getByRole('button', { name: 'Close' }).click();
  await press('p', 't', 'j', '?');
  await state('Polling');
  assert.equal(await theme(), 'light');
  assert.equal(await page.getByRole('dialog').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.closest('tr')), null);
  // With Ctrl it is no key that is pressed alone.
  await press('Control+k');
  await page.getByRole('combobox', { name: 'A page, or an id' }).waitFor();
  await press('Escape');
  await page.evaluate(() => localStorage.clear());
  assert.deepEqual(page.faults, []);
});

test('what is not there says so, whatever it is', async () => {
  for (const path of ['/engines/nobody', '/scenario-runs/nothing', '/events/00000000-0000-7000-8000-000000000000', '/operations/00000000-0000-7000-8000-000000000000']) {
    await page.show(path);
    await page.getByRole('heading', { name: /^There is no / }).waitFor();
    await page.getByRole('link', { name: 'See all' }).click();
    await settled(page);
    assert.equal(new URL(page.url()).pathname, `/${path.split('/')[1]}`);
  }
  for (const path of ['/events/no-id', '/engines/%2F..%2F', '/queues/%20']) {
    await page.goto(`${URL_OF_SERVER}${path}`);
    await page.getByRole('alert').or(page.getByRole('heading', { name: /^There is no / })).first().waitFor();
  }
  assert.deepEqual(page.faults, []);
});

test('names with dots and colons lead where they should', async () => {
  const name = 'rack:1.node..2-a_b';
  await register(call, name, { run: name });
  await call('POST', '/v1/events', { event_type: name, queue: name, scenario_run_id: name });
  for (const section of ['engines', 'queues', 'event-types', 'scenario-runs']) {
    await page.show(`/${section}`);
    await page.locator('tbody').getByRole('link', { name, exact: true }).first().click();
    await page.getByRole('heading', { name, exact: true }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name, exact: true }).waitFor();
  }
  await page.show(`/scenario-runs/${name}`);
  await page.getByRole('link', { name: '1 queued' }).click();
  await page.locator('tbody tr', { hasText: name }).waitFor();
  assert.deepEqual(page.faults, []);
});

test('an answer that comes late changes nothing of what was asked for since', async () => {
  await page.show('/events');
  let answerLate;
  const late = new Promise((resolve) => (answerLate = resolve));
  await page.route(/\/v1\/events\?.*filter=type%3Athumbnail/, async (route) => {
    await late;
    await route.continue().catch(() => {});
  });
  const line = page.getByRole('combobox', { name: 'Filter' });
  await line.fill('type:thumbnail.make');
  await line.press('Enter');
  await page.waitForURL(/thumbnail/);
  await line.fill('type:ledger.post');
  await line.press('Enter');
  await page.waitForURL(/ledger/);
  await page.locator('tbody tr', { hasText: 'ledger.post' }).first().waitFor();
  answerLate();
  await page.waitForResponse(/\/v1\/events\?.*ledger/);
  assert.equal(await page.locator('tbody tr', { hasText: 'thumbnail.make' }).count(), 0);
  assert.match(page.url(), /ledger/);
  assert.deepEqual(page.faults, []);
});
