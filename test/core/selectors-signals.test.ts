/** Waits in processes of their own: interrupted by signals, and counted in system calls. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { needs } from '../support/needs.js';
import { Process, until } from '../support/process.js';
import { Python } from '../support/python.js';
import { EACH } from '../support/selectors.js';

/** An ES module in a process of its own. */
function start(code: string): Process {
  return new Process(process.execPath, ['--input-type=module', '-e', code]);
}

/** Signals one thread, again and again, for as long as it lives. */
const SIGNAL_THREAD = `
import ctypes, signal, sys, time
pid, tid = int(sys.argv[1]), int(sys.argv[2])
while ctypes.CDLL(None).tgkill(pid, tid, signal.SIGUSR2) == 0:
    time.sleep(0.01)
`;

const INTERRUPTED_ON_MAIN_THREAD = (Selector: string) => `
  import { writeSync } from 'node:fs';
  import { OSError } from 'posix-select';
  import { ${Selector} } from 'posix-select/selectors';
  import { pipe } from 'posix-select/socket';
  process.on('SIGUSR2', () => writeSync(1, 'handled\\n'));
  setInterval(() => {}, 1000);
  const [r, w] = pipe();
  const selector = new ${Selector}();
  const key = selector.register(r, 1);
  const show = (value) => writeSync(1, JSON.stringify(value) + '\\n');
  show('waiting');
  try {
    show(selector.select());
  } catch (err) {
    show([err instanceof OSError, err.code, err.errno]);
  }
  writeSync(w, 'x');
  const [[ready, events]] = selector.select();
  show([ready === key, events]);
`;

// The time-out goes first, with the descriptor idle; then the main thread makes it readable, after more signals.
const INTERRUPTED_ON_WORKER = (Selector: string) => `
  import { writeSync } from 'node:fs';
  import { pipe } from 'posix-select/socket';
  import { Worker } from 'node:worker_threads';
  const [r, w] = pipe();
  const signals = new Int32Array(new SharedArrayBuffer(4));
  process.on('SIGUSR2', () => {
    Atomics.add(signals, 0, 1);
    Atomics.notify(signals, 0);
    if (writeAt && signals[0] >= writeAt) writeSync(w, 'x');
  });
  let writeAt = 0;
  new Worker(\`
    const { readlinkSync, writeSync } = require('node:fs');
    const { parentPort, workerData: { r, signals } } = require('node:worker_threads');
    const { ${Selector} } = require('posix-select/selectors');
    const selector = new ${Selector}();
    const key = selector.register(r, 1);
    const show = (value) => writeSync(1, JSON.stringify(value) + '\\\\n');
    show(Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
    Atomics.wait(signals, 0, 0);
    let [begin, before] = [performance.now(), signals[0]];
    show({ ready: selector.select(1), ms: performance.now() - begin, signals: signals[0] - before });
    before = signals[0];
    parentPort.postMessage(null);
    const [[ready, events]] = selector.select();
    show({ ready: [ready === key, events], signals: signals[0] - before });
    process.exit(0);
  \`, { eval: true, execArgv: [], workerData: { r, signals } }).on('message', () => {
    writeAt = signals[0] + 20;
  });
`;

const WAIT = (Selector: string) => `
  import { readFileSync, writeSync } from 'node:fs';
  import { ${Selector} } from 'posix-select/selectors';
  import { pipe } from 'posix-select/socket';
  const cpuTicks = () => {
    const fields = readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const selector = new ${Selector}();
  selector.register(pipe()[0], 1);
  const before = cpuTicks();
  writeSync(1, 'begin ');
  const ready = selector.select(0.1000001);
  writeSync(1, 'end ' + ready.length + ' ' + (cpuTicks() - before));
`;

/** V8 may plan a task at any time (a collection, where the heap has grown): libuv writes 1 to its eventfd then. */
const V8_TASK = /^write\(\d+, "\\1(\\0){7}", 8\) += 8\n/gm;

const STRACE = ['strace', '-qq', '-e', 'trace=/^(write|select|pselect6|poll|ppoll|epoll_p?wait2?)$'];

describe.each(EACH.map(([name]) => name))('%s', (Selector) => {
  test('a signal ends a wait on the main thread with EINTR, and the next one finds all in place', async () => {
    const child = start(INTERRUPTED_ON_MAIN_THREAD(Selector));
    await child.out(/waiting/);
    await until('the wait is interrupted', () => child.child.kill('SIGUSR2') && child.lines.length > 1);
    await child.out(/handled/);
    const [, interrupted, next] = child.lines;
    expect([interrupted, next]).toEqual(['[true,"EINTR",-4]', '[true,1]']);
    await child.end('SIGKILL');
  });

  test('on a worker thread a wait goes on through signals, to its deadline or until something is ready', async () => {
    const child = start(INTERRUPTED_ON_WORKER(Selector));
    const [tid] = await child.out(/^\d+$/m);
    const signals = Python.program(SIGNAL_THREAD, [child.pid, tid]);
    expect(await child.exit, child.stderr).toBe(0);
    const [, timedOut, woken] = child.lines.map((line) => JSON.parse(line));
    expect(timedOut.ready).toEqual([]);
    expect(timedOut.ms).toBeGreaterThanOrEqual(1000);
    expect(timedOut.signals).toBeGreaterThan(2);
    expect(woken.ready).toEqual([true, 1]);
    expect(woken.signals).toBeGreaterThan(2);
    expect(await signals.exit).toBe(0);
  });

  test('a wait takes no CPU time', () => {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', WAIT(Selector)], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/^begin end 0 [0-3]$/); // of the 10 ticks that spinning takes
  });

  needs('Linux', 'strace')('a wait is one system call', () => {
    const [command, ...args] = [...STRACE, process.execPath, '--input-type=module', '-e', WAIT(Selector)];
    const { stderr } = spawnSync(command as string, args, { encoding: 'utf8' });
    const between = stderr.match(/^write\(1, "begin.*\n([\s\S]*?)^write\(1, "end/m)?.[1];
    const calls = between?.replace(V8_TASK, '');
    expect(calls).toMatch(/^(select|pselect6|p?poll|epoll_p?wait2?)\(.*\n$/);
    const roundedUp = /tv_usec=100001\b|tv_nsec=(100001|101000)000\b|, 101\b/; // to µs, or to ms
    expect(calls).toMatch(roundedUp);
  });
});
