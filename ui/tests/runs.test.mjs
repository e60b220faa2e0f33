// A scenario run: how far and how fast it is, paused, resumed, and cancelled by an operation.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, register, seed } from './seed.mjs';

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

test('a run that has ended reads as the story that it was', async () => {
  const run = 'night-1';
  const engines = {};
  for (const id of ['first-engine', 'second-engine']) engines[id] = await register(call, id, { run });
  const work = async (id, how) => {
    const as = client(URL_OF_SERVER, TOKEN, engines[id].session);
    const { events } = await as('POST', `/v1/engines/${id}/claim`, { epoch: engines[id].epoch, limit: 1, event_types: ['night.work'] });
    await as('POST', `/v1/events/${events[0].event_id}/${how}`, { lock_token: events[0].lock.token, ...(how === 'fail' ? { error: { code: 'odd', message: 'a <b>stone</b> in the way' } } : { result: {} }) });
    return events[0].event_id;
  };
  for (let index = 0; index < 3; index += 1) await call('POST', '/v1/events', { event_type: 'night.work', queue: 'night', scenario_run_id: run, payload: { index }, retry_policy: { max_retries: 0 } });
  await work('first-engine', 'complete');
  const failed = await work('first-engine', 'fail');
  await work('second-engine', 'complete');
  await page.show(`/scenario-runs/${run}`);
  await page.locator('.story a.completed').first().waitFor();
  await call('POST', `/v1/events/${failed}/redrive`, { payload: { index: 7 } });
  await work('second-engine', 'complete');
  await page.getByText('2 engines made 4 attempts').waitFor();
  await page.getByText('failed once (a <b>stone</b> in the way).').waitFor();
  await page.getByText('was put back in its queue with another payload by').waitFor();
  await page.getByText('was completed after all.').waitFor();
  await page.getByText('Took', { exact: true }).waitFor();
  assert.deepEqual(await page.locator('.story .lane').evaluateAll((lanes) => lanes.map((lane) => [...lane.children].map((one) => one.className.split(' ')[0]))), [['completed', 'failed'], ['completed', 'completed']]);
  await sound(page, 'the story of a run');
  await page.locator('.story a.failed').click();
  await page.waitForURL(`**/events/${failed}`);
  assert.deepEqual(page.faults, []);
});
