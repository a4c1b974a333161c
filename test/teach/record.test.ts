/** `record` and `trace`: any program under strace, which behaves as without it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Call, OtherCall, SelectCall } from '../../dist/teach/recording/format.js';
import { read } from '../../dist/teach/recording/read.js';
import { needs } from '../support/needs.js';
import { Process, until } from '../support/process.js';
import { Python } from '../support/python.js';
import { type Args, fileFor, posixSelect } from '../support/traced.js';

const test = needs('strace');

const SERVER = fileURLToPath(new URL('../support/fixtures/select_server.py', import.meta.url));

/** A loop of the user's own, for runInWorker. */
const MODULE = fileURLToPath(new URL('../support/fixtures/greeter.mjs', import.meta.url));

/** A client that sends some bytes and waits for an answer. */
const CLIENT = `import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
for text in sys.argv[2:]:
    s.sendall(text.encode())
    s.recv(4096)`;

async function said(port: number, ...texts: string[]): Promise<void> {
  expect(await Python.program(CLIENT, [port, ...texts]).exit).toBe(0);
}

/** A recorder that runs the student's server. */
async function recording(options: Args = []) {
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, ...options, '--', 'python3', SERVER]);
  const [, port] = await recorder.out(/^(\d+)$/m);
  return { recorder, port: Number(port), file };
}

const callsOf = (file: string): Call[] => [...read(file).calls];

test('a select server in Python: its calls, sets and reasons', async () => {
  const { recorder, port, file } = await recording();
  await said(port, 'hello\n', 'again\n');
  await said(port, 'quit\n');
  expect(await recorder.exit).toBe(42);
  expect(recorder.stdout).toBe(`${port}\nbye\n`);
  expect(recorder.stderr).toBe('');

  const calls = callsOf(file);
  const waits = calls.filter(({ call }) => call === 'select') as SelectCall[];
  expect(
    waits.map(({ after, why }) => [after.readfds?.length, why?.map(({ sentence }) => sentence)]),
  ).toEqual([
    [1, ['a connection is waiting']],
    [1, ['6 bytes can be read']],
    [1, ['6 bytes can be read']],
    [1, ['the peer has closed: recv returns 0 bytes']],
    [1, ['a connection is waiting']],
    [1, ['5 bytes can be read']],
  ]);
  const received = calls.filter(({ call }) => call === 'recv') as OtherCall[];
  expect(received.map(({ data }) => String(Buffer.from(data ?? '', 'base64')))).toEqual([
    'hello\n',
    'again\n',
    '',
    'quit\n',
  ]);
  const sent = calls.filter(({ call }) => call === 'send') as OtherCall[];
  expect(sent.map(({ data }) => String(Buffer.from(data ?? '', 'base64')))).toEqual(['HELLO\n', 'AGAIN\n']);
  expect(waits[0]?.readfds).toEqual([(calls.find(({ call }) => call === 'listen') as OtherCall).fd]);
  expect(calls.findLast(({ call }) => call === 'exited')).toMatchObject({ result: 42 });
});

/** Waits four times; a child sends the signals, each once the wait is seen to have begun, or to have been stopped. */
const SIGNALLED = `import os, select, signal, time
me, (r, w) = os.getpid(), os.pipe()
def until(*states):
    while open(f'/proc/{me}/stat').read().rsplit(') ', 1)[1][0] not in states: time.sleep(0.001)
def sent(*signals):
    for number in signals:
        until('S')
        os.kill(me, number)
        if number == signal.SIGSTOP:
            until('T', 't')
            os.kill(me, signal.SIGCONT)
    until('S')
def waited(wait, *signals):
    child = os.fork()
    if child == 0:
        sent(*signals)
        os.write(w, b'x')
        signal.pause()
    wait()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.read(r, 1)
one = select.poll()
one.register(r, select.POLLIN)
waited(one.poll, signal.SIGSTOP)
waited(lambda: select.select([r], [], []), signal.SIGSTOP, signal.SIGWINCH)
waited(lambda: select.select([r], [], [], 1000), signal.SIGWINCH)
signal.signal(signal.SIGWINCH, lambda *_: None)
waited(lambda: select.select([r], [], []), signal.SIGWINCH)`;

