// A scenario run: how far and how fast it is, paused, resumed, and cancelled by an operation.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, seed } from './seed.mjs';

let browser;
let page;
let run;
const call = client(URL_OF_SERVER, TOKEN);
before(async () => {
  run = (await seed(URL_OF_SERVER, TOKEN)).ids.run;
  browser = await launch();
  page = await open(browser);
});
after(() => browser?.close());
const dialog = () => page.getByRole('dialog');
const state = (word) => page.locator('h1 + .badge', { hasText: word }).waitFor();

test('a run shows how fast it is and when it ends, in the list and on its page', async () => {
  await page.show('/scenario-runs');
  const row = page.locator('tbody tr', { hasText: run });
  await row.getByText('running').waitFor();
  await row.getByText(/a (second|minute)|an hour/).waitFor();
  await row.getByText(/^in /).waitFor();
  await page.getByRole('link', { name: run }).click();
  await page.getByText('an average of the last minutes').waitFor();
  await page.getByText('Last activity').waitFor();
  await sound(page, 'a run that is under way');
});

test('a run is paused with a reason and resumed', async () => {
  await page.show(`/scenario-runs/${run}`);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await dialog().getByText('not claimed until it is resumed').waitFor();
  await dialog().getByLabel('Why').fill('the licence server is down');
  await dialog().getByText('The command and the call').click();
  await dialog().getByText(`enginehouse run pause ${run} --reason 'the licence server is down'`).first().waitFor();
  await dialog().getByRole('button', { name: 'Pause', exact: true }).click();
  await state('paused');
  await page.getByText('the licence server is down').first().waitFor();
  await sound(page, 'a paused run');
  assert.ok((await call('GET', `/v1/scenario-runs/${run}`)).paused_at);
  await page.getByRole('button', { name: 'Resume', exact: true }).click();
  await dialog().getByRole('button', { name: 'Resume', exact: true }).click();
  await state('running');
  assert.equal((await call('GET', `/v1/scenario-runs/${run}`)).paused_at, undefined);
});

test('a run is cancelled, and the operation says what it did', async () => {
  await page.show(`/scenario-runs/${run}`);
  const left = Object.entries((await call('GET', `/v1/scenario-runs/${run}`)).events).filter(([status]) => ['queued', 'processing'].includes(status));
  const many = left.reduce((sum, [, count]) => sum + count, 0);
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await dialog().getByLabel('Take running ones from their engines at once').check();
  await dialog().getByRole('button', { name: `Cancel ${many} events` }).click();
  await page.waitForURL(/\/operations\//);
  await state('completed');
  await page.show(`/scenario-runs/${run}`);
  await page.getByText('it has ended').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Cancel', exact: true }).isDisabled());
  assert.deepEqual(page.faults, []);
});
