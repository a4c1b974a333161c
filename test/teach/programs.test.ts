/** Several programs in one recording: what one sends and another receives, and the page that draws it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect } from 'vitest';
import { read } from '../../dist/teach/recording/read.js';
import { programsOf } from '../../dist/teach/replay/programs.js';
import { MESSAGE_KINDS } from '../../dist/teach/story/programs.js';
import { Story, type StoryData } from '../../dist/teach/story/story.js';
import { openedFile, violationsIn, withBrowser, withoutPolicy } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';
import { fileFor, posixSelect } from '../support/traced.js';

const SERVER = fileURLToPath(new URL('../support/fixtures/select_server.py', import.meta.url));
const CLIENT = fileURLToPath(new URL('../support/fixtures/client.py', import.meta.url));

/** Starts the server and, once it has said its port, three clients, one after the other; a fourth ends it. */
const SCRIPT = `python3 ${SERVER} > $PORT & server=$!
until [ -s $PORT ]; do sleep 0.05; done
for name in alice bob carol; do python3 ${CLIENT} $(cat $PORT) "$name" "$name again"; done
python3 ${CLIENT} $(head -n 1 $PORT) quit
wait $server`;

/** What a program sends another, in words: `client.py alice → select_server.py: connect`. */
function told(file: string): string[] {
  const { programs, messages } = programsOf(file);
  const stories = programs.map((data) => new Story(data));
  const name = (program: number) => (programs[program]?.program ?? '').replace(/ \d+ (\w+).*/, ' $1');
  return messages
    .map(([kind, from, fromCall, to, toCall, bytes]) => {
      const [sent, taken] = [stories[from]?.call(fromCall), stories[to]?.call(toCall)];
      const what = MESSAGE_KINDS[kind] === 'data' ? `${bytes} ${sent?.text.trim()}` : MESSAGE_KINDS[kind];
      return `${name(from)} → ${name(to)}: ${sent?.name}, ${taken?.name}: ${what}`;
    })
    .sort();
}

/** What the scripts say that they send. */
function expected(): string[] {
  const [server] = ['select_server.py'];
  const lines = ['alice', 'bob', 'carol'].flatMap((name) => {
    const client = `client.py ${name}`;
    const said = [name, `${name} again`].flatMap((text) => [
      `${client} → ${server}: send, recv: ${text.length + 1} ${text}`,
      `${server} → ${client}: send, recv: ${text.length + 1} ${text.toUpperCase()}`,
    ]);
    return [
      `${client} → ${server}: connect, accept: connect`,
      `${client} → ${server}: close, recv: end`,
      ...said,
    ];
  });
  const last = 'client.py quit';
  lines.push(`${last} → ${server}: connect, accept: connect`, `${last} → ${server}: send, recv: 5 quit`);
  return [...lines, `${server} → ${last}: close, recv: end`].sort();
}

