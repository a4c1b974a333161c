/** Replaying: the story of a recording, and the player in the terminal. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { OtherCall } from '../../dist/teach/recording/format.js';
import { Chapters, type Place } from '../../dist/teach/replay/chapters.js';
import { screen } from '../../dist/teach/replay/screen.js';
import { sentencesOf } from '../../dist/teach/story/sentences.js';
import type { Life, StoryStep } from '../../dist/teach/story/story.js';
import { CLI, Process, until } from '../support/process.js';
import {
  EVIL,
  expectedSteps,
  long,
  RECORDED,
  RELAY,
  record,
  recordCrowd,
  spelled,
} from '../support/recordings.js';
import { CTRL_C, CTRL_Z, Terminal } from '../support/terminals.js';
import { fileFor, posixSelect } from '../support/traced.js';

/** The places of all waits, the set-up first. */
const placesOf = (chapters: Chapters): Place[] =>
  Array.from({ length: chapters.length + 1 }, (_, i) => chapters.at(i));
const stepOf = ({ story, number }: Place): StoryStep => story.step(number);
const screenOf = (place: Place, size: { columns: number; rows: number }) =>
  screen(place, `wait ${place.number}`, size).map(stripVTControlCharacters);
/** The answer of a wait as the terminal has it. */
const answerOf = (place: Place) =>
  sentencesOf(place.story, stepOf(place))
    .answer.map(({ name, text }) => `${name} ${text}`.trim())
    .join(' ')
    .replaceAll('\u00a0', ' ');

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/;

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
  test('each wait has the recording’s sets, sentences, names and output', async () => {
    const recorded = await record(program, args);
    const places = placesOf(new Chapters(recorded.file));
    const expected = expectedSteps(recorded.calls);
    expect(places).toHaveLength(expected.length);
    for (const [i, { before, after, reasons, calls }] of expected.entries()) {
      const place = places[i] as Place;
      const { wait, calls: made } = stepOf(place);
      const fds = (lives: number[] | null | undefined) =>
        lives?.map((life) => place.story.life(life).fd) ?? null;
      expect([wait?.asked.read, wait?.asked.write, wait?.asked.except].map(fds)).toEqual([
        before?.readfds ?? null,
        before?.writefds ?? null,
        before?.exceptfds ?? null,
      ]);
      expect([fds(wait?.ready.read) ?? [], fds(wait?.ready.write) ?? []]).toEqual([
        after?.readfds ?? [],
        after?.writefds ?? [],
      ]);
      expect(wait?.reasons.map(({ text }) => text) ?? []).toEqual(
        reasons.map((reason) => reason.replace(/^\d+ .*?: (?=\w)(?!recv)/, '')),
      );
      expect(made).toHaveLength(calls);
    }

    const { story } = places[0] as Place;
    const printed = spelled(recorded.stdout);
    const calls = places.flatMap((place) => stepOf(place).calls);
    const isPrint = (life: number) => life >= 0 && story.life(life).kind === 'output';
    expect(
      calls.flatMap(({ name, life, text }) => (name === 'write' && isPrint(life) ? text : [])).join(''),
    ).toBe(printed);
    expect(story.data.lives).toContainEqual(expect.objectContaining({ name: 'listener', kind: 'listener' }));
    expect(JSON.stringify(story.data)).not.toMatch(CONTROLS);
  });
});

test('a descriptor lives from its opening to its close, and has the name that it gets', async () => {
  const recorded = await record('chatserver', [0]);
  const { story } = new Chapters(recorded.file).at(0);
  const accepted = recorded.calls.find(({ call }) => call === 'accept')?.result as number;
  const lives = story.data.lives.filter(({ fd }) => fd === accepted);
  expect(lives).toMatchObject([
    { name: expect.stringMatching(/^Alice/), kind: 'conn', from: expect.any(Number), to: expect.any(Number) },
  ]);
  const { from, to, namedBy } = lives[0] as Life;
  expect(story.call(from).name).toBe('accept');
  expect(story.call(to as number).name).toBe('close');
  expect(namedBy).toBeGreaterThan(from);
});

