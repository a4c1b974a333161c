/** The page that `replay --html` writes, in a real browser: what it shows agrees with the recording at every step. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import type { Sets } from '../../dist/teach/recording/format.js';
import { openedFile, violationsIn, withBrowser, withoutPolicy } from '../support/browser.js';
import { needs } from '../support/needs.js';
import {
  EVIL,
  type Expected,
  expectedSteps,
  long,
  parsed,
  RECORDED,
  RELAY,
  type Recorded,
  record,
  recordCrowd,
  spelled,
} from '../support/recordings.js';
import { fileFor, posixSelect } from '../support/traced.js';

const browser = withBrowser();

const test = needs('chromium');

/** The recordings and pages that several tests look at; each is made once. */
const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
const recordings = new Map<string, Promise<Recorded>>();
const pages = new Map<string, Promise<string>>();

afterAll(() => rmSync(folder, { recursive: true }));

function recorded(program: string, args: readonly (string | number)[]): Promise<Recorded> {
  const key = [program, ...args].join(' ');
  const kept = async () => {
    const made = await record(program, args);
    const file = join(folder, `${recordings.size}.jsonl`);
    copyFileSync(made.file, file);
    return { ...made, file };
  };
  const known = recordings.get(key) ?? kept();
  recordings.set(key, known);
  return known;
}

/** A recording for one test, which may change it. */
async function copied(program: string, args: readonly (string | number)[]): Promise<Recorded> {
  const made = await recorded(program, args);
  const file = fileFor('run.jsonl');
  copyFileSync(made.file, file);
  return { ...made, file };
}

function written({ file }: Recorded): Promise<string> {
  const write = async () => {
    const html = `${file}.html`;
    const replay = posixSelect(['replay', file, '--html', html]);
    expect(await replay.exit).toBe(0);
    expect(replay.stdout + replay.stderr).toBe('');
    return html;
  };
  const known = pages.get(file) ?? write();
  pages.set(file, known);
  return known;
}

/** The page for one test, which may change it. */
async function copiedPage(made: Recorded): Promise<string> {
  const html = fileFor('run.html');
  copyFileSync(await written(made), html);
  return html;
}

async function opened(run: Recorded, options: BrowserContextOptions = {}, hash = ''): Promise<Page> {
  return await openedFile(await written(run), options, hash);
}

const SETS = { readfds: 'read', writefds: 'write', exceptfds: 'except' } as const;

/** The bits of a wait as the picture names them: `5 read asked`. */
function bitsOf({ before, after }: Expected): string[] {
  const names = Object.keys(SETS) as (keyof Sets)[];
  const bits = (sets: Sets | undefined, when: string) =>
    names.flatMap((name) => (sets?.[name] ?? []).map((fd) => `${fd} ${SETS[name]} ${when}`));
  return [...bits(before, 'asked'), ...bits(after, 'ready')].sort();
}

/** What the page shows of the chosen wait. */
async function shown(page: Page) {
  return await page.evaluate(() => {
    const text = (id: string) => document.getElementById(id)?.textContent ?? '';
    const bits = [...document.querySelectorAll('[data-bit]')].flatMap((bit) =>
      (bit.getAttribute('data-bit') ?? '').split(','),
    );
    return {
      number: Number(location.hash.slice(1)) || 1,
      title: text('title'),
      answer: text('answer').replaceAll('\u00a0', ' '),
      calls: document.querySelectorAll('#calls li').length,
      output: text('output'),
      bits: [...new Set(bits)].sort(),
    };
  });
}

/** A reason as the answer has it: `27 alice: 2 bytes can be read` without the number. */
const inAnswer = (reason: string) =>
  reason
    .replace(/^\d+ /, '')
    .replace(/\d{4,} bytes/, (bytes) => `${Number(bytes.split(' ')[0]).toLocaleString('en-US')} bytes`)
    .replace(/the peer has closed: recv returns 0 bytes$/, 'its end. The client has closed')
    .replace(
      /nothing was ready within (.*) ms$/,
      (_, ms) => `None. The ${(ms / 1000).toFixed(2)} s are over`,
    );