test('a wait that the kernel takes up again after a signal is one; where a handler has run, there are two', async () => {
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '--', 'python3', '-c', SIGNALLED]);
  expect(await recorder.exit, recorder.stderr).toBe(0);
  const waits = callsOf(file).filter(({ call }) => ['poll', 'select'].includes(call));
  const [r] = (waits[0] as OtherCall).waits?.readfds ?? [];
  const came = [[r], [{ fd: r, set: 'read', sentence: 'at least 1 byte can be read' }]];
  const signal = [[r], [{ fd: null, set: null, sentence: 'a signal has interrupted the wait' }]];
  expect(waits.map(({ after, why }) => [after?.readfds, why])).toEqual([came, came, came, signal, came]);
  expect(waits.map(({ timeout }) => timeout)).toEqual([null, null, 1000, null, null]);
});

test('the recording grows while the program runs', async () => {
  const { port, file, recorder } = await recording();
  await said(port, 'hello\n');
  await until('the answer is recorded', () => readFileSync(file, 'utf8').includes('"call":"send"'));
  await said(port, 'quit\n');
  await recorder.exit;
});

test('a recorder that does not run holds nobody up, and has all in the end', async () => {
  const { recorder, port, file } = await recording();
  process.kill(recorder.pid, 'SIGSTOP');
  const texts = Array.from({ length: 1000 }, (_, i) => `message ${i}\n`); // more than a pipe holds
  await said(port, ...texts);
  process.kill(recorder.pid, 'SIGCONT');
  await said(port, 'quit\n');
  expect(await recorder.exit).toBe(42);
  const received = (callsOf(file) as OtherCall[]).filter(({ call, result }) => call === 'recv' && result > 0);
  expect(received.map(({ data }) => String(Buffer.from(data ?? '', 'base64')))).toEqual([...texts, 'quit\n']);
});

/** A server whose accept(2) asks for no address. */
const NODE_SERVER = `const server = require('net').createServer((conn) => conn.on('error', () => {}).resume());
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

test('a connection that was closed before the recorder came to it does not get the name of the next one', async () => {
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '--', process.execPath, '-e', NODE_SERVER]);
  const [, port] = await recorder.out(/^(\d+)$/m);
  await until('the recorder has come so far', () => readFileSync(file, 'utf8').includes('"call":"listen"'));
  process.kill(recorder.pid, 'SIGSTOP');
  const peers = new Python();
  const second = await peers.run<number>(
    `a = connect(args); a.shutdown(socket.SHUT_WR); assert rest(a) == ''; a.close()
