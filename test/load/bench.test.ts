/** The benchmark's command line, in its short form: that it runs, says what is missing, and writes its report. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { type NeedName, needs } from '../support/needs.js';
import { atEnd, CLI, concurrently, Process, startServer, until } from '../support/process.js';
import { Python } from '../support/python.js';

const BENCH = fileURLToPath(new URL('../../dist/bench/bench.js', import.meta.url));

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'posix-select-'));
  atEnd(() => rmSync(path, { recursive: true }));
  return path;
}

/** A test that runs beside the others: all of them wait for trials to end. */
function beside(...names: NeedName[]) {
  return (title: string, body: () => Promise<void>): void =>
    needs(...names).concurrent(title, (context) => concurrently(context, body));
}

/** The processes that have this in their environment. */
function processesWith(variable: string): string[] {
  const environment = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && environment(pid).includes(variable));
}

/** A PATH on which only these commands are. */
function pathOf(...commands: string[]): string {
  const bin = folder();
  for (const command of commands) symlinkSync(`/usr/bin/${command}`, join(bin, command));
  return bin;
}

async function bench(args: string[], PATH = process.env.PATH): Promise<Process & { code: number | string }> {
  const run = new Process(process.execPath, [BENCH, ...args], { env: { ...process.env, PATH } });
  return Object.assign(run, { code: await run.exit });
}

beside()('--list names each benchmark with what it measures', async () => {
  const { code, lines } = await bench(['--list']);
  expect(code).toBe(0);
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    ...['call', 'wait', 'echo', 'idle', 'latency', 'many', 'memory', 'record', 'soundness'],
  ]);
});

beside()('a name that is none, and trials that are no number, are refused', async () => {
  for (const args of [['cal'], ['--trials', '0']]) {
    const { code, stderr } = await bench(args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^error: .*\n$/);
  }
});

beside('cc')('a name runs that part: figures, chart and page', async () => {
  const out = folder();
  const { code, stdout } = await bench(['call', '--short', '--out', out]);
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/select\(\) : C select .*\n.* 4 fds/);
  const { samples, machine, versions, command } = JSON.parse(readFileSync(join(out, 'samples.json'), 'utf8'));
  expect(command).toBe(`npm run bench -- call --short --out ${out}`);
  expect(machine.cores).toBeGreaterThan(0);
  expect(versions.node).toBe(process.version);
  const of = (peer: string) => samples.filter((sample: { peer: string }) => sample.peer === peer);
  for (const peer of ['C select', 'selectFdSets', 'select()', 'CPython select', 'koffi', 'EpollSelector']) {
    expect(of(peer)).toHaveLength(6);
    for (const { values } of of(peer)) expect(values.ns).toBeGreaterThan(0);
  }
  expect(readFileSync(join(out, 'call.svg'), 'utf8')).toMatch(/^<svg .*one call.*<\/svg>\n$/s);
  expect(readFileSync(join(out, 'index.html'), 'utf8')).toContain('<svg');
});

beside('cc')('a server is measured with its CPU and its latencies', async () => {
  const out = folder();
  const { code, stdout } = await bench(['echo', '--short', '--out', out]);
  expect(code, stdout).toBe(0);
  const { samples } = JSON.parse(readFileSync(join(out, 'samples.json'), 'utf8'));
  expect(samples.map(({ peer }: { peer: string }) => peer)).toEqual([
    ...['literal loop', 'Python-shaped loop', 'EpollSelector', 'node:net'],
    ...['CPython select', 'CPython asyncio', 'C select', 'C epoll'],
  ]);
  for (const { values } of samples) {
    expect(values.rate).toBeGreaterThan(0);
    expect(values.p50).toBeGreaterThan(0);
    expect(values.p999).toBeGreaterThanOrEqual(values.p50);
  }
  // On a busy machine one may get no processor within its short trial: the answers that come then were sent before.
  const used = samples.filter(
    ({ values }: { values: { user: number; sys: number } }) => values.user + values.sys > 0,
  );
  expect(used.length).toBeGreaterThan(samples.length / 2);
});

beside('cc', 'strace')(
  'what it costs to be recorded is measured, beside strace; nothing stays behind',
  async () => {
    const out = folder(); // in the environment of all that is started
    const run = new Process('env', [
      `OUT=${out}`,
      `TMPDIR=${out}`,
      process.execPath,
      BENCH,
      'record',
      '--short',
      '--out',
      out,
    ]);
    expect(await run.exit, run.stdout).toBe(0);
    const { stdout } = run;
    expect(stdout).toMatch(/recorded from within : Python-shaped loop/);
    expect(stdout).toMatch(/posix-select record : strace alone/);
    const { samples } = JSON.parse(readFileSync(join(out, 'samples.json'), 'utf8'));
    const peers = ['Python-shaped loop', 'recorded from within', 'posix-select record', 'strace alone'];
    expect(samples.map(({ peer }: { peer: string }) => peer)).toEqual(peers);
    for (const { values } of samples) expect(values.rate).toBeGreaterThan(0);
    await until('all have ended', () => processesWith(`OUT=${out}`).length === 0);
    expect(readdirSync(out).filter((name) => name.startsWith('posix-select-'))).toEqual([]);
  },
);

