// A real browser on a real server, and what every page has to keep to.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const URL_OF_SERVER = process.env.ENGINEHOUSE_URL;
export const TOKEN = process.env.ENGINEHOUSE_TOKEN;
export const PICTURES = process.env.DASHBOARD_PICTURES;

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  });

/** A page that notes what must not be: errors on its console, and requests to anybody but the server. */
export async function open(browser, { theme = 'light', width = 1280, height = 800, url = URL_OF_SERVER, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.faults = [];
  page.on('console', (message) => {
    // A call that is refused is told to whoever looks; the browser notes it, too.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.faults.push(message.text());
  });
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (to.protocol !== 'data:' && to.origin !== new URL(url).origin) page.faults.push(`a request to ${request.url()}`);
  });
  page.show = async (path) => {
    await page.goto(`${url}${path}`);
    await settled(page);
  };
  return page;
}

/** Waits until a page has what it asked for. */
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector('main h1') && !/Loading…|Looking…/.test(document.querySelector('main').innerText), null, { timeout: 10_000 });
}

/** Nothing was wrong with a page so far, and nobody is kept from using it. */
export async function sound(page, what) {
  assert.deepEqual(page.faults.splice(0), [], what);
  assert.equal(await page.evaluate(() => window.hacked), undefined, `${what}: text of others was run`);
  // Its own way around the policy of the page, which lets no script in but those of the server.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const shown = violations.map((one) => `${one.id} (${one.help}): ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`);
  assert.deepEqual(shown, [], what);
}

export async function picture(page, name) {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: false });
}