describe('a server and its clients', () => {
  const test = needs('strace', 'chromium');
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  const [file, html, port] = ['run.jsonl', 'run.html', 'port'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  withBrowser();
  afterAll(() => rmSync(folder, { recursive: true }));

  /** One recording for all of these tests; the first one makes it. */
  async function recorded(): Promise<void> {
    if (existsSync(html)) return;
    const env = { ...process.env, PORT: port };
    const recorder = posixSelect(['record', '-o', file, '--html', html, '--', 'sh', '-c', SCRIPT], { env });
    expect(await recorder.exit, recorder.stderr).toBe(42);
    withoutPolicy(html);
  }

  test('each send is paired with the recv that takes it, each connect with its accept', async () => {
    await recorded();
    expect(told(file)).toEqual(expected());
    // The server's calls show both ends, a client's no port of its own.
    const ends = [...read(file).calls].flatMap(({ ends }) => Object.values(ends ?? {}));
    const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    expect(ends.filter(([own]) => own.startsWith('127.'))).toEqual(Array(4).fill([address, address]));
    expect(ends.filter(([own]) => own.startsWith('connect '))).toEqual(
      Array(4).fill([expect.anything(), address]),
    );
  });

  /** All arrows: a tall window has them all. */
  async function arrows(page: Page): Promise<string[]> {
    await page.locator('#diagram').evaluate((diagram) => {
      diagram.style.maxHeight = 'none';
    });
    await until('all are drawn', async () => (await page.locator('a.message').count()) === expected().length);
    return await page
      .locator('a.message')
      .evaluateAll((links) => links.map((link) => link.querySelector('title')?.textContent ?? ''));
  }

  test('the page draws them, and each leads to the wait in which it is received', async () => {
    await recorded();
    const page = await openedFile(html);
    expect(await page.locator('#programs-title').textContent()).toBe('5 programs: who sends what to whom');
    const words = await arrows(page);
    expect(words.filter((text) => /sends/.test(text))).toHaveLength(13);
    expect(words.filter((text) => /^client.py .* connects to select_server.py$/.test(text))).toHaveLength(4);
    expect(words.filter((text) => /closes its connection/.test(text))).toHaveLength(4);
    await page
      .getByRole('link', { name: /client.py \d+ bob bob again sends 10.bytes to .*: bob again/ })
      .locator('.what')
      .click();
    await until('its wait is shown', async () =>
      /sends 10.bytes$/.test((await page.locator('#title').textContent()) ?? ''),
    );
    expect(await page.locator('#calls').textContent()).toContain('BOB AGAIN');
    // A client's own waits, by its head and by the list.
    await page.locator('#heads button', { hasText: 'carol' }).click();
    expect(await page.evaluate(() => location.hash)).toMatch(/^#[2-5]\.[01]$/);
    expect(await page.locator('#which option:checked').textContent()).toMatch(/^client.py \d+ carol/);
    await page.locator('#which').selectOption({ index: 0 });
    expect(await page.locator('#summary').textContent()).toMatch(/^\d+ waits/);
    expect(await page.locator('#heads [aria-pressed="true"]').textContent()).toBe('select_server.py');
    // By keyboard: from arrow to arrow, and into the wait.
    await page.locator('a.message[tabindex="0"]').focus();
    await page.keyboard.press('ArrowDown');
    const link = await page.evaluate(() => document.activeElement?.getAttribute('href'));
    await page.keyboard.press('Enter');
    await until(
      'it is shown',
      async () => (await page.evaluate(() => location.hash)) === link?.replace('#1.', '#'),
    );
  });

  test.each([
    ['light', 1280],
    ['dark', 1024],
    ['light', 400],
  ] as const)('%s, %d wide: it fits, and axe finds nothing', async (colorScheme, width) => {
    await recorded();
    const page = await openedFile(html, { colorScheme, viewport: { width, height: 800 } });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await violationsIn(page)).toEqual([]);
  });
});

needs('strace')('several processes that run already', async () => {
  const server = Python.program(readFileSync(SERVER, 'utf8'));
  const [, port] = await server.out(/^(\d+)$/m);
  const client = Python.program(
    `import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
print('connected', flush=True)
sys.stdin.readline()
s.sendall(b'hello\\n')
print(s.recv(4096), flush=True)
sys.stdin.readline()`,
    [port as string],
  );
  await client.out(/connected/);
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '-p', server.pid, '-p', client.pid]);
  const isTraced = (pid: number) => /TracerPid:\t[1-9]/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  await until('strace is attached to both', () => isTraced(server.pid) && isTraced(client.pid));
  client.type('go\n');
  await client.out(/HELLO/);
  await until('it is recorded', () => readFileSync(file, 'utf8').match(/"call":"recv"/g)?.length === 2);
  await recorder.end('SIGINT');
  expect(
    told(file)
      .map((text) => text.replace(/.*: (\w+, \w+: .*)/, '$1'))
      .sort(),
  ).toEqual(['send, recv: 6 HELLO', 'send, recv: 6 hello']);
});

needs('strace')(
  'what has started a server, a version manager say, is none of the programs of its page',
  async () => {
    const file = fileFor('run.jsonl');
    const starter = 'one=$(echo 1 | cat); two=$(echo 2 | cat); exec python3 "$0"';
    const recorder = posixSelect(['record', '-o', file, '--', 'sh', '-c', starter, SERVER]);
    const [, port] = await recorder.out(/^(\d+)$/m);
    await Python.program(readFileSync(CLIENT, 'utf8'), [port as string, 'quit']).exit;
    await recorder.exit;
    const { programs, messages } = programsOf(file);
    expect([programs.length, messages]).toEqual([1, []]);
    const story = new Story(programs[0] as StoryData);
    expect(story.length).toBeGreaterThan(0);
    expect(story.wait(1)?.call).toBe('select');
  },
);