test.each([
  [80, 24],
  [200, 50],
  [40, 10],
])('a screen of %d × %d has room for each wait', async (columns, rows) => {
  const chapters = new Chapters((await record('chatserver', [0])).file);
  for (const place of placesOf(chapters)) {
    const { wait } = stepOf(place);
    const lines = screenOf(place, { columns, rows });
    expect(lines.length).toBeLessThan(rows);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    const words = [...lines, ''].join(' ').replace(/ +/g, ' ');
    if (wait) expect(words).toContain(answerOf(place));
    if (wait) expect(lines.join('\n')).toMatch(/^ {2}readfds +[.1]+ before$/m);
  }
});

/** A recording of a server with one client, who has a name. */
function withName(name: string): Place {
  const file = fileFor('named.jsonl');
  const head = {
    format: 'posix-select recording',
    version: 1,
    program: 'chatserver',
    args: [],
    platform: 'linux',
    began: '',
  };
  const sets = { readfds: [0, 25], writefds: null, exceptfds: null };
  const base = { at: 1, took: 1, result: 2 };
  const why = [{ fd: 25, set: 'read', sentence: '5 bytes can be read' }];
  const lines = [
    head,
    {
      n: 1,
      ...base,
      call: 'select',
      nfds: 26,
      ...sets,
      timeout: null,
      after: sets,
      why,
      names: { 0: 'stdin', 1: 'stdout', 25: name, 26: 'Ada' },
    },
    { n: 2, ...base, call: 'write', fd: 1, length: 9, data: Buffer.from(`${name}\n`).toString('base64') },
    { ended: 3 },
  ];
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return new Chapters(file).at(1);
}

test('wide characters and accents leave the columns where they are, and are cut whole', () => {
  const name = '漢字😀e\u0301';
  const lines = screenOf(withName(name), { columns: 80, rows: 40 });
  const row = lines.find((line) => line.includes('Ada')) as string;
  expect(widthOf(row.slice(0, row.indexOf(' 26 ')))).toBe(40);
  const long = withName(name.repeat(20));
  for (let columns = 4; columns <= 40; columns++) {
    const [output = ''] = screenOf(long, { columns, rows: 199 }).slice(-1);
    expect(widthOf(output)).toBeLessThanOrEqual(columns);
    expect(widthOf(output)).toBeGreaterThanOrEqual(columns - 1);
    expect(output.startsWith('漢')).toBe(true);
    expect(output.endsWith('…')).toBe(true);
  }
});

/** What replay prints of the relay's recording. @param change changes its text */
async function relayed(change: (text: string) => string): Promise<string> {
  const file = fileFor('relay.jsonl');
  writeFileSync(file, change(readFileSync(RELAY, 'utf8')));
  const replay = posixSelect(['replay', file]);
  expect(await replay.exit).toBe(0);
  return replay.stdout;
}

test('a peer is its port, and its address where another host’s peer has the same port', async () => {
  const text = await relayed((text) => text);
  expect(text).toContain('\nselect at 2.621 s: port 43854 sends 13 bytes\n');
  expect(text).toContain(
    '  4 The work      It reads 13 bytes and sends 13 bytes to port 43848 and port 43868.\n',
  );
  expect(text).not.toContain('127.0.0.1:43');
  const two = await relayed((text) => text.replaceAll('127.0.0.1:43868', '127.0.0.2:43854'));
  expect(two).toContain('sends 13 bytes to port 43848 and 127.0.0.2:43854.\n');
  expect(two).toContain(': 127.0.0.1:43854 sends 13 bytes\n');
});

