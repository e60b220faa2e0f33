// Text of others, in every field that is shown: it is text on every page, runs nothing and makes no markup.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, settled, TOKEN, URL_OF_SERVER } from './browser.mjs';
import { pagesOf } from './pages.mjs';
import { client, HOSTILE, register, seed } from './seed.mjs';

let browser;
let ids;
const call = client(URL_OF_SERVER, TOKEN);

/** A text that would run, with a mark of its own so that one sees what of it is shown. */
const hostile = (field) => `${HOSTILE} ${field}`;
/** Names are letters, digits and few signs: these mean something to a browser or to JavaScript. */
const NAMES = { engine: 'javascript:alert-1', type: 'constructor', capability: 'data:text-html', queue: 'toString', event: 'javascript:void', run: 'hasOwnProperty', label: 'valueOf' };

before(async () => {
  ({ ids } = await seed(URL_OF_SERVER, TOKEN));
  await hostileSeed();
  browser = await launch();
});
after(() => browser?.close());

/** Fills each field that holds any text. */
async function hostileSeed() {
  // No name can be such a text.
  for (const [method, path, body] of [
    ['PUT', `/v1/engines/${encodeURIComponent(HOSTILE)}`, { engine_type: 'a' }],
    ['POST', '/v1/events', { event_type: HOSTILE }],
    ['POST', '/v1/events', { event_type: 'a', queue: HOSTILE }],
    ['POST', '/v1/events', { event_type: 'a', scenario_run_id: HOSTILE }],
    ['POST', '/v1/events', { event_type: 'a', labels: { [HOSTILE]: 'a' } }],
    ['POST', '/v1/tokens', { name: HOSTILE, role: 'viewer' }],
  ]) await assert.rejects(call(method, path, body), /: 422 /, `${method} ${path}`);
  const engine = await register(call, NAMES.engine, { type: NAMES.type, capabilities: [NAMES.capability], version: hostile('version'), run: NAMES.run, own: { [hostile('own key')]: hostile('own value'), host: hostile('host') } });
  const session = client(URL_OF_SERVER, TOKEN, engine.session);
  const event = await call('POST', '/v1/events', {
    event_type: NAMES.event, queue: NAMES.queue, scenario_run_id: NAMES.run, labels: { [NAMES.label]: hostile('label') }, idempotency_key: hostile('idempotency key'),
    payload: { [hostile('payload key')]: hostile('payload value') }, retry_policy: { max_retries: 1, retry_elsewhere: 'off' },
  });
  const claim = async () => (await session('POST', `/v1/engines/${encodeURIComponent(NAMES.engine)}/claim`, { epoch: engine.epoch, limit: 1, event_types: [NAMES.event], wait_seconds: 20 })).events[0];
  const failed = await claim();
  await session('POST', `/v1/events/${event.event_id}/fail`, {
    lock_token: failed.lock.token, retry_after_seconds: 0, log: [hostile('log line')], log_url: `https://logs.example/"><img src=x onerror="window.hacked=1">log-url`, checkpoint: { [hostile('checkpoint')]: 1 },
    error: { code: hostile('error code'), message: hostile('error message'), details: { [hostile('details key')]: hostile('details value') } },
  });
  const running = await claim();
  await session('POST', `/v1/events/${event.event_id}/extend`, { lock_token: running.lock.token, visibility_timeout_seconds: 600, progress: { percent: 5, message: hostile('progress') } });
  // Another one that waits, so that the reasons for which it does are said.
  await call('POST', '/v1/events', { event_type: NAMES.event, queue: NAMES.queue, scenario_run_id: NAMES.run });
  await call('POST', `/v1/queues/${NAMES.queue}/pause`, { reason: hostile('queue reason') });
  await call('POST', `/v1/event-types/${NAMES.event}/pause`, { reason: hostile('type reason') });
  await call('POST', `/v1/scenario-runs/${NAMES.run}/pause`, { reason: hostile('run reason') });
  await call('POST', `/v1/engines/${encodeURIComponent(NAMES.engine)}/quarantine`, { reason: hostile('quarantine reason') });
  ids.anything = event.event_id;
  ids.reasoned = (await call('POST', '/v1/operations', { action: 'cancel_events', filter: `queue:nothing label.valueOf:"${HOSTILE.replaceAll(/["\\]/g, '')}"`, reason: hostile('operation reason') })).operation_id;
}

/** Looks at a page: what others wrote is text in it, and leads nowhere but to pages. */
async function harmless(page, what) {
  const found = await page.evaluate(() => ({
    hacked: window.hacked ?? null,
    markup: [...document.querySelectorAll('img, iframe, object, embed, body script, [onerror], [onload], [onclick]')].map((one) => one.outerHTML),
    links: [...document.querySelectorAll('a[href], area[href], form[action]')].map((one) => one.href ?? one.action).filter((one) => !/^https?:/.test(one)),
  }));
  assert.deepEqual(found, { hacked: null, markup: [], links: [] }, what);
  assert.deepEqual(page.faults.splice(0), [], what);
}

