// Takes a picture of every page, in both themes, over `enginehouse demo --fleet N`: `cargo xtask pictures` runs it.
//
//   node tests/pictures.mjs PROGRAM FOLDER FLEET SECONDS [FOLDER_OF_DOCUMENTS]
//
// It lets the fleet work for so many seconds first: charts and estimates need some. What the documents show is written to the last
// folder, in light colours and small.

import { mkdirSync, writeFileSync } from 'node:fs';
import { launch, open, settled } from './browser.mjs';
import { start } from './program.mjs';
import { client } from './seed.mjs';

/** What the documents show. */
const SHOWN = ['overview', 'engines', 'engine', 'scenario-run', 'event-impossible', 'event-running', 'event-types', 'dead-letters', 'redrive', 'operation'];

const [program, folder, fleet, seconds, documents] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const demo = await start([program, 'demo', '--fleet', fleet]);
const browser = await launch();
const wait = (condition, what) =>
  new Promise((done, failed) => {
    const until = Date.now() + 300_000;
    const ask = async () => {
      const found = await condition();
      if (found) return done(found);
      if (Date.now() > until) return failed(new Error(`there is no ${what}`));
      setTimeout(ask, 1000);
    };
    void ask().catch(failed);
  });
try {
  const call = client(demo.url);
  // A large share of mails that are tried once ends as dead letters.
  const mail = (index) => ({ event_type: 'mail.send', queue: 'mail', payload: { number: index }, retry_policy: { max_retries: 0 } });
  await call('POST', '/v1/events/batch', { events: Array.from({ length: 150 }, (_, index) => mail(index)) });
  await new Promise((done) => setTimeout(done, Number(seconds) * 1000));
  const first = (path) => wait(async () => (await call('GET', path)).items[0], path);
  const impossible = await wait(async () => (await call('GET', '/v1/stats/overview')).attention.find((item) => item.kind === 'lane_impossible')?.event_id, 'lane that no engine can run');
  let begun;
  /** A redrive that goes on while it is looked at. */
  const operation = async () => (begun ??= await call('POST', '/v1/operations', { action: 'redrive_dead_letters', filter: 'type:mail.send', rate_per_second: 1, reason: 'the mail server is back' })).operation_id;
  /** The one that has been at work for longest, and has something to show. */
  const running = () => wait(async () => (await call('GET', '/v1/events?status=processing&event_type=water.simulate&limit=50')).items.at(-1), 'simulation');
  const run = await first('/v1/scenario-runs?limit=1');
  const failed = await first('/v1/events?status=failed&event_type=mail.send&limit=1');
  const pages = [
    ['overview', '/'], ['engines', '/engines'], ['engines-grid', '/engines?view=grid'], ['engine', '/engines/renderer-0001'],
    ['scenario-runs', '/scenario-runs'], ['scenario-run', `/scenario-runs/${run.scenario_run_id}`],
    ['events', '/events'], ['events-failed', '/events?filter=status%3Afailed'], ['event-impossible', `/events/${impossible}`],
    ['event-running', async () => `/events/${(await running()).event_id}`], ['event-failed', `/events/${failed.event_id}`],
    ['queues', '/queues'], ['queue', '/queues/mail'], ['event-types', '/event-types?sort=took'], ['event-type', '/event-types/mail.send'],
    ['dead-letters', '/dead-letters'], ['dead-letters-list', '/dead-letters?view=list'], ['redrive', '/dead-letters'],
    ['operation', async () => `/operations/${await operation()}`], ['operations', '/operations'], ['audit', '/audit'], ['tokens', '/tokens'], ['system', '/system'],
  ];
  for (const theme of ['light', 'dark']) {
    const page = await open(browser, { theme, url: demo.url });
    const devtools = await page.context().newCDPSession(page);
    for (const [name, path] of pages) {
      await page.goto(demo.url + (typeof path === 'string' ? path : await path()));
      await settled(page);
      if (name === 'redrive') {
        await page.getByRole('button', { name: /^Redrive/ }).first().click();
        await page.getByRole('dialog').getByLabel('How many a second').fill('10');
      }
      // What is read beside the first answer, and drawn.
      await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {});
      await page.screenshot({ path: `${folder}/${name}-${theme}.png`, fullPage: name !== 'redrive' });
      if (documents && theme === 'light' && SHOWN.includes(name)) {
        const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 70 });
        mkdirSync(documents, { recursive: true });
        writeFileSync(`${documents}/${name}.webp`, Buffer.from(data, 'base64'));
      }
      if (page.faults.length > 0) throw new Error(`${name}: ${page.faults.join('; ')}`);
    }
    await page.context().close();
  }
} finally {
  await browser.close();
  await demo.end('SIGINT');
}
