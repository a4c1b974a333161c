/** Programs of others under strace: what is played is what strace's own log of the same run says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished } from 'vitest';
import { STRACE_OPTIONS } from '../../dist/teach/record/strace-process.js';
import type { OtherCall, SelectCall } from '../../dist/teach/recording/format.js';
import { read } from '../../dist/teach/recording/read.js';
import { threadOf, threadsOf } from '../../dist/teach/replay/open.js';
import { readStrace } from '../../dist/teach/strace/read.js';
import { openedFile, withBrowser } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { ended } from '../support/proc.js';
import { Process } from '../support/process.js';
import { connect, Python } from '../support/python.js';
import { Terminal } from '../support/terminals.js';
import { fileFor, posixSelect } from '../support/traced.js';
import { freePort } from '../support/zoo.js';

/** What the kernel calls a call, and we. */
const NAMES: Record<string, string> = {
  ...{ select: 'select', pselect6: 'select', poll: 'poll', ppoll: 'poll' },
  ...{ epoll_wait: 'epoll_wait', epoll_pwait: 'epoll_wait', epoll_pwait2: 'epoll_wait' },
  ...{ accept: 'accept', accept4: 'accept', recvfrom: 'recv', sendto: 'send' },
};

const OURS = new Set(Object.values(NAMES));

/** The waits and transfers of each thread in a log, read without our importer: `epoll_wait 1`. */
function inLog(log: string): Map<number, string[]> {
  const threads = new Map<number, string[]>();
  for (const line of log.split('\n')) {
    const [, tid, name = ''] = /^(\d+) +[\d.]+ (?:<\.\.\. )?(\w+)/.exec(line) ?? [];
    const [, result] = /\) += (-?\d+|\?)(?![^<]*<unfinished)[^"]*$/.exec(line) ?? [];
    const ours = NAMES[name];
    if (!ours || result === undefined || result === '?') continue;
    threads.set(Number(tid), [...(threads.get(Number(tid)) ?? []), `${ours} ${result}`]);
  }
  return threads;
}

/** The options that `record` gives it, but for the calls: the log has more than are recorded. */
const OPTIONS = STRACE_OPTIONS.with(-1, 'trace=network,desc,process');

/** Runs a program under strace. */
function straced(command: string[], options = {}): { log: string; run: Process } {
  const log = fileFor('log.strace');
  return { log, run: new Process('strace', [...OPTIONS, '-o', log, '--', ...command], options) };
}

/** The thread that waits the most: all that it does is what the log says, and the page has all of its waits. */
async function playsWhatItDid(log: string): Promise<void> {
  const [main] = threadsOf(readStrace(log));
  const calls = [...readStrace(log).calls].filter((call) => threadOf(call).tid === main?.tid);
  const played = calls.filter(({ call, isUnfinished }) => OURS.has(call) && !isUnfinished);
  const logged = inLog(readFileSync(log, 'utf8')).get(main?.tid ?? 0) ?? [];
  expect(played.map(({ call, result }) => `${call} ${result}`)).toEqual(logged);
  const html = `${log}.html`;
  expect(await posixSelect(['replay', log, '--thread', main?.tid ?? 0, '--html', html]).exit).toBe(0);
  const page = await openedFile(html, { viewport: { width: 1280, height: 800 } });
  const isWait = (name: string) => ['select', 'poll', 'epoll_wait'].includes(name);
  const waits = calls.filter(({ call }) => isWait(call)).length;
  if (waits === 0) return; // a page of reads alone, or of a wait for a child that may have ended already
  expect(Number(await page.locator('#number').getAttribute('max'))).toBe(waits);
  await page.keyboard.press('End');
  expect(await page.locator('#title').textContent()).toMatch(/^(Wait [\d,]+: |How one program)/);
}

/** Talks to a server as soon as it listens. */
const TALK = `import socket, sys, time
while True:
    try: s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); break
    except ConnectionRefusedError: time.sleep(0.05)
for text in sys.argv[2:]:
    s.sendall(text.encode().decode('unicode_escape').encode())
    print(s.recv(4096), flush=True)`;

describe('strace’s log, played', () => {
  withBrowser();

  needs(
    'strace',
    'chromium',
    'redis-server',
  )('redis-server', async () => {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    const { log, run } = straced(['redis-server', ...settings]);
    const client = Python.program(TALK, [port, 'PING\\r\\n', 'SET a hello\\r\\n', 'SHUTDOWN NOSAVE\\r\\n']);
    await client.out(/OK/);
    expect(await run.exit).toBe(0);
    await playsWhatItDid(log);
  });

  needs(
    'strace',
    'chromium',
    'nginx',
  )('nginx', async () => {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const settings = join(folder, 'nginx.conf');
    writeFileSync(
      settings,
      `daemon off; master_process off; error_log ${folder}/errors; pid ${folder}/pid;
events { worker_connections 64; }
http { access_log off; server { listen 127.0.0.1:${port}; location / { return 200 "hello\\n"; } } }`,
    );
    const { log, run } = straced(['nginx', '-c', settings]);
    await Python.program(TALK, [port, 'GET / HTTP/1.0\\r\\n\\r\\n']).out(/hello/);
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGQUIT');
    expect(await run.exit).toBe(0);
    await playsWhatItDid(log);
  });

  needs('strace', 'chromium')('bash, which waits for its stdin alone', async () => {
    // Where its stdin is a socket, and no shell is above it, bash believes that rshd has started it, and reads ~/.bashrc.
    const { log, run } = straced([
      'bash',
      '--norc',
      '-c',
      'while read -r line; do echo "$line"; done; sleep 0 & wait',
    ]);
    run.type('hello\n');
    await run.out(/hello/);
    run.endInput();
    expect(await run.exit).toBe(0);
    await playsWhatItDid(log);
    const typed = [...readStrace(log).calls].filter(({ call, fd }: OtherCall) => call === 'read' && fd === 0);
    expect(typed.map(({ result }) => result)).toEqual([...'hello\n'].map(() => 1).concat(0));
  });
});

