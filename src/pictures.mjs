#!/usr/bin/env node
/**
 * Makes the README's pictures from a recording, so that they show what the tools show today.
 *
 *     node src/pictures.mjs [FOLDER]    into docs/pictures, or into FOLDER
 *
 * page-light.png and page-dark.png are the page of `replay --html`, in chromium; explain.svg is a wait of
 * `--trace=explain`. chat.jsonl is a run of chatserver with three clients.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { read } from '../dist/teach/recording/read.js';
import { page } from '../dist/teach/replay/page.js';
import { programsOf } from '../dist/teach/replay/programs.js';
import { Explanation, setsOf } from '../dist/teach/trace/explain.js';

const FOLDER = fileURLToPath(new URL('../docs/pictures', import.meta.url));
const RECORDING = join(FOLDER, 'chat.jsonl');

/** The wait that is shown: alice sends a line, and all get it. */
const WAIT = 7;

const VIEWPORT = { width: 1280, height: 800 };

/** Pixels of the terminal: its letters, its lines, and the room around them. */
const [CHAR, LINE, SIZE, MARGIN] = [8.4, 21, 14, 22];

/** What is said in colour: the page's names of the four sentences, and the bits that are set. */
const PARTS =
  /(1 The question|2 Sleep|3 The answer|4 The work|^wait \d+: \w+|^\$.*)|(1)(?=[.1]* (?:before|after))/g;

const STYLE = `
svg { font: ${SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
rect { fill: #f6f8fb; stroke: #c3ccd6; } text { fill: #13202d; white-space: pre; }
.question, .before { fill: #0a58ca; } .answer, .after { fill: #c03a00; } .strong, .bit { font-weight: 700; } .sleep { fill: #42557a; }
@media (prefers-color-scheme: dark) {
  rect { fill: #10161d; stroke: #43505e; } text { fill: #eaf0f6; }
  .question, .before { fill: #8fbcff; } .answer, .after { fill: #ff9a57; } .sleep { fill: #b3c5ea; }
}`;

/** A wait as --trace=explain shows it, with its calls. */
function explained() {
  const explanation = new Explanation();
  let wait = 0;
  let text = '';
  for (const call of read(RECORDING).calls) {
    const before = explanation.beforeWait(call);
    if (setsOf(call)) wait++;
    const after = explanation.text(call);
    if (wait === WAIT) text += before + after;
  }
  return `$ npx posix-select --trace=explain chatserver\n…\n${text.trim()}`.split('\n');
}

const escaped = (text) => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);

function classOf(part, line) {
  if (part === '1') return `bit ${line.endsWith('before') ? 'before' : 'after'}`;
  return `strong ${/question|sleep|answer/i.exec(part)?.[0].toLowerCase() ?? ''}`.trim();
}

/** A line, with its parts in colour; each letter has its place, whatever the font. */
function lineOf(line, i) {
  const y = MARGIN + (i + 0.75) * LINE;
  const span = (part) => `<tspan class="${classOf(part, line)}">${escaped(part)}</tspan>`;
  let at = 0;
  let content = '';
  for (const { 0: part, index } of line.matchAll(PARTS)) {
    content += escaped(line.slice(at, index)) + span(part);
    at = index + part.length;
  }
  content += escaped(line.slice(at));
  const length = (line.length * CHAR).toFixed(1);
  return `<text x="${MARGIN}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs" xml:space="preserve">${content}</text>`;
}

function terminal() {
  const lines = explained().map((line) => (line.length > 96 ? `${line.slice(0, 95)}…` : line));
  const width = Math.ceil(Math.max(...lines.map(({ length }) => length)) * CHAR + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A wait of --trace=explain in a terminal">
<style>${STYLE}
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>
${lines.map(lineOf).join('\n')}
</svg>
`;
}

async function photographs(out) {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  const html = join(folder, 'chat.html');
  writeFileSync(html, page(programsOf(RECORDING)));
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ colorScheme, viewport: VIEWPORT, deviceScaleFactor: 1.5 });
      const tab = await context.newPage();
      await tab.goto(`${pathToFileURL(html)}#${WAIT}`);
      await tab.locator('main').waitFor();
      await tab.evaluate(() => document.fonts.ready);
      await tab.screenshot({ path: join(out, `page-${colorScheme}.png`) });
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

const out = process.argv[2] ?? FOLDER;
writeFileSync(join(out, 'explain.svg'), terminal());
await photographs(out);
