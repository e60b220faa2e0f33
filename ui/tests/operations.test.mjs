// Acting on all that match: looked at first, asked about once, done by the server, and followed on its own page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, register, seed } from './seed.mjs';

let browser;
let page;
const call = client(URL_OF_SERVER, TOKEN);
before(async () => {
  await seed(URL_OF_SERVER, TOKEN);
  browser = await launch();
  page = await open(browser);
});
after(() => browser?.close());

/** Asks what an action would be about, and answers the question. */
async function previewed(action) {
  await page.getByLabel(/^All that (match|there are)$/).first().locator('visible=true').waitFor();
  await page.getByRole('group', { name: 'All that match' }).getByRole('combobox').selectOption({ label: action });
  await page.getByRole('button', { name: 'Preview…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  return dialog;
}
const begun = async () => {
  await page.waitForURL(/\/operations\/[0-9a-f-]{36}$/);
  return new URL(page.url()).pathname.split('/').pop();
};
const ended = async (status) => page.locator('h1 + .badge', { hasText: status }).waitFor();

test('all engines of a version are drained, and the operation says what it did', async () => {
  for (const id of ['old-1', 'old-2', 'old-3']) await register(call, id, { version: '1.4.0' });
  await page.show('/engines?filter=version%3A1.4.0');
  const dialog = await previewed('drain engines');
  await dialog.getByText('Drains 3 engines: what matches version:1.4.0').waitFor();
  await dialog.getByText('old-1  simulator, active').waitFor();
  await dialog.getByLabel('Why, for the history').fill('1.4.0 loses frames');
  await dialog.getByText('The command and the call').click();
  await dialog.getByText(/"action":"drain_engines","filter":"version:1.4.0","reason":"1.4.0 loses frames"/).first().waitFor();
  await dialog.getByText("enginehouse operation create --action drain_engines --filter version:1.4.0 --reason '1.4.0 loses frames'").first().waitFor();
  await sound(page, 'the question of an operation');
  await dialog.getByRole('button', { name: 'Drain engines (3)' }).click();
  const id = await begun();
  await ended('completed');
  await page.getByText('1.4.0 loses frames').waitFor();
  assert.equal((await call('GET', `/v1/operations/${id}`)).changed, 3);
  assert.equal((await call('GET', '/v1/engines/old-2')).draining, true);
  await page.getByRole('link', { name: 'what matches now' }).click();
  await page.waitForURL(/engines\?filter=version%3A1\.4\.0/);
  await page.locator('tbody tr', { hasText: 'old-2' }).getByText('draining').waitFor();
});

test('what has moved on when it is its turn is a conflict, and listed with why', async () => {
  const ids = [];
  for (let index = 0; index < 10; index += 1) ids.push((await call('POST', '/v1/events', { event_type: 'moved.on', queue: 'moved', delay_seconds: 3600 })).event_id);
  const { operation_id } = await call('POST', '/v1/operations', { action: 'cancel_events', filter: 'queue:moved', rate_per_second: 1 });
  // The newest goes first, so there are nine seconds for the oldest to move on.
  await call('POST', `/v1/events/${ids[0]}/cancel`);
  await page.show(`/operations/${operation_id}`);
  await page.getByText('What was not changed').waitFor({ timeout: 30_000 });
  await page.locator('tbody tr', { hasText: ids[0] }).getByText('conflict').waitFor();
  await ended('completed');
  await sound(page, 'an operation with conflicts');
});

test('three dead letters of a group are redriven first, then the rest by the server at a rate', async () => {
  await page.show('/dead-letters');
  const group = page.locator('section', { hasText: 'unsupported codec' });
  await group.getByRole('link', { name: 'See them' }).click();
  await group.getByText(/^Of the 5 shown: engine .+ \d/).waitFor();
  await page.show('/dead-letters');
  await group.getByRole('button', { name: 'Try 3 first' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/^Redrives 3 dead letters/).waitFor();
  await dialog.getByRole('button', { name: 'Redrive dead letters (3)' }).click();
  await begun();
  await ended('completed');
  await page.show('/dead-letters');
  await group.getByRole('button', { name: 'Redrive 2', exact: true }).click();
  await dialog.getByLabel('How many a second').fill('10');
  await dialog.getByRole('button', { name: 'Redrive dead letters (2)' }).click();
  const id = await begun();
  await page.getByText('at most 10 a second').first().waitFor();
  await ended('completed');
  const done = await call('GET', `/v1/operations/${id}`);
  assert.deepEqual([done.changed, done.rate_per_second], [2, 10]);
});

test('an operation is cancelled on its page, which says how many had no turn', async () => {
  await call('POST', '/v1/events/batch', { events: Array.from({ length: 40 }, () => ({ event_type: 'slow.one', queue: 'slow', delay_seconds: 3600 })) });
  await page.show('/events?filter=queue%3Aslow');
  const dialog = await previewed('cancel events');
  await dialog.getByText('and 30 others').waitFor();
  await dialog.getByLabel('How many a second').fill('1');
  await dialog.getByRole('button', { name: 'Cancel events (40)' }).click();
  await begun();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await dialog.getByText('What was done stays done.').waitFor();
  await dialog.getByRole('button', { name: 'Cancel the operation' }).click();
  await ended('cancelled');
  const queued = (await call('GET', '/v1/stats')).event_types.find((one) => one.queue === 'slow').queued;
  assert.ok(queued > 30, `${queued}`);
  await page.show('/operations');
  await page.locator('tbody tr').first().getByText('cancelled').waitFor();
});

test('a thousand and more are typed before they are touched, and nothing at all cannot be confirmed', async () => {
  await call('POST', '/v1/events/batch', { events: Array.from({ length: 1000 }, () => ({ event_type: 'many.of-them', queue: 'many', delay_seconds: 3600 })) });
  await page.show('/events?filter=queue%3Amany');
  const dialog = await previewed('cancel events');
  const confirm = dialog.getByRole('button', { name: 'Cancel events (1,000)' });
  assert.ok(await confirm.isDisabled());
  await dialog.getByLabel('Type 1000 to confirm').fill('1000');
  assert.ok(await confirm.isEnabled());
  await dialog.getByLabel('How many a second').fill('-3');
  await confirm.click();
  await dialog.getByRole('alert').getByText('must be a number above 0').waitFor();
  await dialog.getByRole('button', { name: 'Leave it' }).click();
  await page.show('/events?filter=queue%3Anobody');
  const nothing = await previewed('redrive events');
  await nothing.getByText('Nothing matches').waitFor();
  assert.ok(await nothing.getByRole('button', { name: 'Redrive events (0)' }).isDisabled());
});

test('a term that an operation cannot take is refused in place', async () => {
  await page.show(`/events?filter=${encodeURIComponent('status:completed')}`);
  await page.getByRole('button', { name: 'Preview…' }).click();
  await page.getByRole('alert').getByText('cancel_events is about queued or processing events, not completed').waitFor();
  await sound(page, 'a refused preview');
});
