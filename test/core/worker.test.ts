/** The runner: a loop on its worker thread, and its handle. The programs are in fixtures/. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OSError, runInWorker } from 'posix-select';
import { describe, expect, onTestFinished, test } from 'vitest';
import { blockedIn, ended } from '../support/proc.js';
import { Process } from '../support/process.js';
import { Python, python } from '../support/python.js';

const fixture = (name: string) => new URL(`../support/fixtures/${name}.mjs`, import.meta.url);

/** A program of fixtures/ on a worker thread of this process. */
function run(name: string, args?: unknown) {
  const loop = runInWorker(fixture(name), { args });
  onTestFinished(loop.stop);
  return loop;
}

/** What a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`it gave ${value}`),
    (reason) => reason,
  );
}

/** A process whose main thread runs a piece of JavaScript: see fixtures/host.mjs. `before` is for the shell. */
function host(code: string, before = ''): Process {
  const command = [process.execPath, fileURLToPath(fixture('host')), code];
  return new Process('sh', ['-c', `${before} exec "$@"`, 'sh', ...command]);
}

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

describe('one of exited and address', () => {
  const process_ = (main: string) => host(`const loop = run('body', 'throw new Error("boom")'); ${main}`);

  test.each([
    ['address alone', "loop.address.catch(({ message }) => console.log('handled', message))"],
    ['exited alone', "loop.exited.catch(({ message }) => console.log('handled', message))"],
    [
      'the address first',
      "try { await loop.address } catch ({ message }) { console.log('handled', message) }",
    ],
  ])('may be handled alone: %s', async (_, main) => {
    const child = process_(main);
    expect(await child.exit, child.stderr).toBe(0);
    expect(child.stdout).toContain('boom');
  });

  test.each([
    ['address then exited, of a program that throws once it listens', '', 'handled boom', 0],
    ['address alone, of a program that throws once it listens', 'return;', '', 1],
  ])('%s', async (_, rest, stdout, exit) => {
    const child = host(`
      const loop = run('body', 'listening(["::1", 80, 0, 0]); throw new Error("boom")');
      await loop.address;
      ${rest}
      await new Promise((resolve) => setTimeout(resolve, 300));
      await loop.exited.catch(({ message }) => console.log('handled', message));
    `);
    expect(await child.exit, child.stderr).toBe(exit);
    expect(child.stdout.trim()).toBe(stdout);
    expect(child.stderr.includes('Error: boom')).toBe(exit === 1);
  });

  test('when neither is, the process ends with the error', async () => {
    const child = process_('');
    expect(await child.exit).toBe(1);
    expect(child.stderr).toContain('Error: boom');
  });
});

describe('exited', () => {
  const RESULTS: [what: string, body: string, code: number][] = [
    ['a number', 'return 7', 7],
    ['undefined, as 0', '', 0],
    ['a promise of a number', 'return Promise.resolve(4)', 4],
    ['a promise of undefined, as 0', 'return Promise.resolve()', 0],
    ["process.exit()'s number", 'process.exit(5)', 5],
  ];
  test.each(RESULTS)('gives %s', async (_, body, code) => {
    expect(await run('body', body).exited).toBe(code);
  });

  test('rejects with the OSError that main threw, class and fields kept', async () => {
    const unheard = 'const s = new api.socket.Socket(); s.bind(["127.0.0.1", 0]);';
    const err = await failure(
      run('body', `${unheard} new api.socket.Socket().connect(s.getsockname())`).exited,
    );
    expect(err).toBeInstanceOf(OSError);
    const { code, errno, syscall, address, port, message, stack } = err as OSError;
    const number = python('import errno\nresult = -errno.ECONNREFUSED');
    expect({ code, errno, syscall, address }).toEqual({
      code: 'ECONNREFUSED',
      errno: number,
      syscall: 'connect',
      address: '127.0.0.1',
    });
    expect(message).toBe(`connect 127.0.0.1:${port}: Connection refused (ECONNREFUSED)`);
    expect(stack).toContain('body.mjs');
  });

  const THROWN: [what: string, body: string, expected: unknown][] = [
    ['a TypeError', 'api.select()', new TypeError('select expected at least 3 arguments, got 0')],
    [
      'a RangeError',
      'api.select([-1], [], [])',
      new RangeError('file descriptor cannot be a negative integer (-1)'),
    ],
    [
      'an Error with fields',
      'throw Object.assign(new Error("lost"), { code: "LOST" })',
      Object.assign(new Error('lost'), { code: 'LOST' }),
    ],
    ["a rejected promise's error", 'return Promise.reject(new Error("late"))', new Error('late')],
    ['an error that no exit code can be', 'return 1.5', expect.any(RangeError)],
    ['a string', 'throw "text"', 'text'],
    ['undefined', 'throw undefined', undefined],
  ];
  test.each(THROWN)('rejects with %s', async (_, body, expected) => {
    const err = await failure(run('body', body).exited);
    expect(err).toEqual(expected);
    if (expected instanceof Error) expect(err).toBeInstanceOf(expected.constructor);
    expect(err).not.toBeInstanceOf(OSError);
  });
});