async function showsWait(page: Page, number: number, { calls }: Recorded): Promise<void> {
  const expected = expectedSteps(calls)[number] as Expected;
  const now = await shown(page);
  expect(now.number).toBe(number);
  expect(now.bits).toEqual(bitsOf(expected));
  expect(now.calls).toBe(expected.calls);
  // A name may be learned later; a replay has it from the beginning.
  for (const reason of expected.reasons) {
    const sentence = inAnswer(reason).replace(/^.*?: (?=\w)(?!recv)/, '');
    expect(now.answer).toContain(sentence);
  }
}

const countOf = ({ calls }: Recorded) => expectedSteps(calls).length - 1;

describe.each(RECORDED)('%s', (_, program, args) => {
  test('bits and sentences agree with the recording at every wait, forward and back', async () => {
    const run = await recorded(program, args);
    const page = await opened(run);
    const length = countOf(run);
    for (let number = 1; number <= length; number++) {
      await showsWait(page, number, run);
      await page.keyboard.press('ArrowRight');
    }
    expect((await shown(page)).output).toBe(spelled(run.stdout));
    for (let number = length; number >= 1; number--) {
      await showsWait(page, number, run);
      await page.keyboard.press('ArrowLeft');
    }
    await showsWait(page, 1, run);
  });
});

test('opens on the first wait, with the four sentences', async () => {
  const run = await recorded('chatserver', [0]);
  const page = await opened(run);
  expect(await page.title()).toMatch(/^chatserver /);
  const texts = await page.locator('h1, #sentences li').allTextContents();
  expect(texts.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
    'How one program listens to many: it asks, it sleeps, it is told',
    expect.stringMatching(/^1 The question The program asks: which of these 3 can be read\?$/),
    expect.stringMatching(/^2 Sleep (Nothing yet\. It sleeps for [\d.]+ m?s\.|None\.)/),
    expect.stringMatching(/^3 The answer (The kernel wakes it: )?listener: a connection is waiting\./),
    expect.stringMatching(
      /^4 The work It accepts the connection from Alice.*, prints a line, and sends [\d,]+ bytes to Alice.*\. Then it asks again\.$/,
    ),
  ]);
  await page.keyboard.press('ArrowRight');
  expect((await shown(page)).title).toMatch(/^Wait 2: Alice.* (says a name|sends \d+\sbytes)/);
});

/** The page of the relay, at a wait. */
async function relayAt(number: number, width = 1280): Promise<Page> {
  const key = 'relay.jsonl';
  const kept = async () => {
    const file = join(folder, key);
    copyFileSync(RELAY, file);
    return { file, ...parsed(readFileSync(file, 'utf8')), stdout: '' };
  };
  const run = recordings.get(key) ?? kept();
  recordings.set(key, run);
  return await opened(await run, { viewport: { width, height: 800 } }, `#${number}`);
}

const textsOf = async (page: Page, selector: string) =>
  (await page.locator(selector).allTextContents()).map((text) => text.replaceAll('\u00a0', ' ').trim());

const boxOf = async (page: Page, selector: string) =>
  (await page.locator(selector).first().boundingBox()) ?? expect.fail(`${selector} is not seen`);

test('where nothing is ready: nothing is red, each 0 is an answer, and nothing is said to be done', async () => {
  const page = await relayAt(5);
  expect(await textsOf(page, '#work')).toEqual(['Nothing to do. It asks again.']);
  expect(await textsOf(page, '#picture .bar')).toEqual([
    'select( )',
    '= 0',
    '1.1 ms, no calls',
    'asks again →',
  ]);
  const calls = await page.locator('#calls').evaluate((list) => getComputedStyle(list, '::before').content);
  expect(calls).toBe('"no calls"');
  expect(await page.locator('#picture .head-none').count()).toBe(1);
  expect(await page.locator('#picture :is(.head-came, .readybox, .dot)').count()).toBe(0);
  expect(await textsOf(page, '#picture .zerobox')).toEqual(['0', '0', '0', '0']);
  const [zero, asked] = [await boxOf(page, '.zerobox rect'), await boxOf(page, '.askedbox rect')];
  expect(Math.abs(zero.width - asked.width)).toBeLessThan(1);
});