/** 900 clients: each says a line as it comes, and all another one at once. */
const MANY = `import socket, sys
clients = []
for i in range(900):
    clients.append(socket.create_connection(('127.0.0.1', int(sys.argv[1]))))
    clients[-1].sendall(b'%d\\n' % i)
for text in (b'', b'again\\n'):
    for client in clients: client.sendall(text)
    for client in clients: assert client.recv(100)
print('done')`;

const ECHO_MANY = fileURLToPath(new URL('../support/fixtures/echo_many.py', import.meta.url));

/** The sets of each select in a log, read without our importer: descriptors before it, and its result. */
function selectsIn(log: string): { asked: number[]; result: number }[] {
  return [...log.matchAll(/pselect6\(\d+, \[([\d ]+)\], .*\) = (\d+) /g)].map(([, asked = '', result]) => ({
    asked: asked.split(' ').map(Number),
    result: Number(result),
  }));
}

needs('strace')(
  '900 clients: the sets and results of each wait, also where strace has cut them off',
  async () => {
    const { log, run } = straced(['sh', '-c', `ulimit -n 2000; exec python3 ${ECHO_MANY}`]);
    const [, port] = await run.out(/^(\d+)$/m);
    const client = new Process('sh', ['-c', `ulimit -n 2000; exec python3 -c "$0" ${port}`, MANY]);
    await client.out(/done/);
    expect(await run.exit).toBe(0);
    const { calls } = readStrace(log);
    const all = [...calls];
    const waits = all.filter(({ call }) => call === 'select') as SelectCall[];
    const logged = selectsIn(readFileSync(log, 'utf8'));
    expect(waits.map(({ readfds, result }) => ({ asked: readfds, result }))).toEqual(logged);
    for (const { after, result, why } of waits)
      expect([after.readfds?.length, why?.length]).toEqual([result, result]);
    expect(Math.max(...waits.map(({ result }) => result))).toBeGreaterThan(280); // more than strace shows
    const received = all.filter(({ call, data }: OtherCall) => call === 'recv' && data);
    expect(
      received.map(({ data = '' }: OtherCall) => String(Buffer.from(data, 'base64'))).join('').length,
    ).toBe(900 * 6 + Array.from({ length: 900 }, (_, i) => `${i}\n`).join('').length);
  },
);

const zoo = (name: string) => fileURLToPath(new URL(`zoo/${name}.py`, import.meta.url));

needs('strace')('a server that forks: each client has its process, with its own descriptors', async () => {
  const port = await freePort();
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '--', 'python3', '-u', zoo('forks'), port]);
  await recorder.out(/waiting/);
  for (const text of ['one', 'two']) {
    const peer = await connect(port);
    await peer.say(text);
    await recorder.out(new RegExp(text));
    await peer.run('close()');
  }
  await recorder.end('SIGTERM');
  const calls = [...read(file).calls];
  const received = calls.filter(({ call, result }) => call === 'recv' && result > 0);
  const [first, second] = received.map(({ pid }) => pid);
  expect(received).toHaveLength(2);
  expect(first).not.toBe(second);
  const children = calls.filter(({ call }) => call === 'fork').map(({ result }) => result);
  expect(children).toEqual([first, second]);
});

needs('strace')('one that ignores SIGINT goes on, and so does its recording', async () => {
  const port = await freePort();
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '--', 'python3', '-u', zoo('ignores_sigint'), port]);
  await recorder.out(/waiting/);
  process.kill(recorder.pid, 'SIGINT');
  const peer = await connect(port);
  await peer.say('still here');
  await recorder.out(/still here/);
  process.kill(recorder.pid, 'SIGTERM');
  expect(await recorder.exit).toBe('SIGTERM');
  const calls = [...read(file).calls];
  expect(calls.findLast(({ call }) => call === 'killed')).toMatchObject({ rest: ['SIGTERM'] });
  expect(calls.some(({ call, result }) => call === 'recv' && result === 10)).toBe(true);
});

needs('strace', 'vi')(
  'vi has its terminal: it draws, takes keys, and leaves the screen as it was',
  async () => {
    const [file, text] = [fileFor('run.jsonl'), fileFor('text')];
    writeFileSync(text, 'a line that vi shows\n');
    const terminal = new Terminal('record', ['-o', file, '--', 'vi', '-u', 'NONE', text]);
    await terminal.shows('a line that vi shows');
    terminal.type('ohello\x1b:wq\n');
    await terminal.left();
    await ended(terminal);
    expect(readFileSync(text, 'utf8')).toBe('a line that vi shows\nhello\n');
    expect([...read(file).calls].at(-1)).toMatchObject({ call: 'exited', result: 0 });
  },
);
