/** The handle of a loop on its worker thread: exited, address, stop(), and what the program is. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OSError, runInWorker } from 'posix-select';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ended } from '../support/proc.js';
import { Process } from '../support/process.js';
import { python } from '../support/python.js';
import { failure, fixture, host, run } from '../support/worker.js';

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

  const notACode = (value: string) => {
    const path = fileURLToPath(fixture('body'));
    return new TypeError(`main of ${path} returned ${value}: an exit code or nothing is expected`);
  };
  const THROWN: [what: string, body: string, expected: unknown][] = [
    ['a TypeError', 'api.select()', new TypeError('select expected at least 3 arguments, got 0')],
    [
      'a RangeError',
      'api.select([-1], [], [])',
      new RangeError('file descriptor cannot be a negative integer (-1): a closed socket in rlist?'),
    ],
    [
      'an Error with fields',
      'throw Object.assign(new Error("lost"), { code: "LOST" })',
      Object.assign(new Error('lost'), { code: 'LOST' }),
    ],
    ["a rejected promise's error", 'return Promise.reject(new Error("late"))', new Error('late')],
    ['what no exit code can be: 1.5', 'return 1.5', notACode('1.5')],
    ["what no exit code can be: 'x'", 'return "x"', notACode("'x'")],
    ['what no exit code can be: true', 'return Promise.resolve(true)', notACode('true')],
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
    ['returns', '', 'the program ended without listening: PATH, exit code 0'],
    ['throws', 'throw new Error("boom")', 'boom'],
    ['exits', 'process.exit(5)', 'the program ended without listening: PATH, exit code 5'],
  ])('rejects when main %s without listening', async (_, body, message) => {
    const loop = run('body', body);
    await loop.exited.catch(() => {});
    expect(await failure(loop.address)).toEqual(
      new Error(message.replace('PATH', fileURLToPath(fixture('body')))),
    );
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

  const BROKEN = 'let a = 1;\nlet b = = a;\n';
  const SYNTAX: [what: string, at: string, files: Record<string, string>][] = [
    ['of itself', 'main.mjs', { 'main.mjs': BROKEN }],
    ['of CommonJS', 'main.cjs', { 'main.cjs': BROKEN }],
    ['of one that it imports', 'b.mjs', { 'main.mjs': "import './b.mjs'", 'b.mjs': BROKEN }],
  ];
  test.each(SYNTAX)('with a syntax error %s says in which file and line', async (_, at, files) => {
    const own = mkdtempSync(join(tmpdir(), 'posix-select-'));
    onTestFinished(() => rmSync(own, { recursive: true }));
    for (const [name, code] of Object.entries(files)) writeFileSync(join(own, name), code);
    const [main = ''] = Object.keys(files);
    const err = await failure(runInWorker(join(own, main)).exited);
    expect(err).toBeInstanceOf(SyntaxError);
    expect((err as Error).stack).toContain(`${join(own, at)}:2\nlet b = = a;\n        ^`);
  });

  test('without args gets {}', async () => {
    const loop = runInWorker(fixture('wait'));
    onTestFinished(loop.stop);
    expect(await loop.address).toEqual({});
    loop.stop();
    expect(await loop.exited).toBe(0);
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
