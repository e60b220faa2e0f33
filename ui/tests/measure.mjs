// Measures the dashboard on a large fleet: ENGINEHOUSE_URL=… node tests/measure.mjs [ENGINES] [EVENTS] [PICTURES]
//
// Registers so many engines and enqueues so many events, on a server that has neither. Then it opens pages while engines send
// heartbeats, a tenth of them each second, and 50 events are enqueued a second. Of each page it says when something was first
// painted and when it had what it asked for, how long the longest task of the main thread was while it was kept fresh for twenty
// seconds, and how much of a second the main thread worked. Pictures are written to a folder if one is given.

import { launch, open, URL_OF_SERVER } from './browser.mjs';
import { client, register } from './seed.mjs';

const [engines, events] = [Number(process.argv[2] ?? 2000), Number(process.argv[3] ?? 0)];
const pictures = process.argv[4];
const SECONDS = 20;
const call = client(URL_OF_SERVER);

/** Does so many things, some side by side. */
async function each(count, beside, act) {
  let next = 0;
  const lane = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: beside }, lane));
}
const fleet = [];
await each(engines, 50, async (index) => {
  const engine = await register(call, `fleet-${String(index).padStart(5, '0')}`, { capabilities: ['simulate'], cpu: index % 100, used: (index * 37) % 8000 });
  fleet[index] = { ...engine, call: client(URL_OF_SERVER, undefined, engine.session) };
});
const event = (index) => ({ event_type: `frame.render-${index % 5}`, queue: `film-${index % 8}`, scenario_run_id: `run-${index % 50}`, payload: { number: index }, required_capabilities: index % 1000 === 0 ? ['tpu'] : ['simulate'] });
const BATCH = 1000;
await each(Math.ceil(events / BATCH), 4, (batch) => call('POST', '/v1/events/batch', { events: Array.from({ length: BATCH }, (_, index) => event(batch * BATCH + index)) }));
console.log(`${engines} engines, ${events} events`);

let turn = 0;
const live = setInterval(() => {
  turn += 1;
  const beating = fleet.filter((_, index) => index % 10 === turn % 10);
  const beat = ({ engine_id, epoch, call: as }) =>
    as('POST', `/v1/engines/${engine_id}/heartbeat`, { epoch, dynamic_state: { resource_utilization: { cpu_percent: (turn * 13) % 100, memory_usage_mb: 1000 + turn } } });
  void each(beating.length, 20, (index) => beat(beating[index])).catch((error) => console.error(error.message));
  void call('POST', '/v1/events/batch', { events: Array.from({ length: 50 }, (_, index) => event(index)) }).catch((error) => console.error(error.message));
}, 1000);

const browser = await launch();
for (const [name, path] of [['overview', '/'], ['engines', '/engines'], ['engines-grid', '/engines?view=grid'], ['events', '/events']]) {
  const page = await open(browser);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  const worked = async () => (await devtools.send('Performance.getMetrics')).metrics.find((one) => one.name === 'TaskDuration').value;
  await page.addInitScript(() => {
    window.longest = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.longest = Math.max(window.longest, entry.duration)))).observe({ type: 'longtask', buffered: true });
  });
  const began = Date.now();
  await page.show(path);
  const settled = Date.now() - began;
  const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
  await page.waitForTimeout(3000);
  await page.evaluate(() => (window.longest = 0));
  const before = await worked();
  await page.waitForTimeout(SECONDS * 1000);
  const share = ((await worked()) - before) / SECONDS;
  const longest = await page.evaluate(() => window.longest);
  console.log(`${name}: first paint after ${Math.round(painted)} ms, all there after ${settled} ms; longest task of an update ${Math.round(longest)} ms (0: none of 50 ms or more), ${Math.round(share * 1000)} ms of work a second`);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
  await page.context().close();
}
clearInterval(live);
await browser.close();