test('a sleep has its length, and the mark of what is not to scale', async () => {
  const page = await relayAt(5);
  expect(await textsOf(page, '#picture .asleepword')).toEqual(['asleep 2.00 s']);
  expect(await page.locator('#picture .break').count()).toBe(1);
  expect(await textsOf(page, '#legend li')).toContain('not to scale');
});

test('a log without times: no length is shown', async () => {
  const log = fileFor('log.strace');
  const wait = 'select(4, [3], NULL, NULL, {tv_sec=2, tv_usec=0}) = 0 (Timeout)\n';
  writeFileSync(log, `listen(3, 128) = 0\n${wait.repeat(2)}exit_group(0) = ?\n+++ exited with 0 +++\n`);
  const html = `${log}.html`;
  expect(await posixSelect(['replay', log, '--html', html]).exit).toBe(0);
  const page = await openedFile(html);
  expect(await textsOf(page, '#work')).toEqual(['Nothing to do. It asks again.']);
  expect(await textsOf(page, '#picture .asleepword')).toEqual(['asleep']);
  expect(await textsOf(page, '#picture .bar')).toEqual(['select( )', '= 0', 'no calls', 'asks again →']);
  expect(await page.locator('#picture .break').count()).toBe(0);
});

test('a client has one name everywhere, and an accept leads to its row', async () => {
  const page = await relayAt(2);
  expect(await textsOf(page, '#title')).toEqual(['Wait 2: port 43854 connects']);
  expect(await textsOf(page, '#work')).toEqual(['It accepts the connection from port 43854.']);
  expect(await textsOf(page, '#picture .call')).toEqual(['new: port 43854, fd 5', 'accept']);
  expect(await textsOf(page, '#picture .setname')).toContain('fd');
  const [ring, name] = [await boxOf(page, '.opens'), await boxOf(page, '.name:has-text("43854")')];
  expect(Math.abs(ring.y + ring.height / 2 - (name.y + name.height / 2))).toBeLessThan(6);
  expect((await textsOf(page, '#sentences, #follow')).join()).not.toContain('127.0.0.1');
});

test('a send to two has a head and a label at each, and leaps over the row between', async () => {
  const page = await relayAt(6);
  expect(await textsOf(page, '#picture .call')).toEqual(['recv 13 bytes', 'send 13 bytes', 'send 13 bytes']);
  const isBehind = await page.evaluate(() => {
    const [bar, bit] = ['.bar-came', '#picture .bit'].map((selector) => document.querySelector(selector));
    return Boolean(bar && bit && bar.compareDocumentPosition(bit) & Node.DOCUMENT_POSITION_FOLLOWING);
  });
  expect(isBehind).toBe(true);
  const heads = await page.locator('#stage .head-asked').evaluateAll((all) => all.length);
  expect(heads).toBe(3); // that of the question among them
  expect(await page.locator('.line.asked').getAttribute('d')).toMatch(/^M[^a]*a8 8 0 0 1 0 16 V[\d.]+$/);
});

test.each([1280, 1024, 400])('the legend is whole at %d', async (width) => {
  const page = await relayAt(6, width);
  const names = ['asked', 'ready', 'not ready', 'waits in the kernel', 'asleep', 'works', 'not to scale'];
  const shown = page.locator('#legend li').filter({ visible: true });
  expect((await shown.allInnerTexts()).map((text) => text.replace(/^[01]\s*/, ''))).toEqual([
    ...names,
    'something came',
    'sent',
    'closed',
  ]);
  for (const item of await shown.all()) {
    const box = await item.boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    if (width > 700) expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(800);
  }
  const bars = await textsOf(page, '#picture .bar');
  if (width === 400) expect(bars).toEqual(['asks', 'is told', 'works']);
});

