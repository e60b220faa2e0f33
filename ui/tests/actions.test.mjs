// What people do: each action says what it will do, to how many, and shows the command and the call; then it is done.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, settled, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, seed } from './seed.mjs';

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

/** Presses a button, looks at what is asked, and confirms it. */
async function act(button, { says, command, curl, confirm, fill = {} }) {
  await page.getByRole('button', { name: button, exact: true }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(says).first().waitFor();
  for (const [label, value] of Object.entries(fill)) await dialog.getByLabel(label, { exact: false }).fill(value);
  await dialog.getByText('The command and the call').click();
  await dialog.getByText(command).first().waitFor();
  await dialog.getByText(curl).first().waitFor();
  await sound(page, `the question of ${button}`);
  await dialog.getByRole('button', { name: confirm, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
}

test('an engine is drained, resumed, put in quarantine, and taken out of the fleet', async () => {
  await page.show('/engines/spare-1');
  await act('Drain', { says: 'gets no more events', command: 'enginehouse engine drain spare-1', curl: '/v1/engines/spare-1/drain', confirm: 'Drain' });
  await page.getByText('draining').first().waitFor();
  assert.equal((await call('GET', '/v1/engines/spare-1')).draining, true);
  await act('Resume', { says: 'gets events again', command: 'enginehouse engine resume spare-1', curl: '/v1/engines/spare-1/resume', confirm: 'Resume' });
  await act('Quarantine', { says: 'kept from new events', command: "--reason 'too hot'", curl: '/quarantine', confirm: 'Quarantine', fill: { Why: 'too hot' } });
  await page.getByText('too hot').first().waitFor();
  await act('Lift quarantine', { says: 'no longer kept', command: 'engine lift spare-1', curl: '/lift', confirm: 'Lift' });
  await act('Deregister', { says: 'taken out of the fleet', command: 'engine deregister spare-1', curl: '-X DELETE', confirm: 'Deregister' });
  await page.getByText('stopped').first().waitFor();
});

test('many engines are drained at once, and the list stays while they are chosen', async () => {
  await page.show('/engines?status=active');
  await page.getByLabel('Choose sim-1').check();
  await page.getByLabel('Choose sim-4').click({ modifiers: ['Shift'] });
  await page.getByText('Held').waitFor();
  const chosen = Number((await page.getByText(/^\d+ chosen$/).innerText()).split(' ')[0]);
  assert.ok(chosen >= 3, `${chosen}`);
  await act('Drain', { says: `${chosen} engines`, command: 'engine drain sim-1', curl: '/v1/engines/sim-1/drain', confirm: 'Drain' });
  assert.equal((await call('GET', '/v1/engines/sim-4')).status, 'draining');
  // They are not active any more, so they have left the list, and hold it no more.
  await page.locator('header .state', { hasText: 'Polling' }).waitFor();
});

test('a dead letter is edited and redriven with every digit', async () => {
  await page.show(`/events/${ids.dead}`);
  await act('Redrive', { says: '1 event is put back', command: '--priority 1', curl: '12345678901234567890', confirm: 'Redrive', fill: { Payload: '{"image":"IMG_0.png","id":12345678901234567890,"price":1.10}', Priority: '1' } });
  await page.getByText('12345678901234567890').first().waitFor();
  await page.getByText('1.10').first().waitFor();
  const event = await call('GET', `/v1/events/${ids.dead}`);
  assert.deepEqual([event.status, event.priority], ['queued', 1]);
});

test('what is no JSON is not sent, and a refusal is said in place', async () => {
  await page.show(`/events/${ids.impossible}`);
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Payload').fill('{"scene": glacier}');
  await dialog.getByText(/cannot stand in line 1, column 11/).waitFor();
  assert.ok(await dialog.getByRole('button', { name: 'Change', exact: true }).isDisabled());
  await dialog.getByLabel('Payload').fill('{}');
  await dialog.getByLabel('Priority').fill('77');
  await dialog.getByRole('button', { name: 'Change', exact: true }).click();
  await dialog.getByRole('alert').getByText('/priority', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('What would let it run').waitFor();
});

test('a queue is paused with a reason and resumed, and its policy is drawn and changed', async () => {
  await page.show('/queues/media');
  await act('Pause', { says: 'is paused', command: 'enginehouse queue pause media', curl: '/v1/queues/media/pause', confirm: 'Pause', fill: { Why: 'disk full' } });
  await page.getByText('disk full').first().waitFor();
  await act('Resume', { says: 'is resumed', command: 'enginehouse queue resume media', curl: '/v1/queues/media/resume', confirm: 'Resume' });
  await page.getByLabel('Retries', { exact: true }).fill('6');
  await page.getByLabel('First wait').fill('10');
  await page.getByText('6 retries over').waitFor();
  await act('Change…', { says: 'retries 6', command: '--max-retries 6', curl: '"max_retries":6', confirm: 'Change' });
  const set = await call('GET', '/v1/queues/media');
  assert.equal(set.retry_policy.max_retries, 6);
});

test('events are cancelled, and new ones wait until somebody wants to see them', async () => {
  await page.show('/events');
  const first = await page.locator('tbody tr').first().innerText();
  await call('POST', '/v1/events', { event_type: 'late.comer' });
  await page.getByText('1 new: show').waitFor();
  assert.equal((await page.locator('tbody tr').first().innerText()).split('\n')[0], first.split('\n')[0]);
  await page.getByRole('button', { name: '1 new: show' }).click();
  await page.getByText('late.comer').first().waitFor();
  await page.locator('tbody tr').first().getByRole('checkbox').check();
  await act('Cancel 1', { says: 'cancelled at once', command: 'enginehouse event cancel', curl: '/cancel', confirm: 'Cancel 1 event' });
  await page.getByRole('button', { name: 'Choose none' }).click();
});

test('by keys alone: from the overview to why an event waits', async () => {
  await page.show('/');
  await page.keyboard.press('g');
  await page.keyboard.press('v');
  await page.getByRole('heading', { name: 'Events' }).waitFor();
  await settled(page);
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByText('What it has been through').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'A page, or an id' }).fill(ids.impossible);
  await page.keyboard.press('Enter');
  await page.getByText('What would let it run').waitFor();
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  await sound(page, 'the keys');
  await page.keyboard.press('Escape');
  // Who does not want them switches them off.
  await page.evaluate(() => localStorage.setItem('enginehouse.keys', 'off'));
  await page.reload();
  await page.getByText('What would let it run').waitFor();
  await page.keyboard.press('?');
  assert.equal(await page.getByRole('heading', { name: 'Keys' }).count(), 0);
  await page.evaluate(() => localStorage.removeItem('enginehouse.keys'));
});

test('back and forward lead where one was, with what was chosen there', async () => {
  await page.show('/events?event_type=ledger.post');
  await page.getByRole('link', { name: /^queued/ }).click();
  await page.waitForURL(/status%3Aqueued/);
  await page.locator('tbody tr td a').first().click();
  await page.getByText('Facts').waitFor();
  await page.goBack();
  assert.match(page.url(), /\?filter=type%3Aledger\.post\+status%3Aqueued$/);
  assert.equal(await page.getByRole('combobox', { name: 'Filter' }).inputValue(), 'type:ledger.post status:queued');
  assert.deepEqual(page.faults, []);
});