b = connect(args); b.sendall(b'hello'); result = port(b)`,
    Number(port),
  );
  process.kill(recorder.pid, 'SIGCONT');
  await until(
    'both are recorded',
    () => readFileSync(file, 'utf8').match(/"call":"accept","result":\d/g)?.[1],
  );
  recorder.child.kill('SIGTERM');
  await recorder.exit;
  const accepts = callsOf(file).filter(({ call, result }) => call === 'accept' && result > 0) as OtherCall[];
  expect(accepts[0]?.result).toBe(accepts[1]?.result); // one number for both
  const peersOf = accepts.map(({ ends }) => Object.values(ends ?? {})[0]?.[1]);
  expect(peersOf).toEqual([expect.stringMatching(/^accept /), `127.0.0.1:${second}`]);
});

test('a signal to the recorder goes to the program', async () => {
  for (const [signal, exit] of [
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 130],
  ] as const) {
    const { recorder, file } = await recording();
    process.kill(recorder.pid, signal);
    const ended = await recorder.exit;
    // Python ends itself by the signal that it has handled; a shell would say 130.
    expect([exit, signal]).toContain(ended);
    expect(callsOf(file).some(({ call }) => call === 'signal')).toBe(true);
  }
});

test('stdin, stdout and stderr are the program’s own', async () => {
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '--', 'sh', '-c', 'cat; echo error >&2; exit 3']);
  recorder.type('some text\n');
  recorder.endInput();
  expect(await recorder.exit).toBe(3);
  expect([recorder.stdout, recorder.stderr]).toEqual(['some text\n', 'error\n']);
});

test('one killed by SIGKILL: the recording has the wait that it was in', async () => {
  const { recorder, file } = await recording();
  await until('it waits', () => readFileSync(file, 'utf8').includes('"call":"listen"'));
  const [{ pid = 0 } = {}] = callsOf(file).filter(({ call }) => call === 'listen');
  // pselect6, on x86-64 or arm64: it sleeps in the kernel.
  await until('it sleeps in select', () => /^(270|72) /.test(readFileSync(`/proc/${pid}/syscall`, 'utf8')));
  process.kill(pid, 'SIGKILL');
  expect(await recorder.exit).toBe('SIGKILL');
  const calls = callsOf(file);
  expect(calls.at(-1)).toMatchObject({ call: 'killed', rest: ['SIGKILL'] });
  expect(calls.findLast(({ call }) => call === 'select')).toMatchObject({ isUnfinished: true });
});

test('a process that runs already, by its number; it runs on', async () => {
  const server = Python.program(readFileSync(SERVER, 'utf8'));
  const [, port] = await server.out(/^(\d+)$/m);
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '-p', server.pid]);
  await until('strace is attached', () =>
    readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/TracerPid:\t[1-9]/),
  );
  await said(Number(port), 'hello\n');
  await until('it is recorded', () => readFileSync(file, 'utf8').includes('"call":"send"'));
  await recorder.end('SIGINT');
  await said(Number(port), 'quit\n');
  expect(await server.exit).toBe(42);
  expect(callsOf(file).filter(({ call }) => call === 'accept')).toMatchObject([
    {
      names: {
        [String(callsOf(file).find(({ call }) => call === 'accept')?.result)]: expect.stringMatching(/^127/),
      },
    },
  ]);
});

/** Waits for 900 clients; another thread sends the first of them what is typed. */
const CROWDED = `import select, socket, sys, threading
listener = socket.create_server(('127.0.0.1', 0), backlog=900)
print(listener.getsockname()[1], flush=True)
clients = [listener.accept()[0] for _ in range(900)]
print('all', flush=True)
def speak():
    for line in sys.stdin: clients[0].sendall(line.encode())
