/** Replaying: the timeline of a recording, and the player in the terminal. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { OtherCall } from '../../dist/teach/recording/format.js';
import { read } from '../../dist/teach/recording/read.js';
import { timelineOf } from '../../dist/teach/replay/from-recording.js';
import { screen } from '../../dist/teach/replay/screen.js';
import { packed, type Step, Timeline, unpacked } from '../../dist/teach/replay/timeline.js';
import { pictures } from '../../dist/teach/trace/explain.js';
import { Process, until } from '../support/process.js';
import { EVIL, expectedSteps, long, RECORDED, record, recordCrowd, spelled } from '../support/recordings.js';
import { CTRL_C, Terminal } from '../support/terminals.js';
import { fileFor, posixSelect } from '../support/traced.js';

const timelineFor = (file: string) => new Timeline(timelineOf(read(file)));
const stepsOf = (timeline: Timeline) =>
  Array.from({ length: timeline.length }, (_, i) => timeline.step(i + 1));

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const STEERING = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

/** What the player itself says to a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const OURS = /\x1b\[(\?\d+[hl]|[HKJ]|\d*m)/g;

/** The last words: the cursor, the wrapping, and the other screen. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const LEFT_ALONE = /\x1b\[\?25h\x1b\[\?7h\x1b\[\?1049l$/;

/** What is on the screen that was drawn last. */
function frame(stdout: string, columns = 80): string[] {
  const text = stdout.split('\x1b[H').findLast((text) => text.includes('\x1b[J')) ?? '';
  return shownBy(text, columns);
}

/** What a character does to a terminal: a style, an erasure, a step to the left or down, or a letter. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const DOES = /\x1b\[\d*(?<letter>[A-Za-z])|\x1b\[\?\d+[hl]|./gsu;

/** The lines of a terminal that does not wrap: there the last column takes what no longer fits. */
function shownBy(text: string, columns: number): string[] {
  const lines: string[][] = [[]];
  let column = 0;
  for (const { 0: char, groups } of text.matchAll(DOES)) {
    const line = lines.at(-1) as string[];
    const columnsOf = widthOf(char);
    if (groups?.letter === 'K' || groups?.letter === 'J') line.length = Math.min(line.length, column);
    else if (char.startsWith('\x1b')) continue;
    else if (char === '\r') column = 0;
    else if (char === '\n') lines.push([]);
    else if (columnsOf === 0) line[column - 1] += char;
    else {
      line.splice(column, columnsOf, char, ...Array(columnsOf - 1).fill(''));
      column = Math.min(column + columnsOf, columns - 1);
    }
  }
  return lines.map((line) => line.join(''));
}

/** Of the characters that these tests have. */
function widthOf(text: string): number {
  return [...text].reduce((sum, char) => {
    if (/\p{Mn}/u.test(char)) return sum;
    return sum + (/\p{Script=Han}|\p{Script=Katakana}|\p{Emoji_Presentation}/u.test(char) ? 2 : 1);
  }, 0);
}

describe.each(RECORDED)('%s', (_, program, args) => {
  test('each step has the recording’s bits, sentences, names and output', async () => {
    const recorded = await record(program, args);
    const timeline = timelineFor(recorded.file);
    const steps = stepsOf(timeline);
    const expected = expectedSteps(recorded.calls);
    expect(timeline.length).toBe(expected.length);
    for (const [i, { before, after, reasons, calls }] of expected.entries()) {
      const { wait, bits, sentences } = steps[i];
      const bitsOf = (when: string) => bits.filter((row) => row.when === when).map(({ fds }) => [...fds]);
      const sets = (of: typeof before) =>
        before
          ? (['readfds', 'writefds', 'exceptfds'] as const).flatMap((set) =>
              before[set] ? [of?.[set] ?? []] : [],
            )
          : [];
      expect(bitsOf('before')).toEqual(sets(before));
      expect(bitsOf('after')).toEqual(sets(after));
      expect(wait?.reasons ?? []).toEqual(reasons);
      expect(sentences).toHaveLength(calls);
    }

    const last = steps.at(-1);
    const printed = spelled(recorded.stdout);
    expect(last?.output).toBe(printed);
    expect(steps.map(({ output, printed }) => output.slice(output.length - printed)).join('')).toBe(printed);
    expect(steps[1].table).toContainEqual(
      expect.objectContaining({ name: 'listener', waits: ['read'], ready: ['read'] }),
    );
    expect(JSON.stringify(steps)).not.toMatch(STEERING);
  });
});