test('marks of the run stand on the border of the chosen wait, and do not hang over the strip', async () => {
  const page = await relayAt(5, 400);
  const came = await page.locator('#whole').evaluate((canvas: HTMLCanvasElement) => {
    const { data } =
      canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? expect.fail();
    const isCame = (i: number) => data[i] === 192 && data[i + 1] === 58 && data[i + 2] === 0;
    return Array.from({ length: data.length / 4 }, (_, i) => i)
      .filter((i) => isCame(4 * i))
      .map((i) => [i % canvas.width, Math.floor(i / canvas.width)] as const);
  });
  const [left, right] = [102, 386];
  expect(Math.max(...came.map(([x]) => x))).toBeLessThan(right);
  const begins = left + (0.618928 / 3.955809) * (right - left);
  const middle = came.filter(([x, y]) => Math.abs(x - begins) < 1 && Math.abs(y - 44.5) < 3);
  expect(middle.length).toBeGreaterThan(0);
});

test('by keyboard and by mouse: jump, play, pause, follow, search', async () => {
  const run = await recorded('select-server', [0]);
  const length = countOf(run);
  const page = await opened(run, { viewport: { width: 1280, height: 1000 } }, '#2');
  await showsWait(page, 2, run);
  const press = (key: string) => () => page.keyboard.press(key);
  const click = (name: string) => () => page.getByRole('button', { name, exact: true }).click();
  const clickRun = (part: number) => async () => {
    const [left, right] = [166, 1280 - 2 * 12 - 16];
    await page.locator('#whole').click({ position: { x: left + (right - left) * part, y: 8 } });
  };
  for (const [act, number] of [
    [press('End'), length],
    [press('ArrowRight'), length],
    [press('ArrowLeft'), length - 1],
    [press('Home'), 1],
    [press('ArrowLeft'), 1],
    [click('Forward'), 2],
    [click('Back'), 1],
    [click('last'), length],
    [click('first'), 1],
    [clickRun(0.9999), length],
    [clickRun(0), 1],
    [() => page.locator('#number').fill('4'), 1],
    [press('Enter'), 4],
    [press('ArrowRight'), 5],
    [() => page.locator('#number').fill('4711'), 5],
    [press('Enter'), length],
    [press('n'), length], // single letters are no keys while the picture has no focus
    [press('Home'), 1],
  ] as const) {
    await act();
    await showsWait(page, number, run);
  }
  const accepted = run.calls.find(({ call }) => call === 'accept')?.result;
  await page.locator('#follow').selectOption({ index: 2 });
  expect(await page.locator('#follow').locator('option:checked').textContent()).toMatch(
    new RegExp(`^${accepted} `),
  );
  await page.locator('#stage').focus();
  for (const [key, number] of [
    ['n', 2],
    ['p', 1],
    ['n', 2],
  ] as const) {
    await press(key)();
    await showsWait(page, number, run);
  }

  await page.locator('#speed').selectOption('16');
  await page.locator('h1').click();
  await page.keyboard.press('Space');
  await page.waitForFunction((last) => location.hash === `#${last}`, length);
  await page.getByRole('button', { name: 'Play' }).waitFor();
  await page.locator('#speed').selectOption('0.25');
  await page.getByRole('button', { name: 'Play' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Play' }).waitFor();

  for (const [query, title] of [
    ['recv ECONNRESET', /resets the connection$/],
    ['sends 15 bytes', /sends 15 bytes$/],
  ] as const) {
    await page.getByRole('searchbox').fill(query);
    await page.locator('#results button').first().click();
    expect((await shown(page)).title.replaceAll('\u00a0', ' ')).toMatch(title);
  }
  await page.getByRole('searchbox').fill('nowhere to be found');
  await page.getByText('Nothing is found.').waitFor();
});

test('predict: the answer is hidden until it is guessed, and right ones are counted', async () => {
  const run = await recorded('select-server', [0]);
  const page = await opened(run);
  await page.getByRole('button', { name: 'Predict' }).click();
  const answers = await page.locator('#answer, #work, #title').allTextContents();
  expect(answers).toEqual([
    'Wait 1: what will select find?',
    'Click what will be ready, or nothing.',
    'You will see.',
  ]);
  expect((await shown(page)).bits.filter((bit) => bit.endsWith('ready'))).toEqual([]);
  expect(await page.locator('#calls li').count()).toBe(0);
  await page.getByRole('checkbox', { name: /^listener will be ready/ }).click();
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByText('Right.', { exact: true }).waitFor();
  await showsWait(page, 1, run);
  await page.keyboard.press('ArrowRight');
  await page.getByRole('button', { name: 'Check' }).click(); // nothing, which is wrong
  await page.getByText('Not quite.').waitFor();
  await page.getByText('1 of 2 right').waitFor();
  // By keyboard alone.
  await page.keyboard.press('ArrowRight');
  await page.getByRole('checkbox').first().focus();
  await page.keyboard.press('Space');
  expect(await page.getByRole('checkbox').first().getAttribute('aria-checked')).toBe('true');
});

test('predict: what was printed before is seen', async () => {
  const page = await relayAt(6);
  await page.getByRole('button', { name: 'Predict' }).click();
  expect(await textsOf(page, '#output')).toEqual(['38093']);
});

test('what comes from the network is text, and nothing else', async () => {
  const run = await recorded('talk-server', ['-v', '-p', 0]);
  const html = await written(run);
  expect(readFileSync(html, 'utf8')).not.toContain('<img');
  const page = await opened(run);
  await page.keyboard.press('End');
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.title()).toBe(`talk-server ${run.head.args.join(' ')}, recorded`);
  expect(EVIL).toContain('<img');
});

test('the policy lets nothing in: no script, no style, no picture, no connection', async () => {
  const html = await copiedPage(await recorded('select-server', [0]));
  const text = readFileSync(html, 'utf8');
  writeFileSync(
    html,
    text.replace(
      '</header>',
      '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><script>window.intruder = 1</script></header>',
    ),
  );
  const page = await browser().newPage();
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
  [1024, 768],
  [400, 860],
])('at %d × %d it fits, and can be read and reached', async (width, height) => {
  const run = await recorded('chatserver', [0]);
  const page = await opened(run, { viewport: { width, height }, hasTouch: width < 500 });
  for (let number = 1; number <= countOf(run); number++) {
    const sizes = await page.evaluate(() => {
      const texts = [...document.querySelectorAll('main *, footer *')].filter(
        (element) => element.textContent?.trim() && element.getBoundingClientRect().width > 0,
      );
      return {
        width: document.documentElement.scrollWidth,
        font: Math.min(...texts.map((element) => Number.parseFloat(getComputedStyle(element).fontSize))),
      };
    });
    expect(sizes.width).toBeLessThanOrEqual(width);
    expect(sizes.font).toBeGreaterThanOrEqual(12);
    const box = await page.getByRole('button', { name: 'Forward', exact: true }).boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(height);
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(24);
    await page.keyboard.press('ArrowRight');
  }
  await page.getByRole('button', { name: 'Predict' }).click();
  await page.getByRole('button', { name: 'Check' }).click();
  const score = await boxOf(page, '#score');
  expect(score.x + score.width).toBeLessThanOrEqual(width);
});

test.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 400],
] as const)('no violation that axe knows: %s, %d wide', async (colorScheme, width) => {
  const run = await recorded('chatserver', [0]);
  const html = withoutPolicy(await copiedPage(run));
  const page = await openedFile(html, { colorScheme, viewport: { width, height: 800 } }, '#3');
  for (const state of ['as it is', 'unfolded', 'predicting', 'searching']) {
    if (state === 'unfolded')
      await page.evaluate(() => {
        for (const fold of document.querySelectorAll('details')) fold.open = true;
      });
    if (state === 'predicting') await page.getByRole('button', { name: 'Predict' }).click();
    if (state === 'searching') {
      await page.getByRole('searchbox').fill('alice');
      await page.locator('#results button').first().waitFor();
    }
    expect([state, await violationsIn(page)]).toEqual([state, []]);
  }
});