threading.Thread(target=speak, daemon=True).start()
while clients:
    for client in select.select(clients, [], [])[0]:
        if client.recv(100): continue
        clients.remove(client)
        client.close()`;

const CROWD = `import socket, sys
clients = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(900)]
sys.stdin.readline()
clients[0].recv(100)
for client in clients: client.sendall(b'x')
for client in clients: client.close()`;

test('a process with threads and 900 clients: what was there before is known', async () => {
  const many = (code: string, ...args: string[]) =>
    new Process('sh', ['-c', 'ulimit -n 2000; exec python3 -c "$0" "$@"', code, ...args]);
  const server = many(CROWDED);
  const [, port] = await server.out(/^(\d+)$/m);
  const crowd = many(CROWD, port as string);
  await server.out(/all/);
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '-p', server.pid]);
  const tasks = `/proc/${server.pid}/task`;
  await until('strace is attached to both threads', () =>
    readdirSync(tasks).every((tid) =>
      /TracerPid:\t[1-9]/.test(readFileSync(`${tasks}/${tid}/status`, 'utf8')),
    ),
  );
  server.type('hello\n');
  await until('it is recorded', () => readFileSync(file, 'utf8').includes('"call":"send"'));
  crowd.type('\n');
  expect(await server.exit).toBe(0);
  await recorder.exit;

  const calls = callsOf(file);
  expect(new Set(calls.map(({ pid }) => pid))).toEqual(new Set([server.pid]));
  expect(new Set(calls.map(({ tid }) => tid)).size).toBe(2);
  expect(calls.filter(({ call, result }) => call === 'recv' && result === 1)).toHaveLength(900);
  const ends = calls.flatMap((call) => Object.values(call.ends ?? {}));
  const peers = ends.flatMap(([own, peer]) => (own === `127.0.0.1:${port}` ? peer : []));
  expect(new Set(peers).size).toBe(900);
});

test('our own programs are recorded from within, without strace', async () => {
  const file = fileFor('run.jsonl');
  const recorder = posixSelect(['record', '-o', file, '--', 'select-server', 0]);
  const [, port] = await recorder.err(/^listening on .*:(\d+);/m);
  const client = Python.program(CLIENT.replace('    s.recv(4096)', ''), [port as string, 'hello']);
  await client.exit;
  await recorder.out(/disconnected/);
  expect(await recorder.end('SIGINT')).toMatchObject({ exit: 0 });
  expect(read(file).head).toMatchObject({ program: 'select-server', version: 1 });
});

test('a module with a main is recorded from within, by both commands', async () => {
  for (const command of [['--record'], ['record', '-o']]) {
    const file = fileFor('run.jsonl');
    const recorder = posixSelect([...command, file, MODULE, 'port=0', 'greeting=hello']);
    const [, port] = await recorder.err(/^listening on .*:(\d+);/m);
    await Python.program(CLIENT, [port as string, 'hi']).exit;
    expect(await recorder.end('SIGINT')).toMatchObject({ exit: 7 });
    const { head, calls } = read(file);
    expect(head).toMatchObject({ program: MODULE, args: ['port=0', 'greeting=hello'], version: 1 });
    const sent = [...calls].find(({ call }) => call === 'send') as OtherCall;
    expect(String(Buffer.from(sent.data ?? '', 'base64'))).toBe('hello 0');
  }
});

test('trace: each form on stderr, the program’s own output on stdout', async () => {
  for (const [form, pattern] of [
    ['strace', /^select\(4, \[3\], NULL, NULL, \{tv_sec=60, tv_usec=0\}\) = 1 \(in \[3\]/m],
    ['explain', /^ {2}3 The answer .*listener: a connection is waiting\.$/m],
    ['json', /"call":"select","result":1,"nfds":4/],
  ] as const) {
    const tracer = posixSelect(['trace', '--form', form, '--', 'python3', SERVER]);
    const [, port] = await tracer.out(/^(\d+)$/m);
    await said(Number(port), 'quit\n');
    expect(await tracer.exit).toBe(42);
    expect(tracer.stderr).toMatch(pattern);
    expect(tracer.stdout).toBe(`${port}\nbye\n`);
  }
});

test('what cannot be recorded is one line, and a bad command line exit code 2', async () => {
  const file = fileFor('run.jsonl');
  const missing = posixSelect(['record', '-o', file, '--', '/nowhere/server']);
  expect(await missing.exit).toBe(1);
  expect(missing.stderr).toMatch(/strace could not start it/);
  const without = posixSelect(['record', '-o', file, '--', 'true'], { env: { PATH: '' } });
  expect(await without.exit).toBe(1);
  expect(without.stderr.trimEnd()).toMatch(/^[^\n]*strace is not installed[^\n]*$/);
  const nobody = posixSelect(['record', '-o', file, '-p', 4_000_000]);
  expect(await nobody.exit).toBe(1);
  expect(nobody.stderr).toBe('there is no process 4000000\n');
  const full = posixSelect(['record', '-o', '/nowhere/run.jsonl', '--', 'true']);
  expect(await full.exit).toBe(1);
  expect(full.stderr).toBe('open /nowhere/run.jsonl: No such file or directory (ENOENT)\n');
  for (const args of [
    ['record'],
    ['record', '-p', '1', '--', 'true'],
    ['trace', '--form', 'x', '--', 'true'],
  ]) {
    const wrong = posixSelect(args);
    expect(await wrong.exit).toBe(2);
    expect(wrong.stderr).toMatch(/^usage: posix-select (record|trace)/);
  }
});

test('a bound ends the recording, and not the program', async () => {
  const { recorder, port, file } = await recording(['--max-size', '3000']);
  await said(port, 'hello\n', 'hello\n', 'hello\n');
  await said(port, 'quit\n');
  expect(await recorder.exit).toBe(42);
  expect(recorder.stderr).toMatch(/has 3000 bytes, and ends here; the program goes on/);
  expect(readFileSync(file).length).toBeLessThan(4000);
});

test('a bound below the first line ends the recording there, and says so', async () => {
  const recorder = posixSelect(['record', '-o', fileFor('run.jsonl'), '--max-size', '1', '--', 'true']);
  expect(await recorder.exit).toBe(0);
  expect(recorder.stderr).toMatch(/has 1 bytes, and ends here; the program goes on/);
});