test('a descriptor’s row has its name, and its name at the end of the step', async () => {
  const recorded = await record('chatserver', [0]);
  const timeline = timelineFor(recorded.file);
  const rows = stepsOf(timeline).flatMap(({ table }) => table.filter(({ then }) => then !== undefined));
  const alice = recorded.calls.find(({ call }) => call === 'accept')?.result as number;
  const history = rows.filter(({ fd }) => fd === alice).map(({ name, then }) => [name, then]);
  expect(history).toEqual([
    [null, expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
    [expect.stringMatching(/^127\.0\.0\.1:\d+$/), expect.stringMatching(/^Alice/)],
    [expect.stringMatching(/^Alice/), null],
  ]);
});

test('goes from step to step in which something happens on a descriptor', async () => {
  const { file, calls } = await record('select-server', [0]);
  const timeline = timelineFor(file);
  const fd = calls.find(({ call }) => call === 'accept')?.result as number;
  const steps = stepsOf(timeline).flatMap(({ number, wait, sentences }) =>
    [...(wait?.reasons ?? []), ...sentences].some((text) => new RegExp(`\\b${fd} (is|127)`).test(text))
      ? [number]
      : [],
  );
  const forth: number[] = [];
  for (let at = timeline.next(fd, 1, 1); at; at = timeline.next(fd, at, 1)) forth.push(at);
  const back: number[] = [];
  for (let at = timeline.next(fd, timeline.length, -1); at; at = timeline.next(fd, at, -1)) back.push(at);
  expect(forth).toEqual(steps);
  expect(back.toReversed()).toEqual(steps.filter((step) => step < timeline.length));
  expect(timeline.next(1023, 1, 1)).toBeUndefined();
});

test.each([
  [80, 24],
  [200, 50],
  [40, 10],
])('a screen of %d × %d has room for each step', async (columns, rows) => {
  const timeline = timelineFor((await record('chatserver', [0])).file);
  for (const step of stepsOf(timeline)) {
    const lines = screen(timeline, step, { columns, rows }).map(stripVTControlCharacters);
    expect(lines.length).toBeLessThan(rows);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    const words = [...lines, ''].join(' ').replace(/ +/g, ' ');
    for (const reason of step.wait?.reasons ?? []) expect(words).toContain(` ${reason} `);
    if (step.wait && rows >= 24) expect(words).toContain(` ${step.wait.outcome} `);
    const ready = pictures(step.bits, step.wait?.nfds ?? 0, columns).filter(({ isReady }) => isReady);
    expect(lines).toEqual(expect.arrayContaining(ready[0]?.lines ?? []));
    if (rows >= 24) expect(lines.join('\n')).toContain(step.output.trimEnd().split('\n').at(-1));
  }
});

test('a tiny screen has the wait, why it has ended, and its bits', async () => {
  const timeline = timelineFor((await record('chatserver', [0])).file);
  for (const step of stepsOf(timeline).filter(({ wait }) => wait?.reasons.length)) {
    const lines = screen(timeline, step, { columns: 60, rows: 5 }).map(stripVTControlCharacters);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^select waits /);
    expect(lines[2]).toBe(`  ${step.wait?.reasons[0]}`);
    expect(lines[3]).toMatch(/^ {2}readfds +[.1]+ before$/);
  }
});

test('packed for the page, a timeline has each set once, and is the same unpacked', async () => {
  const timeline = timelineOf(read((await recordCrowd(50)).file));
  const page = JSON.parse(JSON.stringify(packed(timeline)));
  const sets = page.sets.map(String);
  expect(new Set(sets).size).toBe(sets.length);
  expect(unpacked(page)).toEqual(timeline);
});

/** A recording of a server with one client, who has a name. */
function namedTimeline(name: string): Timeline {
  const sets = { readfds: [0, 25], writefds: null, exceptfds: null };
  const wait = {
    ...{ call: 'select', at: 1, timeout: 'waits for ever', nfds: 26, before: sets, after: sets },
    ...{ outcome: '2 ready after 1 s', reasons: [`25 ${name}: 5 bytes can be read`] },
  };
  const names = { 0: 'stdin', 1: 'stdout', 25: name, 26: 'Ada' };
  return new Timeline({
    program: 'chatserver',
    notes: [],
    calls: [{ names }, { wait, output: `${name}\n` }],
  });
}