test('100,000 calls: any wait at once, in some hundred kilobytes', async () => {
  const run = await copied('select-server', [0]);
  writeFileSync(run.file, long(run, 100_000));
  expect(statSync(await written(run)).size).toBeLessThan(1_500_000);
  const page = await opened(run);
  const number = page.locator('#number');
  const length = Number(await number.getAttribute('max'));
  expect(length).toBeGreaterThan(20_000);
  for (let i = 0; i < 30; i++) {
    const wait = 1 + ((i * 7919) % length);
    await number.fill(String(wait));
    await number.press('Enter');
    expect((await shown(page)).number).toBe(wait);
  }
  expect(await page.locator('#summary').textContent()).toMatch(/^[\d,]+ waits in /);
});

test('a crowd: ready ones have rows of their own, all others share one', async () => {
  const run = await recordCrowd(100);
  const page = await opened(run);
  const steps = expectedSteps(run.calls);
  const number = steps.findIndex(({ reasons }) => reasons.some((reason) => reason.includes(': 4 bytes')));
  await page.locator('#number').fill(String(number));
  await page.locator('#number').press('Enter');
  expect((await shown(page)).bits).toEqual(bitsOf(steps[number] as Expected));
  await page.locator('#picture .name', { hasText: '99 more' }).waitFor();
});

