/** A chromium, and a page in it that is opened from a file, where nothing may go wrong and nothing may be fetched. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { isHere } from './needs.js';

let browser: Browser;

const VIEWPORT = { width: 1280, height: 720 };

/** How chromium is started. Unless told otherwise it keeps a process ready that no test will want. */
export const CHROMIUM = {
  executablePath: isHere('chromium')
    ? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()
    : '',
  args: [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update'],
    '--disable-features=SpareRendererForSitePerProcess',
  ],
};

/** One browser for the tests of a file. */
export function withBrowser(): () => Browser {
  beforeAll(async () => {
    if (isHere('chromium')) browser = await chromium.launch(CHROMIUM);
  });
  afterAll(async () => {
    tab = undefined;
    await browser?.close();
  });
  return () => browser;
}

/** The page itself, with or without the number of a wait; or a font within it. */
const isOwn = (url: string, page: string) => url.replace(/#.*/, '') === page || url.startsWith('data:font/');

type Look = Pick<BrowserContextOptions, 'viewport' | 'colorScheme' | 'hasTouch'>;

/** One tab for the tests of a file: for each new one, chromium would start two processes. */
let tab: Page | undefined;

async function tabWith({ viewport = VIEWPORT, colorScheme = 'light', hasTouch }: Look): Promise<Page> {
  if (hasTouch) {
    const context = await browser.newContext({ viewport, colorScheme, hasTouch });
    onTestFinished(() => context.close());
    return await context.newPage();
  }
  tab ??= await browser.newPage();
  await tab.setViewportSize(viewport ?? VIEWPORT);
  await tab.emulateMedia({ colorScheme, media: null });
  return tab;
}

export async function openedFile(html: string, look: Look = {}, hash = ''): Promise<Page> {
  const url = String(pathToFileURL(html));
  const page = await tabWith(look);
  const troubles: string[] = [];
  page.on('console', (message) => troubles.push(message.text()));
  page.on('pageerror', (err) => troubles.push(err.message));
  page.on('dialog', (dialog) => troubles.push(dialog.message()));
  page.on('request', (request) => !isOwn(request.url(), url) && troubles.push(request.url()));
  onTestFinished(() => {
    page.removeAllListeners();
    expect(troubles).toEqual([]);
  });
  const isThere = page.url().replace(/#.*/, '') === url;
  await page.goto(url + hash);
  if (isThere) await page.reload();
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