test('wide characters and accents leave the columns where they are, and are cut whole', () => {
  const name = '漢字😀e\u0301';
  const timeline = namedTimeline(name);
  const lines = screen(timeline, timeline.step(2), { columns: 80, rows: 24 }).map(stripVTControlCharacters);
  const row = lines.find((line) => line.includes('Ada')) as string;
  expect(widthOf(row.slice(0, row.indexOf(' 26 ')))).toBe(40);
  for (let columns = 4; columns <= 40; columns++) {
    const long = namedTimeline(name.repeat(20));
    const drawn = screen(long, long.step(2), { columns, rows: 99 }).map(stripVTControlCharacters);
    const [output] = drawn.slice(-1);
    expect(widthOf(output)).toBeLessThanOrEqual(columns);
    expect(widthOf(output)).toBeGreaterThanOrEqual(columns - 1);
    expect(output.startsWith('漢')).toBe(true);
    expect(output.endsWith('…')).toBe(true);
  }
});

test('of very many descriptors, the bits of those that are ready come first', async () => {
  const { file } = await recordCrowd(500);
  const timeline = timelineFor(file);
  const step = stepsOf(timeline).find(({ wait }) =>
    wait?.reasons.some((reason) => reason.includes(': 4 bytes')),
  ) as Step;
  for (const rows of [24, 10]) {
    const lines = screen(timeline, step, { columns: 80, rows }).map(stripVTControlCharacters);
    const ruler = lines.findIndex((line) => line.startsWith('  fd '));
    expect(lines[ruler + 2]).toMatch(/1.* after$/);
  }
});

test('of many descriptors, those that something happens on come first', async () => {
  const { file, calls } = await recordCrowd(100);
  const timeline = timelineFor(file);
  const fd = calls.find(({ call, result }) => call === 'recv' && result === 4) as OtherCall;
  const step = stepsOf(timeline).find(({ wait }) =>
    wait?.reasons.some((reason) => reason.includes(': 4 bytes')),
  );
  expect(step?.table.length).toBeGreaterThan(100);
  expect(step?.table[0]).toMatchObject({ fd: fd.fd, ready: ['read'] });
  const lines = screen(timeline, step as Step, { columns: 80, rows: 24 }).map(stripVTControlCharacters);
  expect(lines.length).toBeLessThan(24);
  expect(lines.join('\n')).toMatch(new RegExp(`^  ${fd.fd} 127.*: 4 bytes can be read$`, 'm'));
  expect(lines.join('\n')).toMatch(new RegExp(`^ *${fd.fd} ● read  127`, 'm'));
});

test('where stdout is no terminal, all steps come as text', async () => {
  const { file, stdout, head } = await record('srv', ['127.0.0.1', 0]);
  const replay = posixSelect(['replay', file]);
  expect(await replay.exit).toBe(0);
  expect(replay.stderr).toBe('');
  expect(replay.lines[0]).toBe(`srv ${head.args.join(' ')}`);
  const timeline = timelineFor(file);
  for (const { number, wait } of stepsOf(timeline)) {
    expect(replay.stdout).toContain(`\nstep ${number} of ${timeline.length}\n`);
    for (const reason of wait?.reasons ?? []) expect(replay.stdout).toContain(`\n  ${reason}\n`);
  }
  expect(replay.stdout.match(/^ {2}> /gm)).toHaveLength(stdout.split('\n').filter(Boolean).length);
  expect(replay.stdout).not.toMatch(STEERING);
});

test('a reader of the text may stop before its end', async () => {
  const file = fileFor('long.jsonl');
  writeFileSync(file, long(await record('select-server', [0]), 20_000));
  const head = new Process('sh', [
    '-c',
    '"$0" dist/cli/main.js replay "$1" | head -n 1',
    process.execPath,
    file,
  ]);
  expect(await head.exit).toBe(0);
  expect(head.stdout).toMatch(/^select-server 0\n$/);
  expect(head.stderr).toBe('');
});

