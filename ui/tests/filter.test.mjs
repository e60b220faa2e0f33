// Lists narrowed by one line of text: what it suggests, its chips, where it is wrong, and the address that holds it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, settled, sound, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { HOSTILE, seed } from './seed.mjs';

let browser;
let page;
before(async () => {
  await seed(URL_OF_SERVER, TOKEN);
  browser = await launch();
  page = await open(browser);
});
after(() => browser?.close());
const line = () => page.getByRole('combobox', { name: 'Filter' });
const chips = () => page.getByRole('list', { name: 'Terms of the filter' }).getByRole('listitem');
const filterOfAddress = () => new URL(page.url()).searchParams.get('filter');

test('a filter is written with what it suggests, by keys alone', async () => {
  await page.show('/events');
  await page.keyboard.press('/');
  await page.keyboard.type('ty');
  await page.getByRole('option', { name: 'type:', exact: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.type('ledg');
  await page.getByRole('option', { name: 'type:ledger.post' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await sound(page, 'suggestions');
  await page.keyboard.press('Enter');
  await page.keyboard.type('priority:2');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 1);
  assert.equal(filterOfAddress(), 'type:ledger.post priority:2');
});

test('a chip is removed, tabs write into the same line, and the address holds it', async () => {
  await page.show(`/events?filter=${encodeURIComponent('type:ledger.post priority:2')}`);
  await page.getByRole('button', { name: 'Remove priority:2' }).click();
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length > 1);
  assert.equal(filterOfAddress(), 'type:ledger.post');
  await page.getByRole('navigation', { name: 'By status' }).getByRole('link', { name: /^queued/ }).click();
  await page.waitForURL(/status/);
  assert.deepEqual((await chips().allInnerTexts()).map((text) => text.split(/\s×/)[0]), ['type:ledger.post', 'status:queued', 'Remove all']);
  await page.reload();
  await settled(page);
  assert.equal(await line().inputValue(), 'type:ledger.post status:queued');
  await page.getByRole('button', { name: 'Remove all' }).click();
  await page.waitForURL(/\/events$/);
});

test('what is wrong is said below where it is wrong', async () => {
  for (const [path, filter, word, column] of [
    ['/events', 'queue:media stauts:failed', 'did you mean status', 13],
    ['/engines', 'versoin:1', 'did you mean version', 1],
    ['/dead-letters', 'queue:media age:>5parsecs', 'age:>5parsecs', 17],
  ]) {
    await page.show(path);
    await line().fill(filter);
    await line().press('Enter');
    const alert = page.getByRole('alert');
    await alert.getByText(word).first().waitFor();
    const [shown, caret] = (await alert.locator('pre').innerText()).split('\n');
    assert.equal(shown, filter);
    assert.ok(caret.endsWith('^') && Math.abs(caret.length - column) <= 1, `${path}: ${caret.length}`);
    assert.equal(await page.getByRole('alert').count(), 1);
    await sound(page, `a wrong filter on ${path}`);
  }
});

test('engines and dead letters are narrowed, and hostile text stays text', async () => {
  await page.show('/engines?filter=id%3Asim-*');
  assert.deepEqual([...new Set((await page.locator('main tbody tr td:nth-child(2) a').allInnerTexts()).map((id) => id.slice(0, 4)))], ['sim-']);
  await page.show('/dead-letters?filter=error_code%3Adisk_full');
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 2);
  await page.show('/events');
  await line().fill(`label.note:"${HOSTILE.replaceAll('"', '\\"')}"`);
  await line().press('Enter');
  await settled(page);
  await chips().first().waitFor();
  await sound(page, 'a hostile filter');
});

test('addresses of before lead to the same list', async () => {
  await page.show('/events?status=failed&event_type=thumbnail.make');
  await page.waitForURL(/filter=/);
  assert.equal(filterOfAddress(), 'status:failed type:thumbnail.make');
  assert.deepEqual(page.faults, []);
});