test('work that is none says so, and what it calls has a name', async () => {
  const text = await relayed((text) => text);
  expect(text).toContain(
    '  4 The work      It accepts the connection from port 43848. Then it asks again.\n',
  );
  expect(text).toMatch(
    / 3 The answer {4}None\. The 2\.00 s are over\.\n {2}4 The work {6}Nothing to do\. It asks again\.\n/,
  );
  const fails = (call: string) => call.replace('"result":13', '"result":-1,"errno":"EAGAIN"');
  const failed = await relayed((text) => text.replace(/.*"n":26,.*/, fails).replace(/.*"n":2[78],.*\n/g, ''));
  expect(failed).toContain('  4 The work      It calls recv (EAGAIN). Then it asks again.\n');
  const ended = await relayed((text) => text.replace(/(.*"n":2[5-9],|.*"n":[34]\d,).*\n/g, ''));
  expect(ended).toContain('  4 The work      Nothing to do. The recording ends.\n');
});

test('of many descriptors, those that are ready come first', async () => {
  for (const count of [100, 500]) {
    const recorded = await recordCrowd(count);
    const fd = recorded.calls.find(({ call, result }) => call === 'recv' && result === 4) as OtherCall;
    const place = placesOf(new Chapters(recorded.file)).find((place) =>
      answerOf(place).includes('4 bytes'),
    ) as Place;
    const lines = screenOf(place, { columns: 80, rows: 30 });
    expect(lines.length).toBeLessThan(30);
    const ruler = lines.findIndex((line) => line.startsWith('  fd '));
    if (count === 500) expect(lines[ruler + 2]).toMatch(/1.* after$/);
    expect(lines.join('\n')).toMatch(new RegExp(`^ *${fd.fd} ● read  port`, 'm'));
  }
});