describe('in the terminal', () => {
  const RIGHT = '\x1b[C';
  const LEFT = '\x1b[D';
  const HOME = '\x1b[H';
  const END = '\x1b[F';

  async function playing(text?: (file: string) => void) {
    const { file } = await record('select-server', [0]);
    text?.(file);
    const timeline = timelineFor(file);
    const terminal = new Terminal('replay', [file]);
    const shows = async (pattern: RegExp) => {
      await until(`the screen shows ${pattern}`, () => pattern.test(frame(terminal.stdout).join('\n'))).catch(
        (err) => expect.fail(`${err}\n${frame(terminal.stdout).join('\n')}\n${terminal.stderr}`),
      );
    };
    const at = (step: number) => shows(new RegExp(` step ${step} of ${timeline.length}\n`));
    await at(1);
    return { terminal, timeline, shows, at };
  }

  /** The terminal's name, to ask and to tell it its size. */
  function ptyOf({ pid }: Process): string {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return links.find((link) => /^\/dev\/pts\/\d+$/.test(link)) as string; // not its master, /dev/pts/ptmx
  }

  const childOf = (pid: number) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));

  test('forward, back, to the start, the end and a step', async () => {
    const { terminal, timeline, at } = await playing();
    expect(frame(terminal.stdout).at(-1)).toMatch(/^q quit .*f follow fd$/);
    for (let step = 2; step <= timeline.length; step++) {
      terminal.type(RIGHT);
      await at(step);
      const lines = frame(terminal.stdout).map((line) => line.trimEnd());
      expect(lines).toHaveLength(24);
      for (const reason of timeline.step(step).wait?.reasons ?? []) expect(lines).toContain(`  ${reason}`);
    }
    for (const [keys, step] of [
      [RIGHT, timeline.length],
      [LEFT, timeline.length - 1],
      [HOME, 1],
      [LEFT, 1],
      [END, timeline.length],
      ['g2\r', 2],
      [RIGHT + RIGHT, 4],
      ['g99999\r', timeline.length],
    ] as const) {
      terminal.type(keys);
      await at(step);
    }
    terminal.type('q');
    const screens = await terminal.left();
    expect(screens.startsWith('\x1b[?1049h')).toBe(true);
    expect(screens.endsWith('\x1b[?1049l')).toBe(true);
    const drawn = screens.replaceAll(OURS, '').replaceAll('\r', '');
    expect(drawn).not.toMatch(STEERING);
    expect(drawn).toContain('\\x1b[2J');
    expect(EVIL).toContain('\x1b[2J');
  });

  test('plays, faster and faster, to the end; a key stops it', async () => {
    const { terminal, timeline, shows, at } = await playing();
    terminal.type('++++++ ');
    await at(timeline.length);
    await shows(/space play /);
    terminal.type(`${HOME}------- `);
    await shows(/space pause/);
    terminal.type(RIGHT);
    await at(2);
    await shows(/space play /);
    terminal.type('q');
    await terminal.left();
  });

  test('follows a descriptor', async () => {
    const { terminal, timeline, shows, at } = await playing();
    const fd = timeline.fds.at(-1) as number;
    const first = timeline.next(fd, 1, 1) as number;
    terminal.type(`f${fd}\r`);
    await at(first);
    terminal.type('n');
    await at(timeline.next(fd, first, 1) as number);
    terminal.type('p');
    await at(first);
    terminal.type('p');
    await shows(new RegExp(`nothing earlier happens on fd ${fd}`));
    terminal.type('q');
    await terminal.left();
  });

  test('a window that changes its size is filled anew', async () => {
    const { terminal, at } = await playing();
    const pty = ptyOf(terminal);
    terminal.type(RIGHT);
    await at(2);
    for (const [rows, columns] of [
      [40, 120],
      [24, 80],
    ]) {
      execFileSync('stty', ['-F', pty, 'rows', String(rows), 'cols', String(columns)]);
      await until(`it is drawn in ${rows} rows of ${columns}`, () => {
        const lines = frame(terminal.stdout, columns);
        return lines.length === rows && lines[0]?.length === columns && / step 2 of \d+$/.test(lines[0]);
      });
    }
    terminal.type('q');
    await terminal.left();
  });

  test('Ctrl-C leaves the terminal as it was', async () => {
    const { terminal } = await playing();
    terminal.type(CTRL_C);
    expect(await terminal.left()).toMatch(LEFT_ALONE);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('%s leaves the terminal as it was', async (signal, exit) => {
    const { terminal } = await playing();
    process.kill(childOf(terminal.pid), signal);
    expect(await terminal.exit).toBe(exit);
    expect(terminal.stdout).toMatch(LEFT_ALONE);
    expect(terminal.stderr).toBe('');
  });

  test('100,000 calls can be stepped through in any order', async () => {
    const recorded = await record('select-server', [0]);
    writeFileSync(recorded.file, long(recorded, 100_000));
    const timeline = timelineFor(recorded.file);
    expect(timeline.length).toBeGreaterThan(20_000);
    for (let i = 0; i < 1000; i++) {
      const number = 1 + ((i * 7919) % timeline.length);
      const shown = screen(timeline, timeline.step(number), { columns: 80, rows: 24 }).join('\n');
      expect(stripVTControlCharacters(shown)).toContain(` ${number} `);
    }
  });
});