describe('pairs by their places among the bytes', () => {
  const test = needs('Linux');
  const LOG = `1 execve("/bin/a", ["a"], 0x1) = 0
2 execve("/bin/b", ["b"], 0x1) = 0
1 sendto(3<TCP:[1.1.1.1:9->1.1.1.2:80]>, "abcdef", 6, 0, NULL, 0) = 6
1 sendto(3<TCP:[1.1.1.1:9->1.1.1.2:80]>, "ghi", 3, 0, NULL, 0) = 3
2 recvfrom(4<TCPv6:[[::ffff:1.1.1.2]:80->[::ffff:1.1.1.1]:9]>, "abcd", 4, MSG_PEEK, NULL, NULL) = 4
2 recvfrom(4<TCPv6:[[::ffff:1.1.1.2]:80->[::ffff:1.1.1.1]:9]>, "abcd", 4, 0, NULL, NULL) = 4
2 recvfrom(4<TCPv6:[[::ffff:1.1.1.2]:80->[::ffff:1.1.1.1]:9]>, "efghi", 5, 0, NULL, NULL) = 5
2 write(5<pipe:[77]>, "through a pipe", 14) = 14
1 read(0<pipe:[77]>, "through a pipe", 99) = 14
`;
  const written = (log: string) => {
    const file = fileFor('run.strace');
    writeFileSync(file, log);
    return file;
  };

  test('a recv takes parts of several sends, a peek none, and a pipe has two ends', () => {
    expect(told(written(LOG))).toEqual([
      'a → b: send, recv: 2 abcdef',
      'a → b: send, recv: 3 ghi',
      'a → b: send, recv: 4 abcdef',
      'b → a: write, read: 14 through a pipe',
    ]);
  });

  test('where the bytes differ at both ends, there is no arrow', () => {
    const torn = LOG.replace('"abcdef", 6', '"xbcdef", 6');
    expect(told(written(torn))).toEqual(['b → a: write, read: 14 through a pipe']);
  });

  /** Two clients of a server on all addresses, as their calls alone show it; nobody records the second of the three. */
  const PLAIN = `1 execve("/bin/server", ["server"], 0x1) = 0
1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
1 bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
1 listen(3, 5) = 0
2 execve("/bin/a", ["a"], 0x1) = 0
2 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
2 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
1 accept4(3, {sa_family=AF_INET, sin_port=htons(1001), sin_addr=inet_addr("127.0.0.1")}, [16], SOCK_CLOEXEC) = 4
4 execve("/bin/b", ["b"], 0x1) = 0
4 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
4 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
1 accept4(3, {sa_family=AF_INET, sin_port=htons(1002), sin_addr=inet_addr("127.0.0.1")}, [16], SOCK_CLOEXEC) = 5
1 recvfrom(5, "other", 99, 0, NULL, NULL) = 5
4 sendto(3, "bob", 3, 0, NULL, 0) = 3
1 accept4(3, {sa_family=AF_INET, sin_port=htons(1003), sin_addr=inet_addr("127.0.0.1")}, [16], SOCK_CLOEXEC) = 6
1 recvfrom(6, "bob", 99, 0, NULL, NULL) = 3
1 sendto(4, "hi", 2, 0, NULL, 0) = 2
2 recvfrom(3, "hi", 99, 0, NULL, NULL) = 2
2 close(3) = 0
1 recvfrom(4, "", 99, 0, NULL, NULL) = 0
`;

  test('without -y the addresses of the calls join both ends, and the bytes tell them from others', () => {
    expect(told(written(PLAIN))).toEqual([
      'a → server: close, recv: end',
      'a → server: connect, accept: connect',
      'b → server: connect, accept: connect',
      'b → server: send, recv: 3 bob',
      'server → a: send, recv: 2 hi',
    ]);
  });

  test('without -y a pipe goes on through dup, fork and execve', () => {
    const log = `1 execve("/bin/sh", ["sh"], 0x1) = 0
1 pipe2([3, 4], 0) = 0
1 clone(child_stack=NULL, flags=SIGCHLD) = 2
1 clone(child_stack=NULL, flags=SIGCHLD) = 4
2 dup2(4, 1) = 1
2 execve("/bin/a", ["a"], 0x1) = 0
2 write(1, "through a pipe", 14) = 14
4 dup2(3, 0) = 0
4 execve("/bin/b", ["b"], 0x1) = 0
4 read(0, "through a pipe", 99) = 14
`;
    expect(told(written(log))).toEqual(['a → b: write, read: 14 through a pipe']);
  });

  test('of a long run the page has the first calls, and says so', () => {
    const file = written(LOG.replace(/^2 .*\n/gm, ''));
    const [{ calls = [], notes = [] } = {}] = programsOf(file, 2).programs;
    expect([calls[0]?.length, notes.filter((note) => note.includes('the first 2 calls'))]).toEqual([
      2,
      [expect.stringContaining('shows all in the terminal')],
    ]);
    expect(programsOf(file, 1000).programs[0]?.notes.join()).not.toContain('the first');
  });

  test('programs that do not talk are one story, as before', () => {
    const { programs, messages } = programsOf(written(LOG.replace(/^2 .*\n/gm, '')));
    expect([programs.length, messages]).toEqual([1, []]);
  });
});