describe('address', () => {
  test('resolves with what the server has bound', async () => {
    const loop = run('echo');
    const address = await loop.address;
    expect(address).toEqual(['127.0.0.1', expect.any(Number)]);
    const echo =
      'import socket\ns = socket.create_connection(args, 20)\ns.sendall(b"hi")\nresult = s.recv(9).decode()';
    expect(python(echo, address)).toBe('hi');
    loop.stop();
    expect(await loop.exited).toBe(0);
  });

  test('resolves when main returns right after listening()', async () => {
    const loop = run('body', 'listening(["::1", 80, 0, 0]); return 2');
    expect(await loop.exited).toBe(2);
    expect(await loop.address).toEqual(['::1', 80, 0, 0]);
  });

  test.each([
    ['returns', '', 'the program ended without listening'],
    ['throws', 'throw new Error("boom")', 'boom'],
    ['exits', 'process.exit(5)', 'the program ended without listening'],
  ])('rejects when main %s without listening', async (_, body, message) => {
    const loop = run('body', body);
    await loop.exited.catch(() => {});
    expect(await failure(loop.address)).toEqual(new Error(message));
  });

  test('of a failing program that nobody asks for is no unhandled rejection', async () => {
    const child = host(`const err = await run('body', 'throw new Error("boom")').exited.catch((err) => err);
                          console.error(err.message);`);
    expect((await ended(child)).exit).toBe(0);
    expect(child.stderr).toBe('boom\n');
  });
});

describe('the program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  const file = join(folder, 'a b#c%20é?.mjs');
  writeFileSync(file, 'export const main = ({ code }) => code;');
  const PLACES: [what: string, program: string | URL][] = [
    ['an absolute path', file],
    ['a relative path', relative(process.cwd(), file)],
    ['a file: string', pathToFileURL(file).href],
    ['a URL', pathToFileURL(file)],
  ];
  test.each(PLACES)('may be given as %s', async (_, program) => {
    onTestFinished(() => {
      if (program === PLACES.at(-1)?.[1]) rmSync(folder, { recursive: true });
    });
    expect(await runInWorker(program, { args: { code: 6 } }).exited).toBe(6);
  });

  test('that does not exist is named', async () => {
    const err = await failure(run('nowhere').exited);
    expect(err).toMatchObject({
      code: 'ERR_MODULE_NOT_FOUND',
      message: expect.stringContaining('nowhere.mjs'),
    });
  });

  test('that throws at import, or returns a promise that rejects, says so', async () => {
    for (const code of [
      'throw new Error("early")',
      'export const main = async () => { throw new Error("early"); }',
    ])
      expect(await failure(runInWorker(new URL(`data:text/javascript,${code}`)).exited)).toEqual(
        new Error('early'),
      );
  });

  test('may be CommonJS', async () => {
    const own = mkdtempSync(join(tmpdir(), 'posix-select-'));
    onTestFinished(() => rmSync(own, { recursive: true }));
    // Node finds no names in the second.
    for (const [i, code] of ['exports.main = () => 6', 'module.exports = { main: () => 6 }'].entries()) {
      const cjs = join(own, `${i}.cjs`);
      writeFileSync(cjs, code);
      expect(await runInWorker(cjs).exited).toBe(6);
    }
  });

  test('without main is refused', async () => {
    const err = await failure(runInWorker(new URL('data:text/javascript,export const mian = 1')).exited);
    expect(err).toBeInstanceOf(TypeError);
    expect((err as Error).message).toMatch(/^data:.* exports no function called main: /);
  });

  test('gets a clone of its args', async () => {
    const given = () => ({
      text: 'é',
      list: [1, [null, undefined]],
      map: new Map([[1n, new Date(0)]]),
      bytes: new Uint8Array([0, 255]),
    });
    const args = given();
    const loop = run('wait', args);
    args.list.push(2); // too late to be seen by it
    args.bytes[0] = 1;
    expect(await loop.address).toEqual(given());
  });

  test('with args that cannot be cloned leaves nothing behind', async () => {
    const child = host(`const attempt = () => {
        try {
          run('wait', () => {});
        } catch (err) {
          return [err.name, fds(), process.listenerCount('exit')].join(' ');
        }
      };
      const [first, second] = [attempt(), attempt()];
      console.log(second, first === second);`);
    expect((await ended(child)).exit).toBe(0);
    expect(child.stdout).toMatch(/^DataCloneError .* true\n$/);
  });

  test('runs for a main thread that was given on the command line', async () => {
    const code = `import { runInWorker } from 'posix-select';
      const loop = runInWorker('test/support/fixtures/body.mjs', { args: 'return 3' });
      process.exitCode = await loop.exited;`;
    const child = new Process(process.execPath, ['--input-type=module', '-e', code]);
    const { exit } = await ended(child);
    expect({ exit, stderr: child.stderr }).toEqual({ exit: 3, stderr: '' });
  });
});

describe('stop()', () => {
  test('ends a loop that has not begun yet', async () => {
    const loop = run('wait', { code: 4 });
    loop.stop();
    expect(await loop.exited).toBe(4);
    expect(await loop.address).toEqual({ code: 4 });
  });

  test('may be called again, and after the end, where it closes no descriptor of others', async () => {
    const child = host(`const loop = run('wait');
      await loop.address;
      loop.stop();
      loop.stop();
      await loop.exited;
      const ends = Array.from({ length: 16 }, () => api.socket.pipe()).flat();
      const before = fds();
      loop.stop();
      console.log(ends.includes(loop.stopFd), before - fds());`);
    expect((await ended(child)).exit).toBe(0);
    expect(child.stdout).toBe('true 0\n');
  });

  test('reaches a loop though a child process lives on that was started meanwhile', async () => {
    const loop = run('wait');
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    onTestFinished(() => void child.kill());
    await loop.address;
    loop.stop();
    expect(await loop.exited).toBe(0);
    expect(child.exitCode).toBe(null);
  });

  test('reaches a loop below a loop', async () => {
    const loop = run('nested', { code: 9 });
    expect(await loop.address).toEqual({ code: 9 });
    loop.stop();
    expect(await loop.exited).toBe(9);
  });
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