beside('cc')('a peer that is not there is said, and left out', async () => {
  const out = folder();
  const { code, stdout } = await bench(['wait', '--short', '--out', out], pathOf('cc', 'as', 'ld'));
  expect(stdout).toContain('wait: without CPython select: no python3\n');
  expect(code).toBe(0);
  const { samples } = JSON.parse(readFileSync(join(out, 'samples.json'), 'utf8'));
  expect(samples).toHaveLength(7);
});

beside()('without a C compiler nothing can be measured, which is no error', async () => {
  const { code, stdout } = await bench([], pathOf());
  expect(stdout).toMatch(/^no C compiler \(cc\): .*\n$/);
  expect(code).toBe(0);
});

beside('cc')('the checks on the measurement say what they found', async () => {
  const { code, stdout } = await bench(['soundness', '--short', '--out', folder()]);
  expect(code, stdout).toBe(0);
  expect(stdout).toMatch(/^The generator needs [\d.]+ µs of its core a message/m);
  expect(stdout).toMatch(/^C select: .* its core \d+ % busy, the generator's \d+ %\.$/m);
  expect(stdout).toMatch(
    /^A load beyond the peak .* \d+ ms at 130 % for 0.2 s, \d+ ms at 130 % for 0.4 s\.$/m,
  );
});

/** An echo server that says, when all have gone, how much it had to read at once at most. */
const WATCHFUL = `
import selectors, socket
def received(conn):
    try: return conn.recv(65536)
    except ConnectionResetError: return b''  # a load that has ended may leave something unread
sel, listener, most, conns = selectors.DefaultSelector(), socket.create_server(('127.0.0.1', 0)), 0, 0
sel.register(listener, selectors.EVENT_READ)
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in sel.select():
        if key.fileobj is listener:
            sel.register(listener.accept()[0], selectors.EVENT_READ)
            conns += 1
        elif data := received(key.fileobj):
            most = max(most, len(data))
            key.fileobj.sendall(data)
        else:
            sel.unregister(key.fileobj)
            conns -= 1
            if conns == 0: print(most, flush=True)
`;

let made: string | undefined;

/** The load generator, compiled once. */
function generator(): string {
  if (made !== undefined) return made;
  made = join(mkdtempSync(join(tmpdir(), 'posix-select-')), 'load');
  const source = fileURLToPath(new URL('../../src/bench/echo/load.c', import.meta.url));
  execFileSync('cc', ['-O2', '-o', made, source]);
  return made;
}
afterAll(() => made && rmSync(dirname(made), { recursive: true }));

// The next three look at what happens within a trial: nothing else runs in this process meanwhile.

needs('cc')('a load beyond the peak: a message a connection, and the wait of those due counts', async () => {
  const server = Python.program(WATCHFUL);
  const [port] = await server.out(/^\d+\n/);
  // 20,000 messages in 20 ms: more than any Python can answer.
  const args = [port.trim(), server.pid, 3, 64, 0, 0, 0.02, 1e6];
  const run = new Process(generator(), args.map(String));
  expect(await run.exit, run.stderr).toBe(0);
  const { p50, p999 } = JSON.parse(run.stdout);
  // At half a million a second the median one, due after 10 ms, would be back after 20.
  expect(p50).toBeGreaterThan(10_000);
  expect(p999).toBeGreaterThan(p50);
  const [, most] = await server.out(/\n(\d+)\n/);
  expect(Number(most)).toBe(64);
});

needs('cc', 'Linux')(
  'a generator that got no core for longer than its trial has no load below 0',
  async () => {
    const server = Python.program(WATCHFUL);
    const [port] = await server.out(/^\d+\n/);
    const trialMs = 2000;
    const args = [port.trim(), server.pid, 1, 64, 0, 0, trialMs / 1000, 10];
    const run = new Process(generator(), args.map(String));
    const cpuMs = () => Number(readFileSync(`/proc/${run.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    await until('it is within its trial, and spins', () => cpuMs() > 20);
    process.kill(run.pid, 'SIGSTOP');
    const stopped = performance.now();
    await until('the trial is over', () => performance.now() > stopped + 1.5 * trialMs);
    process.kill(run.pid, 'SIGCONT');
    expect(await run.exit, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout).load).toBeGreaterThanOrEqual(0);
  },
);

needs('cc')('a trial in which no answer came in time begins anew, and asks again', async () => {
  const server = await startServer('multiconn-server', ['127.0.0.1', 0]);
  const load = generator();
  for (let i = 0; i < 12; i++) {
    // In a closed loop, in a trial of some microseconds: mostly the answer comes later.
    const args = [server.port, server.pid, 1, 64, 0, 0, 4e-6, 0];
    const run = new Process(load, args.map(String));
    expect(await run.exit, run.stderr).toBe(0);
  }
});

interface Running {
  pid: number;
  command: string;
}

/** The processes that this one has started, and those that they have started. */
function offspring(pid: number): Running[] {
  const children = execFileSync('ps', ['-A', '-ww', '-o', 'ppid=,pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [, parent, child, command] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [];
      return Number(parent) === pid ? [{ pid: Number(child), command }] : [];
    });
  return children.flatMap((child) => [child, ...offspring(child.pid)]);
}

/** A trial of `echo`, once its load runs. */
const underLoad = (run: Process) =>
  until('a server under load', () => {
    const all = offspring(run.pid);
    return all.some(({ command }) => /^\S*echo-load /.test(command)) ? all : null;
  });

function isThere({ pid }: Running): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

beside()('posix-select bench: each server beside libuv, without a compiler', async () => {
  const svg = join(folder(), 'chart.svg');
  const args = [CLI, 'bench', '--trials', '1', '--trial-ms', '10', '--svg', svg];
  const run = new Process(process.execPath, args, { env: { ...process.env, PATH: pathOf() } });
  expect(await run.exit, run.stderr).toBe(0);
  const row = /^ {2}\S.*? +([\d.]+) µs +([\d.]+) +([\d,]+) +([\d.]+) +[\d.]+ ms$/gm;
  const rows = [...run.stdout.matchAll(row)].map((figures) =>
    figures.slice(1).map((text) => Number(text.replaceAll(',', ''))),
  );
  expect(rows).toHaveLength(16);
  for (const [cpuUs, , rate] of rows) expect([cpuUs, rate].every((value) => value && value > 0)).toBe(true);
  const [, heads = ''] = run.stdout.match(/^(.*CPU a message.*)$/m) ?? [];
  const titles = heads.trim().split(/ {2,}/);
  expect(new Set(titles).size).toBe(titles.length);
  // Its own CPU time and rate are what node:net's are compared with.
  expect(rows.filter((_, i) => i % 4 === 0).map(([, cpu, , rate]) => [cpu, rate])).toEqual(
    Array(4).fill([1, 1]),
  );
  expect(readFileSync(svg, 'utf8').match(/<rect x=/g)).toHaveLength(16);
});

beside()('posix-select bench: a chart that cannot be written is said at once, in one line', async () => {
  const run = new Process(process.execPath, [CLI, 'bench', '--svg', '/nowhere/chart.svg']);
  expect(await run.exit).toBe(1);
  expect(run.stderr).toBe('open /nowhere/chart.svg: No such file or directory (ENOENT)\n');
  expect(run.stdout).toBe('');
});

beside('ps')('posix-select bench: its server ends when it is killed', async () => {
  const run = new Process(process.execPath, [CLI, 'bench', '--trial-ms', '60000']);
  const server = await until('its server and its load run', () => {
    const all = offspring(run.pid);
    const isLoaded = all.some(({ command }) => /load\.js/.test(command));
    return isLoaded ? all.find(({ command }) => /servers/.test(command)) : undefined;
  });
  await run.end('SIGKILL');
  await until('the server is gone', () => !isThere(server));
});

const TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

beside('cc', 'ps')('Ctrl-C ends it at once: no process is left, the cursor is back', async () => {
  const args = [BENCH, 'echo', '--trials', '100', '--out', folder()];
  const run = Python.program(TERMINAL, [process.execPath, ...args]);
  const all = await underLoad(run);
  expect(all.length).toBeGreaterThanOrEqual(3); // the benchmark, a server and its load
  run.type('\x03');
  expect(await run.exit).toBe(130);
  await until('all are gone', () => !all.some(isThere));
  expect(run.stdout).not.toMatch(/Error|Traceback| at /);
  const last = run.stdout.lastIndexOf('\x1b[?25l');
  expect(last).toBeGreaterThanOrEqual(0);
  expect(run.stdout.indexOf('\x1b[?25h', last)).toBeGreaterThan(last);
});

beside(
  'Linux',
  'cc',
  'ps',
)('a trial ends with a benchmark that is killed', async () => {
  const run = new Process(process.execPath, [BENCH, 'echo', '--trials', '100', '--out', folder()]);
  const trial = await underLoad(run);
  await run.end('SIGKILL');
  await until('the trial is over', () => !trial.some(isThere));
});