test('every field that is shown is shown as it is, as text', async () => {
  const page = await open(browser);
  const engine = encodeURIComponent(NAMES.engine);
  const missing = [];
  for (const [path, fields] of [
    ['/', []],
    [`/engines?filter=type:${NAMES.type}`, ['version']],
    [`/engines/${engine}`, ['version', 'quarantine reason']],
    [`/scenario-runs/${NAMES.run}`, ['run reason']],
    [`/events/${ids.anything}`, ['label', 'idempotency key', 'payload key', 'payload value', 'log line', 'error code', 'error message', 'details key', 'details value', 'progress']],
    [`/queues/${NAMES.queue}`, ['queue reason']],
    [`/event-types/${encodeURIComponent(NAMES.event)}`, ['type reason']],
    [`/operations/${ids.reasoned}`, ['operation reason']],
    ['/operations', ['operation reason']],
    ['/audit', ['operation reason', 'queue reason', 'quarantine reason']],
  ]) {
    await page.show(path);
    for (const name of fields) {
      // Payloads and details are shown as JSON, in which quotes are escaped.
      await page.getByText(hostile(name)).or(page.getByText(JSON.stringify(hostile(name)).slice(1, -1))).first().waitFor({ state: 'attached', timeout: 2000 }).catch(() => missing.push(`${path}: ${name}`));
    }
    await harmless(page, path);
  }
  assert.deepEqual(missing, []);
  await page.context().close();
});

test('what people type and what an address says is text, too', async () => {
  const page = await open(browser);
  const text = encodeURIComponent(HOSTILE);
  for (const path of [`/events?filter=${text}`, `/engines?filter=${text}`, `/dead-letters?filter=${text}`, `/audit?action=${text}`, `/engines/${text}`, `/events/${text}`, `/queues/${text}`, `/event-types/${text}`, `/scenario-runs/${text}`, `/operations/${text}`, `/tokens/${text}`, `/system/${text}`]) {
    await page.show(path);
    await harmless(page, path);
  }
  await page.show('/queues/media');
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Why').fill(HOSTILE);
  await dialog.getByText('The command and the call').click();
  // For a shell it is one word: each ' ends the quotes, stands for itself, and begins them again.
  await dialog.getByText(`--reason '${HOSTILE.replaceAll("'", `'\\''`)}'`).first().waitFor();
  await harmless(page, 'a question');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'A page, or an id' }).fill(HOSTILE);
  await harmless(page, 'the palette');
  await page.context().close();
});

/** Every text of an answer with something hostile behind it, but for those that say what kind of a thing it is. */
function poisoned(value, isKind) {
  if (Array.isArray(value)) return value.map((one) => poisoned(one, isKind));
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, key === 'permissions' ? one : poisoned(one, isKind)]));
  const isMoment = /^\d{4}-\d\d-\d\dT/.test(value);
  return typeof value === 'string' && !isMoment && !isKind(value) ? `${value}${HOSTILE}` : value;
}

const TOKEN_VIEW = {
  accessor: 'abcdefghijkl', name: 'ci', role: 'viewer', status: 'active', selectors: {}, allowed_addresses: [], certificate_name: 'spiffe://example.org/ci', read_payloads: false,
  created_at: '2026-11-01T00:00:00.000Z', created_by: 'root', not_before: null, expires_at: '2027-11-01T00:00:00.000Z', revoked_at: null, last_used_at: null, last_used_from: '127.0.0.1',
};

test('whatever a server answers, it is text', async () => {
  const kinds = new Set();
  const collect = (schema) => {
    for (const one of schema?.enum ?? []) kinds.add(one);
    for (const one of Object.values(schema ?? {})) if (typeof one === 'object') collect(one);
  };
  collect((await call('GET', '/openapi.json')).components.schemas);
  assert.ok(kinds.has('queued') && kinds.has('impossible') && kinds.size > 60, `${kinds.size}`);
  const page = await open(browser);
  let many = 0;
  await page.route('**/v1/stream?*', (route) => route.fulfill({ status: 503, body: '' }));
  await page.route((url) => url.pathname.startsWith('/v1/') && url.pathname !== '/v1/stream', async (route) => {
    // What was poisoned comes back in addresses.
    const answer = await route.fetch({ url: route.request().url().replaceAll(encodeURIComponent(HOSTILE), '').replaceAll(new URLSearchParams([['', HOSTILE]]).toString().slice(1), '') });
    // This server has no token yet, or nobody could look at it without.
    const text = new URL(answer.url()).pathname === '/v1/tokens' ? JSON.stringify({ items: [TOKEN_VIEW], next_cursor: null }) : await answer.text();
    if (!/json/.test(answer.headers()['content-type'] ?? '')) return route.fulfill({ response: answer });
    many += 1;
    return route.fulfill({ response: answer, body: JSON.stringify(poisoned(JSON.parse(text), (one) => kinds.has(one))) });
  });
  const wrong = [];
  for (const [name, path] of [...pagesOf(ids), ['hostile', `/events/${ids.anything}`], ['hostile engine', `/engines/${encodeURIComponent(NAMES.engine)}`]]) {
    await page.goto(`${URL_OF_SERVER}${path}`);
    await settled(page).catch((error) => wrong.push(`${name}: ${error.message}`));
    await harmless(page, name).catch((error) => wrong.push(`${name}: ${error.message}`));
    const shown = await page.locator('main').evaluate((main) => [main.innerText, ...[...main.querySelectorAll('[title]')].map((one) => one.title)].join(' '));
    if (!shown.includes('<script>window.hacked') && name !== 'not-found') wrong.push(`${name} shows nothing of it`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(many > 40, `${many} answers`);
  await page.context().close();
});
