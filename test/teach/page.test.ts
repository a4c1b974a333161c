/** The page that `replay --html` writes, in a real browser: what it shows agrees with the recording at every step. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import type { Sets } from '../../dist/teach/recording/format.js';
import { isHere, needs } from '../support/needs.js';
import {
  EVIL,
  type Expected,
  expectedSteps,
  long,
  RECORDED,
  type Recorded,
  record,
  recordCrowd,
  spelled,
} from '../support/recordings.js';
import { fileFor, posixSelect } from '../support/traced.js';

let browser: Browser;

const test = needs('chromium');

beforeAll(async () => {
  if (!isHere('chromium')) return;
  browser = await chromium.launch({
    executablePath: execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim(),
    args: [
      ...[
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-sync',
      ],
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  });
});

afterAll(() => browser?.close());

async function written({ file }: Recorded): Promise<string> {
  const html = fileFor('run.html');
  const replay = posixSelect(['replay', file, '--html', html]);
  expect(await replay.exit).toBe(0);
  expect(replay.stdout + replay.stderr).toBe('');
  return html;
}

/** The page as it is opened from a file, where nothing may go wrong and nothing may be fetched. */
async function opened(recorded: Recorded, options: BrowserContextOptions = {}): Promise<Page> {
  const url = String(pathToFileURL(await written(recorded)));
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
  page.on('request', (request) => request.url() !== url && troubles.push(request.url()));
  await page.goto(url);
  await page.locator('main').waitFor();
  return page;
}

/** What the page shows, read out of its tables. */
async function shown(page: Page) {
  return await page.evaluate(() => {
    const texts = (selector: string) =>
      [...document.querySelectorAll(selector)].map((element) => element.textContent ?? '');
    const bits: Record<string, number[]> = {};
    for (const table of document.querySelectorAll('#bits table')) {
      const fds = [...table.querySelectorAll('thead th')].slice(1).map((th) => Number(th.textContent));
      let label = '';
      for (const row of table.querySelectorAll('tbody tr')) {
        const [first, when = first] = (row.querySelector('th')?.textContent ?? '').split(' ');
        if (first !== when) label = first;
        const cells = [...row.querySelectorAll('td')];
        const name = `${label} ${when}`;
        bits[name] ??= [];
        bits[name].push(...fds.filter((_, i) => cells[i].textContent === '1'));
      }
    }
    return {
      place: texts('#place')[0],
      bits,
      reasons: texts('#reasons li'),
      calls: texts('#sentences li').length,
      output: texts('#output')[0],
    };
  });
}

const EVENTS: Record<string, string> = { readfds: 'reading', writefds: 'writing', exceptfds: 'urgent' };

function expectedBits({ before, after }: Expected, isSelect: boolean): Record<string, number[]> {
  const names = Object.keys(EVENTS) as (keyof Sets)[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const label = isSelect ? name : EVENTS[name];
      if (!before?.[name]) return [];
      return [
        [`${label} before`, before[name]],
        [`${label} after`, after?.[name] ?? []],
      ];
    }),
  );
}

async function showsStep(page: Page, number: number, { calls }: Recorded): Promise<void> {
  const steps = expectedSteps(calls);
  const step = steps[number - 1];
  const now = await shown(page);
  expect(now.place).toMatch(new RegExp(`^step ${number} of ${steps.length}(,|$)`));
  expect(now.bits).toEqual(
    expectedBits(
      step,
      calls.some(({ call }) => call === 'select'),
    ),
  );
  expect(now.reasons).toEqual(step.reasons);
  expect(now.calls).toBe(step.calls);
}

describe.each(RECORDED)('%s', (_, program, args) => {
  test('bits and sentences agree with the recording at every step, forward and back', async () => {
    const recorded = await record(program, args);
    const page = await opened(recorded);
    const { length } = expectedSteps(recorded.calls);
    for (let step = 1; step <= length; step++) {
      await showsStep(page, step, recorded);
      await page.keyboard.press('ArrowRight');
    }
    expect((await shown(page)).output).toBe(spelled(recorded.stdout));
    for (let step = length; step >= 1; step--) {
      await showsStep(page, step, recorded);
      await page.getByRole('button', { name: 'Back', exact: true }).click({ force: step === 1 });
    }
    await showsStep(page, 1, recorded);
  });
});