test('where stdout is no terminal, all waits come as text', async () => {
  const { file, stdout, head } = await record('srv', ['127.0.0.1', 0]);
  const replay = posixSelect(['replay', file]);
  expect(await replay.exit).toBe(0);
  expect(replay.stderr).toBe('');
  expect(replay.lines[0]).toBe(`srv ${head.args.join(' ')}`);
  const chapters = new Chapters(file);
  for (const place of placesOf(chapters).slice(1)) {
    expect(replay.stdout).toContain(`\nwait ${place.number} of ${chapters.length}\n`);
    expect(replay.stdout).toContain(`\n  3 The answer    ${answerOf(place)}\n`);
  }
  expect(replay.stdout.match(/^ {2}> /gm)).toHaveLength(stdout.split('\n').filter(Boolean).length);
  expect(replay.stdout).not.toMatch(CONTROLS);
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
    const chapters = new Chapters(file);
    const terminal = new Terminal('replay', [file]);
    const shows = async (pattern: RegExp) => {
      await until(`the screen shows ${pattern}`, () => pattern.test(frame(terminal.stdout).join('\n'))).catch(
        (err) => expect.fail(`${err}\n${frame(terminal.stdout).join('\n')}\n${terminal.stderr}`),
      );
    };
    const at = (step: number) =>
      shows(new RegExp(step === 0 ? ' set-up, ' : ` wait ${step} of ${chapters.length}\n`));
    await at(1);
    return { terminal, chapters, shows, at };
  }

  /** The terminal's name, to ask and to tell it its size. */
  function ptyOf({ pid }: Process): string {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return links.find((link) => /^\/dev\/pts\/\d+$/.test(link)) as string; // not its master, /dev/pts/ptmx
  }

  const childOf = (pid: number) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));

  test('forward, back, to the start, the end and a step', async () => {
    const { terminal, chapters, at } = await playing();
    expect(frame(terminal.stdout).at(-1)).toMatch(/^q quit .*f follow fd$/);
    for (let step = 2; step <= chapters.length; step++) {
      terminal.type(RIGHT);
      await at(step);
      const lines = frame(terminal.stdout).map((line) => line.trimEnd());
      expect(lines).toHaveLength(24);
      expect(lines.join(' ').replace(/ +/g, ' ')).toContain(answerOf(chapters.at(step)));
    }
    for (const [keys, step] of [
      [RIGHT, chapters.length],
      [LEFT, chapters.length - 1],
      [HOME, 1],
      [LEFT, 0],
      [RIGHT, 1],
      [END, chapters.length],
      ['g2\r', 2],
      [RIGHT + RIGHT, 4],
      ['g99999\r', chapters.length],
    ] as const) {
      terminal.type(keys);
      await at(step);
    }
    terminal.type('q');
    const screens = await terminal.left();
    expect(screens.startsWith('\x1b[?1049h')).toBe(true);
    expect(screens.endsWith('\x1b[?1049l')).toBe(true);
    const drawn = screens.replaceAll(OURS, '').replaceAll('\r', '');
    expect(drawn).not.toMatch(CONTROLS);
    expect(drawn).toContain('\\x1b[2J');
    expect(EVIL).toContain('\x1b[2J');
  });

  test('plays, faster and faster, to the end; a key stops it', async () => {
    const { terminal, chapters, shows, at } = await playing();
    terminal.type('++++++ ');
    await at(chapters.length);
    await shows(/space play /);
    terminal.type(`${HOME}------- `);
    await shows(/space pause/);
    terminal.type(RIGHT);
    await at(2);
    await shows(/space play /);
    terminal.type('q');
    await terminal.left();
  });

  test('Ctrl-Z gives the terminal back to the shell; after fg it plays on', async () => {
    const { file } = await record('select-server', [0]);
    const shell = new Terminal('bash', ['--norc', '-i']);
    const shows = (pattern: RegExp) =>
      until(`the screen shows ${pattern}`, () => pattern.test(frame(shell.stdout).join('\n')));
    shell.type(`"${process.execPath}" "${CLI}" replay "${file}"\n`);
    await shows(/ wait 1 of/);
    shell.type(CTRL_Z);
    await until('it is stopped', () => /1049l.*Stopped/s.test(shell.stdout));
    shell.type('fg\n');
    await until('it is drawn again', () => /Stopped.*1049h.* wait 1 of/s.test(shell.stdout));
    shell.type(RIGHT);
    await shows(/ wait 2 of/);
    shell.type('q');
    await until('the shell is back', () => /1049l.*1049l/s.test(shell.stdout));
    shell.type('exit\n');
    expect(await shell.exit).toBe(0);
  });

  test('TERM=dumb: the waits come as lines, and no escape sequence', async () => {
    const { file } = await record('select-server', [0]);
    const terminal = new Terminal('replay', [file], { ...process.env, TERM: 'dumb' });
    const lines = await terminal.left();
    expect(lines).toMatch(/^TERM=dumb: .*\n/);
    expect(lines).toMatch(/\nwait 1 of \d+/);
    expect(lines).not.toMatch(CONTROLS);
  });

  test('follows a descriptor', async () => {
    const { terminal, chapters, shows, at } = await playing();
    const { story } = chapters.at(0);
    const life = story.data.lives.findIndex(({ kind }) => kind === 'conn');
    const { fd } = story.life(life);
    const first = story.next(life, 1, 1) as number;
    terminal.type(`f${fd}\r`);
    await at(first);
    terminal.type('n');
    await at(story.next(life, first, 1) as number);
    terminal.type('p');
    await at(first);
    terminal.type('g1\rp');
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
        return lines.length === rows && lines[0]?.length === columns && / wait 2 of \d+$/.test(lines[0]);
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
    const chapters = new Chapters(recorded.file);
    expect(chapters.length).toBeGreaterThan(20_000);
    for (let i = 0; i < 100; i++) {
      const number = 1 + ((i * 7919) % chapters.length);
      const place = chapters.at(number);
      expect(screenOf(place, { columns: 80, rows: 24 }).join('\n')).toContain(`wait ${number}`);
    }
  });
});
