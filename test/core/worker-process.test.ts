/** What loops on worker threads mean for their process: what they leave open, how it ends, many at once. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { needs } from '../support/needs.js';
import { blockedIn, ended } from '../support/proc.js';
import { Process, ROOT } from '../support/process.js';
import { Python, python } from '../support/python.js';
import { fixture, host } from '../support/worker.js';

describe('what a program leaves open', () => {
  const CODE = `
    import { readdirSync } from 'node:fs';
    import { runInWorker } from 'posix-select';
    import { createServer } from 'posix-select/socket';
    const fds = () => readdirSync(process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd').length;
    const warnings = [];
    process.on('warning', ({ name, message }) => warnings.push([name, message]));
    const loops = [];
    const end = async (body) => {
      const loop = runInWorker(new URL(process.argv[1]), { args: body });
      const address = await loop.address;
      await loop.exited.catch(() => {});
      createServer(address).close();
    };
    const perThread = process.platform === 'linux' ? 2 : 1;
    const warned = async (threads) => {
      while (warnings.length < threads * perThread) await new Promise(setImmediate); // they come by themselves
    };
    await end('');
    await warned(1);
    const before = fds();
    for (const body of ['', 'throw new Error("with an open socket")', 'process.exit(3)']) await end(body);
    await warned(4);
    console.log(JSON.stringify({ opened: fds() - before, warnings: warnings.slice(perThread) }));
  `;
  const PROGRAM = `
    const { createServer } = api.socket;
    globalThis.kept = [createServer(['127.0.0.1', 0]), new api.selectors.PollSelector()];
    if (api.selectors.EpollSelector && process.platform === 'linux') kept.push(new api.selectors.EpollSelector());
    listening(kept[0].getsockname());
  `;

  test('is closed, with a warning that names it, however the program ends', async () => {
    const body = fileURLToPath(fixture('body'));
    const code = CODE.replaceAll('args: body', `args: ${JSON.stringify(PROGRAM)} + body`);
    const child = new Process(process.execPath, [
      '--input-type=module',
      '-e',
      code,
      pathToFileURL(body).href,
    ]);
    expect(await child.exit, child.stderr).toBe(0);
    const { opened, warnings } = JSON.parse(child.stdout);
    expect(opened).toBe(0);
    const socket =
      /^unclosed at the end of the thread: <socket\.socket fd=\d+, laddr=\('127\.0\.0\.1', \d+\)>$/;
    const selector = /^unclosed at the end of the thread: <selectors\.EpollSelector fd=\d+>$/;
    const each = process.platform === 'linux' ? [socket, selector] : [socket];
    expect(warnings).toEqual(
      [each, each, each].flat().map((text) => ['ResourceWarning', expect.stringMatching(text)]),
    );
  });

  test('is named on stderr when the thread is not of runInWorker', async () => {
    const code = `
      const { Worker } = require('node:worker_threads');
      const body = 'globalThis.kept = require("posix-select/socket").createServer(["127.0.0.1", 0]); process.exit()';
      new Worker(body, { eval: true, execArgv: [] });
    `;
    const child = new Process(process.execPath, ['-e', code]);
    expect(await child.exit).toBe(0);
    expect(child.stderr).toMatch(
      /^\(thread 1\) ResourceWarning: unclosed at the end of the thread: <socket\.socket fd=/,
    );
  });
});

test('what a thread that is terminated has open is closed, and nothing that it has closed or given away', async () => {
  const code = `
    const { Worker } = require('node:worker_threads');
    const { fstatSync } = require('node:fs');
    const body = \`
      const { Socket, createServer } = require('posix-select/socket');
      const { DefaultSelector } = require('posix-select/selectors');
      const { parentPort } = require('node:worker_threads');
      globalThis.kept = [createServer(['127.0.0.1', 0]), new DefaultSelector()];
      const closed = new Socket();
      const fd = closed.fileno();
      closed.close();
      parentPort.postMessage([kept.map((each) => each.fileno()), new Socket().detach(), fd]);
      setInterval(() => {}, 1000)\`;
    const isOpen = (fd) => { try { return Boolean(fstatSync(fd)) } catch { return false } };
    const worker = new Worker(body, { eval: true, execArgv: [] });
    worker.once('message', async ([open, given, closed]) => {
      await worker.terminate();
      console.log(JSON.stringify([open.map(isOpen), isOpen(given), given === closed]));
    });`;
  const child = new Process(process.execPath, ['-e', code], { cwd: ROOT });
  expect(await child.exit, child.stderr).toBe(0);
  expect(JSON.parse(child.stdout)).toEqual([[false, false], true, true]);
  expect(child.stderr).toBe('');
});

needs('Linux')('a connection that comes to a thread as it is terminated is closed', async () => {
  const code = `
    const { Worker } = require('node:worker_threads');
    const body = \`
      const listener = require('posix-select/socket').createServer(['127.0.0.1', 0]);
      require('node:worker_threads').parentPort.postMessage(listener.getsockname()[1]);
      listener.accept();
      for (;;);\`;
    const worker = new Worker(body, { eval: true, execArgv: [] });
    const { readdirSync, readFileSync } = require('node:fs');
    const isInAccept = (tid) => /^(288|242) /.test(readFileSync(\`/proc/self/task/\${tid}/syscall\`)); // x64, arm64
    worker.once('message', async (port) => {
      while (!readdirSync('/proc/self/task').some(isInAccept)) await new Promise(setImmediate);
      worker.terminate();
      const peer = require('node:net').connect(port, '127.0.0.1').resume();
      peer.on('error', () => {});
      peer.once('close', () => console.log('closed'));
    });`;
  const child = new Process(process.execPath, ['-e', code], { cwd: ROOT });
  await child.out(/closed/);
  expect(await child.exit).toBe(0);
});

test('a selector that nobody can reach is closed, with a warning', async () => {
  const Selector = process.platform === 'darwin' ? 'KqueueSelector' : 'EpollSelector';
  const code = `
    import { ${Selector} } from 'posix-select/selectors';
    const fd = (() => new ${Selector}().fileno())();
    process.once('warning', ({ name, message }) => {
      clearInterval(timer);
      console.log(name, message.replace(fd, 'N'));
    });
    const timer = setInterval(() => globalThis.gc(), 1);
  `;
  const child = new Process(process.execPath, ['--expose-gc', '--input-type=module', '-e', code]);
  expect(await child.exit, child.stderr).toBe(0);
  expect(child.stdout).toBe(`ResourceWarning unclosed <selectors.${Selector} fd=N>\n`);
});

describe('the process, while a loop waits in select()', () => {
  const ENDINGS: [what: string, code: string, exit: number | string, stderr: RegExp][] = [
    ['loop.stop()', 'loop.stop()', 0, /^$/],
    ['process.exit(3)', 'process.exit(3)', 3, /^$/],
    ['an uncaught error', 'setImmediate(() => { throw new Error("boom") })', 1, /Error: boom\n {4}at /],
    ['an unhandled rejection', 'Promise.reject(new Error("boom"))', 1, /Error: boom\n {4}at /],
    [
      'process.exit() in a handler of SIGINT',
      'process.on("SIGINT", process.exit.bind(null, 7)); process.kill(process.pid, "SIGINT")',
      7,
      /^$/,
    ],
    ['a signal, which the runner leaves as it is', 'process.kill(process.pid, "SIGINT")', 'SIGINT', /^$/],
  ];
  describe.each([
    ['one loop', 'wait', 1],
    ['a loop below a loop', 'nested', 2],
  ])('%s', (_, program, threads) => {
    test.each(ENDINGS)('ends by %s', async (_, code, exit, stderr) => {
      const child = host(`const loop = run('${program}'); await told(); ${code}`);
      await blockedIn('select', child, threads);
      child.child.stdin?.end();
      const end = await ended(child);
      expect(end.exit).toBe(exit);
      expect(child.stderr).toMatch(stderr);
      expect(child.stdout).toBe('');
    });
  });

  test('ends when its loop ends by itself and nothing else is open', async () => {
    const child = host("run('body', 'api.select([], [], [], 0.05)')");
    expect((await ended(child)).exit).toBe(0);
    expect(child.stdout + child.stderr).toBe('');
  });

  test('handles signals, those too that come to the thread in select(), which waits on', async () => {
    const child = host(`process.on('SIGUSR2', () => console.log('caught')); const loop = run('wait');
                        await told(); loop.stop();`);
    const [tid] = await blockedIn('select', child);
    python('import ctypes, signal\nresult = ctypes.CDLL(None).tgkill(*args, signal.SIGUSR2)', [
      child.pid,
      tid,
    ]);
    await child.out(/^caught\n/);
    expect(await blockedIn('select', child)).toEqual([tid]);
    child.child.stdin?.end();
    expect((await ended(child)).exit).toBe(0);
  });
});

describe('many loops', () => {
  test('in two workers and the main thread at once serve a client each', async () => {
    // The main thread's loop is ended through stdin.
    const child = host(`const loops = [run('echo'), run('echo')];
      for (const loop of loops) console.log((await loop.address)[1]);
      echo.main(null, 0, ([, port]) => console.log(port));
      for (const loop of loops) loop.stop();`);
    await child.out(/(\d+\n){3}/);
    await blockedIn('select', child, 3);
    const clients = child.lines.map((port) => Python.program(CLIENT, [port]));
    for (const client of clients) await client.out(/^half\n/);
    for (const client of clients) client.child.stdin?.end();
    for (const client of clients) expect([await client.exit, client.stderr]).toEqual([0, '']);
    await blockedIn('select', child, 3);
    child.child.stdin?.end();
    expect((await ended(child)).exit).toBe(0);
  });

  test('leave no descriptor open, whatever way they end, fifty times', async () => {
    const child =
      host(`const PROGRAMS = [['wait'], ['body', ''], ['body', 'throw 1'], ['nowhere'], ['nested']];
      const round = () => Promise.all(PROGRAMS.map(([program, args]) => {
        const loop = run(program, args);
        if (program === 'nested') loop.address.then(loop.stop);
        else loop.stop();
        return loop.exited.catch(() => {});
      }));
      const leaks = () => fds() > before[0] || process.listenerCount('exit') > before[1];
      await round();
      const before = [fds(), process.listenerCount('exit')];
      for (let i = 0; i < 10; i++) await round();
      const deadline = Date.now() + 5000; // a promise may reject before its thread has ended
      while (leaks() && Date.now() < deadline) await new Promise(setImmediate);
      console.log(leaks() ? [before, fds(), process.listenerCount('exit')] : 'none');`);
    expect((await ended(child)).exit).toBe(0);
    expect([child.stdout, child.stderr]).toEqual(['none\n', '']);
  });

  test('give no warning', async () => {
    const child = host(`const loops = Array.from({ length: 12 }, () => run('wait'));
                        for (const loop of loops) loop.stop();`);
    expect((await ended(child)).exit).toBe(0);
    expect(child.stderr).toBe('');
  });

  test('beyond the limit of descriptors fail, and leave what is free to others', async () => {
    const child = host(
      `const failure = async (start) => {
        try {
          return await start().exited;
        } catch (err) {
          return [err instanceof api.OSError, err.code, err.syscall ?? ''].join(' ');
        }
      };
      const loop = () => run('body', 'return 5');
      const held = [];
      try { while (true) held.push(new api.socket.Socket()) } catch {}
      const results = [await failure(loop)];
      held.pop().close();
      held.pop().close();
      results.push(await failure(loop), await failure(loop));
      for (const s of held) s.close();
      results.push(await failure(loop));
      console.log(results.join());`,
      'ulimit -n 200;',
    );
    expect((await ended(child)).exit).toBe(0);
    const unborn = 'false ERR_WORKER_INIT_FAILED ';
    expect(child.stdout).toBe(`true EMFILE pipe,${unborn},${unborn},5\n`);
  });
});

/** Talks to an echo server; in the middle it waits for the end of stdin. */
const CLIENT = `
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)
for i in range(100):
    if i == 50:
        print('half', flush=True)
        sys.stdin.read()
    message = b'%d ' % i * 100
    s.sendall(message)
    while message:
        got = s.recv(4096)
        assert got and message.startswith(got)
        message = message[len(got):]
`;
