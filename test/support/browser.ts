/** A chromium, and a page in it that is opened from a file, where nothing may go wrong and nothing may be fetched. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { isHere } from './needs.js';

let browser: Browser;

const OPTIONS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

/** One browser for the tests of a file. */
export function withBrowser(): () => Browser {
  beforeAll(async () => {
    if (!isHere('chromium')) return;
    const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
    browser = await chromium.launch({ executablePath, args: OPTIONS });
  });
  afterAll(() => browser?.close());
  return () => browser;
}

/** The page itself, with or without the number of a wait; or a font within it. */
const isOwn = (url: string, page: string) => url.replace(/#.*/, '') === page || url.startsWith('data:font/');

export async function openedFile(
  html: string,
  options: BrowserContextOptions = {},
  hash = '',
): Promise<Page> {
  const url = String(pathToFileURL(html));
  const context = await browser.newContext(options);
  onTestFinished(async () => {
    await context.close();
    expect(troubles).toEqual([]);
  });
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => troubles.push(message.text()));
  page.on('pageerror', (err) => troubles.push(err.message));
  page.on('dialog', (dialog) => troubles.push(dialog.message()));
  page.on('request', (request) => !isOwn(request.url(), url) && troubles.push(request.url()));
  await page.goto(url + hash);
  await page.locator('main').waitFor();
  return page;
}

/** axe is not of the page: the policy would refuse it. */
export function withoutPolicy(html: string): string {
  writeFileSync(html, readFileSync(html, 'utf8').replace(/<meta http-equiv[^>]*>/, ''));
  return html;
}

/** What axe finds wrong, in a page whose policy is away. */
export async function violationsIn(page: Page): Promise<[id: string, html: string[]][]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.addScriptTag({ content: axe.source });
  const { violations } = (await page.evaluate('axe.run()')) as { violations: axe.Result[] };
  return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}
