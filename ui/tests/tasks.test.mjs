// Five tasks of people who run a fleet, by mouse and by keys alone. Each step is one click, one key or one text that is typed; their
// numbers are printed, and may not grow.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, settled, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { client, register, seed } from './seed.mjs';

let browser;
let ids;
const call = client(URL_OF_SERVER, TOKEN);
before(async () => {
  ({ ids } = await seed(URL_OF_SERVER, TOKEN));
  for (let index = 0; index < 12; index += 1) await call('POST', '/v1/events', { event_type: 'broken.thing', queue: 'broken', retry_policy: { max_retries: 0 } });
  const { engine, claim } = await breaker('breaker-1');
  for (const event of await claim(['broken.thing'], 12)) await engine('POST', `/v1/events/${event.event_id}/fail`, { lock_token: event.lock.token, error: { code: 'gone', message: 'the share is gone' } });
  browser = await launch();
});
after(() => browser?.close());

/** An engine that claims and settles by hand. */
async function breaker(id) {
  const { session, engine_id, epoch } = await register(call, id, { slots: 20 });
  const engine = client(URL_OF_SERVER, TOKEN, session);
  const claim = async (event_types, limit) => (await engine('POST', `/v1/engines/${engine_id}/claim`, { epoch, limit, event_types })).events;
  return { engine, claim };
}

/** What a person does, counted. */
function hands(page) {
  let steps = 0;
  const step = async (act) => {
    steps += 1;
    await act();
  };
  return {
    click: (what) => step(() => what.click()),
    choose: (what, label) => step(() => what.selectOption({ label })),
    press: (...keys) => keys.reduce((before, key) => before.then(() => step(() => page.keyboard.press(key))), Promise.resolve()),
    type: (text) => step(() => page.keyboard.type(text)),
    get steps() {
      return steps;
    },
  };
}

/** Does a task on a new page, at most in so many steps. */
async function task(t, name, most, act) {
  const page = await open(browser);
  await page.show('/');
  const hand = hands(page);
  await act(page, hand);
  t.diagnostic(`${name}: ${hand.steps} steps`);
  console.log(`steps: ${hand.steps} ${name}`);
  assert.ok(hand.steps <= most, `${name}: ${hand.steps} steps, ${most} at most`);
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

/** Presses Tab until this has the focus: one step each. */
async function tabTo(page, hand, what, key = 'Tab', most = 25) {
  // What is not there yet, or not enabled yet, is passed over.
  await what.click({ trial: true });
  for (let pressed = 0; pressed < most; pressed += 1) {
    if (await what.evaluate((one) => one === document.activeElement)) return;
    await hand.press(key);
  }
  assert.fail(`${key} does not lead there`);
}
const asked = (page) => page.getByRole('dialog');
const begun = (page) => page.waitForURL(/\/operations\/[0-9a-f-]{36}$/);
const completed = (page) => page.locator('h1 + .badge', { hasText: 'completed' }).waitFor();

test('find why an event waits', async (t) => {
  await task(t, 'why an event waits, by mouse', 1, async (page, hand) => {
    await hand.click(page.locator('.attention a', { hasText: 'volume.render' }).first());
    await page.getByText('What would let it run').waitFor();
  });
  await task(t, 'why an event waits, by keys', 3, async (page, hand) => {
    await hand.press('Control+k');
    await hand.type(ids.impossible);
    await hand.press('Enter');
    await page.getByText('What would let it run').waitFor();
  });
});

test('drain all engines of a version', async (t) => {
  for (const id of ['old-1', 'old-2']) await register(call, id, { version: '1.4.0' });
  await task(t, 'drain a version, by mouse', 5, async (page, hand) => {
    await hand.click(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Engines', exact: true }));
    await settled(page);
    await hand.click(page.getByRole('combobox', { name: 'Filter' }));
    await hand.type('version:1.4.0\n');
    await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 2);
    await hand.click(page.getByRole('button', { name: 'Preview…' }));
    await hand.click(asked(page).getByRole('button', { name: 'Drain engines (2)' }));
    await begun(page);
    await completed(page);
  });
  assert.equal((await call('GET', '/v1/engines/old-1')).draining, true);
  for (const id of ['old-1', 'old-2']) await call('POST', `/v1/engines/${id}/resume`);
  await task(t, 'drain a version, by keys', 11, async (page, hand) => {
    await hand.press('g', 'e');
    await page.getByRole('heading', { name: 'Engines' }).waitFor();
    await settled(page);
    await hand.press('/');
    await hand.type('version:1.4.0\n');
    await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 2);
    // What is done with all that match stands before the filter.
    await tabTo(page, hand, page.getByRole('button', { name: 'Preview…' }), 'Shift+Tab');
    await hand.press('Enter');
    await asked(page).getByText('Drains 2 engines').waitFor();
    await hand.press('Enter');
    await begun(page);
    await completed(page);
  });
});

