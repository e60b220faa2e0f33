// Measures the dashboard on a large fleet: ENGINEHOUSE_URL=… node tests/measure.mjs [ENGINES]
// Registers so many engines, then says for each page when something was first painted, and how long the longest task of the
// main thread was while it was kept fresh for ten seconds.

import { launch, open, URL_OF_SERVER } from './browser.mjs';
import { client, register } from './seed.mjs';

const engines = Number(process.argv[2] ?? 2000);
const call = client(URL_OF_SERVER);
for (let begin = 0; begin < engines; begin += 50) {
  await Promise.all(
    Array.from({ length: Math.min(50, engines - begin) }, (_, index) =>
      register(call, `fleet-${String(begin + index).padStart(5, '0')}`, { capabilities: ['simulate'], cpu: (begin + index) % 100, used: ((begin + index) * 37) % 8000 }),
    ),
  );
}
const browser = await launch();
for (const path of ['/', '/engines', '/engines?view=grid', '/events']) {
  const page = await open(browser);
  await page.addInitScript(() => {
    window.longest = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.longest = Math.max(window.longest, entry.duration)))).observe({ type: 'longtask', buffered: true });
  });
  await page.show(path);
  const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0);
  await page.evaluate(() => (window.longest = 0));
  await page.waitForTimeout(10_000);
  const longest = await page.evaluate(() => window.longest);
  console.log(`${path}: first paint after ${Math.round(painted)} ms, longest task of an update ${Math.round(longest)} ms (0: none of 50 ms or more)`);
  await page.context().close();
}
await browser.close();