/** A talk-server that sends to many clients with names, in as many rounds. */
async function broadcasts(count: number): Promise<Recorded> {
  const run = await copied('talk-server', ['-p', 0]);
  const { head, calls } = run;
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
  writeFileSync(run.file, [...lines, { ended: count }].map((line) => `${JSON.stringify(line)}\n`).join(''));
  return run;
}

test('40,000 messages to 200 clients, in some kilobytes, each with its name', async () => {
  const run = await broadcasts(200);
  expect(statSync(await written(run)).size).toBeLessThan(300_000);
  const page = await opened(run);
  await page.keyboard.press('End');
  const calls = await page.locator('#calls li').allTextContents();
  expect(calls).toHaveLength(200);
  expect(calls[199]).toMatch(/^send 229 user 881 of all: \d+\u00a0bytes /);
});

test('on paper the run is a storyboard, a card for each wait', async () => {
  const run = await recorded('chatserver', [0]);
  const page = await opened(run, { viewport: { width: 800, height: 600 } });
  const pdf = await page.pdf({ format: 'A4' });
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await page.locator('#storyboard .card').count()).toBe(countOf(run));
  expect(await page.getByRole('button').count()).toBe(0);
  expect(await page.locator('.card').first().locator('.ready').count()).toBe(1);
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(paper).toBe('rgb(255, 255, 255)');
});

test('a teacher’s notes stand beside their waits', async () => {
  const run = await recorded('select-server', [0]);
  const notes = fileFor('notes.md');
  writeFileSync(
    notes,
    '# My lesson\n\n2: Why is the *listener* ready?\nAsk first.\n\n## Wait 3\nThe <b>bits</b>.\n',
  );
  const html = fileFor('run.html');
  expect(await posixSelect(['replay', run.file, '--html', html, '--notes', notes]).exit).toBe(0);
  const page = await openedFile(html, {}, '#2');
  await page.getByText('Why is the *listener* ready? Ask first.').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByText('The <b>bits</b>.').waitFor();
  await page.keyboard.press('ArrowRight');
  await page.locator('#comment').waitFor({ state: 'hidden' });
});

test('a page that cannot be written is an error of one line', async () => {
  const { file } = await copied('select-server', [0]);
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