test('redrive one group of dead letters at 10 a second', async (t) => {
  const group = (page) => page.locator('section', { hasText: 'the share is gone' });
  await task(t, 'redrive a group, by mouse', 5, async (page, hand) => {
    await hand.click(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Dead letters', exact: true }));
    await hand.click(group(page).getByRole('button', { name: 'Try 3 first' }));
    await hand.click(asked(page).getByLabel('How many a second'));
    await hand.type('10');
    await hand.click(asked(page).getByRole('button', { name: 'Redrive dead letters (3)' }));
    await begun(page);
    await completed(page);
  });
  await task(t, 'redrive a group, by keys', 9, async (page, hand) => {
    await hand.press('g', 'd');
    await group(page).waitFor();
    for (let row = 0; row < 6 && !(await group(page).locator('h2 a').evaluate((one) => one === document.activeElement)); row += 1) await hand.press('j');
    await tabTo(page, hand, group(page).getByRole('button', { name: /^Redrive/ }));
    await hand.press('Enter');
    await asked(page).getByLabel('How many a second').waitFor();
    await tabTo(page, hand, asked(page).getByLabel('How many a second'));
    await hand.type('10\n');
    await begun(page);
    await completed(page);
  });
});

test('find the slowest event type of the last hour', async (t) => {
  // A beginning in the past cannot be told to the server, so the slow one is slow.
  const { engine, claim } = await breaker('slow-1');
  await call('POST', '/v1/events', { event_type: 'slow.work', queue: 'slow' });
  const [event] = await claim(['slow.work'], 1);
  const claimed = Date.parse(event.lock.claimed_at);
  while (Date.now() - claimed < 1500) await call('GET', '/v1/whoami');
  await engine('POST', `/v1/events/${event.event_id}/complete`, { lock_token: event.lock.token });
  const slowest = (page) => page.waitForFunction(() => document.querySelector('main tbody tr a')?.textContent === 'slow.work');
  await task(t, 'slowest event type, by mouse', 2, async (page, hand) => {
    await hand.click(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Event types', exact: true }));
    await hand.click(page.getByRole('link', { name: 'Took' }));
    await slowest(page);
  });
  await task(t, 'slowest event type, by keys', 5, async (page, hand) => {
    await hand.press('g', 't');
    await page.locator('main tbody tr').first().waitFor();
    await tabTo(page, hand, page.getByRole('link', { name: 'Took' }));
    await hand.press('Enter');
    await slowest(page);
  });
});

test('cancel a run', async (t) => {
  for (const run of ['wrong-film-1', 'wrong-film-2']) for (let index = 0; index < 3; index += 1) await call('POST', '/v1/events', { event_type: 'run.step', scenario_run_id: run });
  await task(t, 'cancel a run, by mouse', 4, async (page, hand) => {
    await hand.click(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Scenario runs', exact: true }));
    await hand.click(page.getByRole('link', { name: 'wrong-film-1' }));
    await hand.click(page.getByRole('button', { name: 'Cancel', exact: true }));
    await hand.click(asked(page).getByRole('button', { name: 'Cancel 3 events' }));
    await begun(page);
    await completed(page);
  });
  assert.equal((await call('GET', '/v1/scenario-runs/wrong-film-1')).events.cancelled, 3);
  await task(t, 'cancel a run, by keys', 10, async (page, hand) => {
    await hand.press('g', 'r');
    await page.getByRole('link', { name: 'wrong-film-2' }).waitFor();
    for (let row = 0; row < 5 && !(await page.getByRole('link', { name: 'wrong-film-2' }).evaluate((one) => one === document.activeElement)); row += 1) await hand.press('j');
    await hand.press('Enter');
    await page.getByRole('heading', { name: 'wrong-film-2' }).waitFor();
    await tabTo(page, hand, page.getByRole('button', { name: 'Cancel', exact: true }));
    await hand.press('Enter');
    await asked(page).getByText('cancelled, and').waitFor();
    await hand.press('Enter');
    await begun(page);
    await completed(page);
  });
  assert.equal((await call('GET', '/v1/scenario-runs/wrong-film-2')).events.cancelled, 3);
});
