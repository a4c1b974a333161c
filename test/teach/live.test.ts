/** The live page: it grows with the recording, for each browser, and costs the program nothing. */
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { LivePage } from '../../dist/teach/replay/live.js';
import { CHROMIUM, withBrowser } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';
import { long, record } from '../support/recordings.js';
import { fileFor, posixSelect } from '../support/traced.js';

const test = needs('chromium');
const browser = withBrowser();

/** A select-server with a live page. */
async function live(args: (string | number)[] = ['select-server', 0]) {
  const server = posixSelect(['--live', ...args]);
  const [, url] = await server.err(/^live: (http:\S+)$/m);
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  return { server, url: url as string, port: Number(port) };
}

async function opened(url: string): Promise<Page> {
  const page = await browser().newPage();
  const troubles: string[] = [];
  page.on('pageerror', (err) => troubles.push(err.message));
  onTestFinished(async () => {
    await page.close();
    expect(troubles).toEqual([]);
  });
  await page.goto(url);
  return page;
}

const CLIENT = `import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
s.sendall(sys.argv[2].encode())
sys.stdin.read()`;

async function comes(port: number, text: string): Promise<Python> {
  return Python.program(CLIENT, [port, text]);
}

const title = (page: Page) => page.locator('#title').textContent();

test('grows as things happen; a late page has all of it; the end is told', async () => {
  const { server, url, port } = await live();
  const early = await opened(url);
  const alice = await comes(port, 'hello');
  await until('it is on the page', async () => /sends 5\sbytes$/.test((await title(early)) ?? ''));
  const late = await opened(url);
  await until('the late page has it', async () => /sends 5\sbytes$/.test((await title(late)) ?? ''));
  await late.keyboard.press('Home'); // who looks back stays there
  const bob = await comes(port, 'another');
  await until('it is on the page', async () => /sends 7\sbytes$/.test((await title(early)) ?? ''));
  expect(await title(late)).toMatch(/^How one program listens/);
  await until('it knows of more', async () => Number(await late.locator('#number').getAttribute('max')) >= 4);
  const end = early.locator('svg text', { hasText: /^(up to now|ends|the recording ends)$/ });
  expect(await end.textContent()).toBe('up to now');
  alice.endInput();
  bob.endInput();
  expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
  await early.getByText('it has ended').waitFor();
  await until('it is the end of the picture, too', async () => /ends$/.test((await end.textContent()) ?? ''));
});

/** Connects again and again, each time when the end of the connection before has been seen. */
const MANY = `import socket, sys
for _ in range(300):
    with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as conn:
        conn.shutdown(socket.SHUT_WR)
        conn.recv(1)`;

test('a run that has become long is zoomed in its window', async () => {
  const { server, url, port } = await live();
  const page = await opened(url);
  const many = Python.program(MANY, [String(port)]);
  const last = async () => Number(await page.locator('#number').getAttribute('max'));
  await until('it is long', async () => (await last()) > 200 && (await page.locator('#window').isVisible()));
  expect(await many.exit).toBe(0);
  expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
  await page.getByText('it has ended').waitFor();
  const shown = () => page.locator('#wedge2 polygon').getAttribute('points');
  const before = await shown();
  await page.locator('#window').dispatchEvent('wheel', { deltaY: 100, ctrlKey: true });
  const zoomed = await shown();
  expect(zoomed).not.toBe(before);
  await page.locator('#whole').dispatchEvent('wheel', { deltaY: 100, ctrlKey: true });
  expect(await shown()).toBe(zoomed);
});

test('a recording that grows faster than it is read comes piece by piece, and keeps nothing else waiting', async () => {
  const recorded = await record('select-server', [0]);
  writeFileSync(recorded.file, long(recorded, 100_000));
  const { live, url } = await LivePage.open(recorded.file, '127.0.0.1', 0);
  onTestFinished(() => live.end());
  const { body } = await fetch(`${url}events`);
  let text = '';
  const messages = () => text.split('\n\n').slice(0, -1);
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(piece);
    if (messages().length === 3) break;
  }
  const counts = messages().map((message) => JSON.parse(message.slice('data: '.length)).more.calls[0].length);
  expect(counts.every((count) => count > 0 && count < 90_000)).toBe(true);
});

/** Three clients take turns: each line is answered before the next one is sent. */
const TURNS = `import socket, sys
clients = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(3)]
for i in range(300):
    clients[i % 3].sendall(b'%04d' % i + b'.' * 2000)
    answer = b''
    while len(answer) < 2004: answer += clients[i % 3].recv(4096)
print('all are answered', flush=True)
sys.stdin.read()`;

test('a browser that is stopped keeps nobody waiting, and another one that comes late has all', async () => {
  const { server, url, port } = await live(['multiconn-server', '127.0.0.1', 0]);
  const other = await chromium.launchServer(CHROMIUM);
  const { pid } = other.process();
  onTestFinished(() => {
    process.kill(-(pid as number), 'SIGCONT');
    return other.close();
  });
  const stopped = await (await chromium.connect(other.wsEndpoint())).newPage();
  await stopped.goto(url);
  process.kill(-(pid as number), 'SIGSTOP');
  const clients = Python.program(TURNS, [port]);
  await clients.out(/all are answered/);
  const late = await opened(url);
  const shown = async () => ({
    waits: Number(await late.locator('#number').getAttribute('max')),
    title: await title(late),
  });
  await until('the late page has all', async () => {
    const { waits, title } = await shown();
    return waits >= 300 && /sends 2,004/.test(title ?? '');
  }).catch(async (err) => expect.fail(`${err}; it shows ${JSON.stringify(await shown())}`));
  clients.endInput();
  expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
  await late.getByText('it has ended').waitFor();
});

test('a page that reads nothing keeps nobody waiting', async () => {
  const { server, url, port } = await live();
  const request = get(`${url}events`, (response) => response.pause());
  request.on('error', () => {});
  onTestFinished(() => void request.destroy());
  const client = await comes(port, 'hello');
  await server.out(/5 bytes: b'hello'/);
  client.endInput();
  await server.out(/disconnected/);
  expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
});

test('only this machine may look, and nothing can be changed', async () => {
  const { server, url } = await live();
  const status = (path: string, options = {}) =>
    new Promise((resolve, reject) => {
      const request = get(url + path, options, ({ statusCode }) => resolve(statusCode)).on('error', reject);
      request.end();
    });
  expect(await status('', { headers: { host: 'evil.example' } })).toBe(403);
  expect(await status('', { method: 'POST' })).toBe(405);
  expect(await status('etc/passwd')).toBe(404);
  expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
});

needs('chromium', 'strace')('any program: record --live', async () => {
  const file = fileFor('run.jsonl');
  const code = `import select, socket
l = socket.create_server(('127.0.0.1', 0)); print(l.getsockname()[1], flush=True)
conns = [l]
while conns:
    for c in select.select(conns, [], [])[0]:
        if c is l: conns.append(l.accept()[0])
        elif c.recv(99) == b'quit': conns = []`;
  const recorder = posixSelect(['record', '--live', '-o', file, '--', 'python3', '-c', code]);
  const [, url] = await recorder.err(/^live: (http:\S+)$/m);
  const [, port] = await recorder.out(/^(\d+)$/m);
  const page = await opened(url as string);
  const hello = await comes(Number(port), 'hello');
  await until('it is on the page', async () => /sends 5\sbytes$/.test((await title(page)) ?? ''));
  const quit = await comes(Number(port), 'quit');
  expect(await recorder.exit).toBe(0);
  hello.endInput();
  quit.endInput();
});