test('by keyboard and by mouse: jump, play, pause, follow a descriptor', async () => {
  const recorded = await record('select-server', [0]);
  const { length } = expectedSteps(recorded.calls);
  const page = await opened(recorded);
  const press = (key: string) => () => page.keyboard.press(key);
  const click = (name: string) => () => page.getByRole('button', { name, exact: true }).click();
  const slide = (part: number) => async () => {
    const box = (await page.getByRole('slider').boundingBox()) as {
      x: number;
      y: number;
      width: number;
      height: number;
    };
    await page.mouse.click(box.x + box.width * part, box.y + box.height / 2);
  };
  const accepted = recorded.calls.find(({ call }) => call === 'accept')?.result;
  for (const [act, step] of [
    [press('End'), length],
    [press('ArrowRight'), length],
    [press('ArrowLeft'), length - 1],
    [press('Home'), 1],
    [press('ArrowLeft'), 1],
    [click('Forward'), 2],
    [click('To the end'), length],
    [click('To the start'), 1],
    [slide(0.995), length],
    [slide(0.005), 1],
    [press('ArrowRight'), 2],
    [() => page.getByLabel('Step', { exact: true }).last().focus(), 2],
    [() => page.locator('#number').fill('4'), 2],
    [press('Enter'), 4],
    [press('ArrowRight'), 5],
    [press('ArrowLeft'), 4],
    [() => page.locator('#number').focus(), 4],
    [() => page.locator('#number').fill('4711'), 4],
    [press('Tab'), length],
    [() => page.getByLabel('Follow').selectOption(String(accepted)), length],
    [() => page.locator('h1').click(), length],
    [press('Home'), 1],
    [press('n'), 2],
    [press('n'), 3],
    [press('p'), 2],
    [click('Later on this descriptor'), 3],
    [click('Earlier on this descriptor'), 2],
  ] as const) {
    await act();
    await showsStep(page, step, recorded);
  }

  await page.getByLabel('Speed').selectOption('16');
  await page.locator('h1').click();
  await page.keyboard.press('Space');
  await page.locator('#place', { hasText: `step ${length} of` }).waitFor();
  await showsStep(page, length, recorded);
  await page.getByRole('button', { name: 'Play' }).waitFor();

  await page.getByLabel('Speed').selectOption('0.5');
  await page.getByRole('button', { name: 'Play' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Play' }).waitFor();
  await showsStep(page, 1, recorded);
});

test('what comes from the network is text, and nothing else', async () => {
  const recorded = await record('talk-server', ['-v', '-p', 0]);
  const html = await written(recorded);
  expect(readFileSync(html, 'utf8')).not.toContain('<img');
  const page = await opened(recorded);
  await page.keyboard.press('End');
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.title()).toBe(`talk-server ${recorded.head.args.join(' ')}, recorded`);
  expect(EVIL).toContain('<img');
});

test('the policy lets nothing in: no script, no style, no picture, no connection', async () => {
  const html = await written(await record('select-server', [0]));
  const text = readFileSync(html, 'utf8');
  writeFileSync(
    html,
    text.replace(
      '</header>',
      '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><script>window.intruder = 1</script></header>',
    ),
  );
  const page = await browser.newPage();
  const refused: string[] = [];
  page.on('console', (message) => refused.push(message.text()));
  await page.goto(String(pathToFileURL(html)));
  await page.locator('main').waitFor();
  expect(await page.evaluate(() => 'intruder' in window)).toBe(false);
  expect(
    await page.evaluate(() =>
      fetch('data:,x')
        .then(() => 'fetched')
        .catch(() => 'refused'),
    ),
  ).toBe('refused');
  expect(refused.filter((text) => text.includes('Content Security Policy')).length).toBeGreaterThanOrEqual(3);
  await page.close();
});

test.each([
  [1280, 800],
  [400, 860],
])('at %d × %d it fits, and all can be read and reached', async (width, height) => {
  const recorded = await record('chatserver', [0]);
  const page = await opened(recorded, { viewport: { width, height }, hasTouch: width < 500 });
  for (const _ of expectedSteps(recorded.calls)) {
    const sizes = await page.evaluate(() => {
      const texts = [...document.querySelectorAll('main *, footer *')].filter((element) =>
        element.textContent?.trim(),
      );
      const cells = [...document.querySelectorAll('#bits table')].map(
        (table) => table.getBoundingClientRect().right,
      );
      return {
        width: document.documentElement.scrollWidth,
        right: Math.max(0, ...cells),
        font: Math.min(...texts.map((element) => Number.parseFloat(getComputedStyle(element).fontSize))),
      };
    });
    expect(sizes.width).toBeLessThanOrEqual(width);
    expect(sizes.right).toBeLessThanOrEqual(width);
    expect(sizes.font).toBeGreaterThanOrEqual(12);
    const forward = page.getByRole('button', { name: 'Forward', exact: true });
    const box = (await forward.boundingBox()) as { y: number; width: number; height: number };
    expect(box.y + box.height).toBeLessThanOrEqual(height);
    expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(36);
    if (await forward.isEnabled()) await (width < 500 ? forward.tap() : forward.click());
  }
});

test.each(['light', 'dark'] as const)(
  'in %s mode it needs no colour: all contrasts are of grey',
  async (colorScheme) => {
    const page = await opened(await record('select-server', [0]), { colorScheme });
    await page.keyboard.press('ArrowRight');
    const colours = await page.evaluate(() =>
      [...document.querySelectorAll('body, main *, footer *:not(option, #slider)')].flatMap((element) => {
        const { color, backgroundColor } = getComputedStyle(element);
        return [color, backgroundColor];
      }),
    );
    const channels = [...new Set(colours)].map((colour) =>
      (colour.match(/\d+/g) ?? []).slice(0, 3).map(Number),
    );
    for (const [red, green, blue] of channels) expect([green, blue]).toEqual([red, red]);

    const contrast = await page.evaluate(() => {
      const grey = (colour: string) => Number(colour.match(/\d+/)?.[0]) / 255;
      const light = (colour: string) => ((grey(colour) + 0.055) / 1.055) ** 2.4;
      const paper = light(getComputedStyle(document.body).backgroundColor);
      const pale = light(getComputedStyle(document.querySelector('#notes') as Element).color);
      return (Math.max(paper, pale) + 0.05) / (Math.min(paper, pale) + 0.05);
    });
    expect(contrast).toBeGreaterThan(4.5);
  },
);

test('100,000 calls: any step at once, in some hundred kilobytes', async () => {
  const recorded = await record('select-server', [0]);
  writeFileSync(recorded.file, long(recorded, 100_000));
  const page = await opened(recorded);
  const [steps, shown] = await page.evaluate(() => {
    const slider = document.getElementById('slider') as HTMLInputElement;
    const values: string[] = [];
    for (let i = 0; i < 200; i++) {
      slider.value = String(1 + ((i * 7919) % Number(slider.max)));
      slider.dispatchEvent(new Event('input'));
      values.push(document.querySelector('#wait, main')?.textContent ?? '');
    }
    return [Number(slider.max), new Set(values).size];
  });
  expect(steps).toBeGreaterThan(20_000);
  expect(shown).toBeGreaterThan(100);
  expect(statSync(await written(recorded)).size).toBeLessThan(900_000);
});

/** A talk-server that sends to many clients with names, in as many rounds. */
async function broadcasts(count: number): Promise<Recorded> {
  const recorded = await record('talk-server', ['-p', 0]);
  const { head, calls } = recorded;
  const said = calls.findIndex(({ call, names }) => call === 'recv' && names);
  const waits = calls.findLastIndex((call, i) => i < said && call.call === 'select');
  const send = calls.find(({ call, result }, i) => call === 'send' && i > said && result > 0);
  const named = Array.from({ length: count }, (_, i) => [30 + i, `user ${(i * 7919) % 1000} of all`]);
  const lines: object[] = [
    head,
    ...calls.slice(0, waits),
    { ...calls[waits], names: Object.fromEntries(named) },
  ];
  for (let round = 0; round < count; round++) {
    lines.push({ ...calls[waits], at: round + ((round * 7919) % 1000) / 1000 });
    for (const [fd] of named) lines.push({ ...send, fd });
  }
  writeFileSync(
    recorded.file,
    [...lines, { ended: count }].map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  return recorded;
}

test('40,000 messages to 200 clients, in some kilobytes, each with its name', async () => {
  const recorded = await broadcasts(200);
  expect(statSync(await written(recorded)).size).toBeLessThan(60_000);
  const page = await opened(recorded);
  await page.keyboard.press('End');
  const sentences = await page.locator('#sentences li').allTextContents();
  expect(sentences).toHaveLength(200);
  expect(sentences[199]).toMatch(/^send 229 user 881 of all: \d+ bytes b'/);
});

test('on paper the step is there in full, and the buttons are not', async () => {
  const page = await opened(await recordCrowd(100), { viewport: { width: 800, height: 600 } });
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowLeft');
  const clipped = () =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('main *')]
        .filter((element) => element.clientHeight > 0 && element.scrollHeight > element.clientHeight + 2)
        .map(({ id }) => id),
    );
  expect(await clipped()).toContain('bits');
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await clipped()).toEqual([]);
  expect(await page.getByRole('button').count()).toBe(0);
  const [paper, ready, adjust] = await page.evaluate(() => {
    const of = (selector: string) => getComputedStyle(document.querySelector(selector) as Element);
    return [
      of('body').backgroundColor,
      of('#bits .after .set').backgroundColor,
      of('#bits .after .set').printColorAdjust,
    ];
  });
  expect([paper, ready, adjust]).toEqual(['rgb(255, 255, 255)', 'rgb(17, 17, 17)', 'exact']);
});

test('a page that cannot be written is an error of one line', async () => {
  const { file } = await record('select-server', [0]);
  const recording = readFileSync(file, 'utf8');
  const link = `${file}.html`;
  symlinkSync(file, link);
  for (const [html, message] of [
    ['/nowhere/run.html', 'open /nowhere/run.html: No such file or directory (ENOENT)'],
    ['/dev/full', 'write /dev/full: No space left on device (ENOSPC)'],
    [file, `${file} is the recording: --html needs a file of its own`],
    [link, `${link} is the recording: --html needs a file of its own`],
  ]) {
    if (html === '/dev/full' && !existsSync(html)) continue;
    const replay = posixSelect(['replay', file, '--html', html]);
    expect(await replay.exit).toBe(1);
    expect(replay.stderr).toBe(`${message}\n`);
  }
  expect(readFileSync(file, 'utf8')).toBe(recording);
});
