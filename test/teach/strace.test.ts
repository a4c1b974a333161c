/** The strace form against the real strace on the same run: the same calls, sets and results in the same order. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { needs } from '../support/needs.js';
import { CLI, Process, until } from '../support/process.js';
import { connect, Python } from '../support/python.js';

/** The calls that are compared, by the names that strace has for them. */
const NAMES: Record<string, string> = {
  ...{ pselect6: 'select', recvfrom: 'recv', sendto: 'send', accept4: 'accept' },
  ...Object.fromEntries(
    ['select', 'poll', 'epoll_create1', 'epoll_ctl', 'epoll_wait', 'socket', 'setsockopt', 'getsockopt']
      .concat(['bind', 'listen', 'getsockname', 'connect', 'shutdown', 'fcntl', 'close', 'read', 'write'])
      .map((name) => [name, name]),
  ),
};

/** The calls of the thread that listens, from the given one on, as `asMade`. */
function loopOf(text: string, first: string): string[] {
  const unfinished = new Map<string, string>();
  const calls: { tid: string; call: string }[] = [];
  for (const [, tid, rest] of text.matchAll(/^(\d+) +(.*)$/gm)) {
    const [, begun] = rest.match(/^(.*) <unfinished \.\.\.>$/) ?? [];
    if (begun !== undefined) unfinished.set(tid, begun);
    const [, resumed] = rest.match(/^<\.\.\. \w+ resumed>(.*)$/) ?? [];
    const call = resumed === undefined ? rest : unfinished.get(tid) + resumed;
    if (begun === undefined) calls.push({ tid, call: call.replace(/\) {2,}= /, ') = ') });
  }
  const loop = calls.find(({ call }) => call.startsWith('listen('))?.tid;
  const own = calls.filter(({ tid }) => tid === loop).map(({ call }) => call);
  const made = own.map((call, i) => asMade(takenUpAgain(call, own[i + 1])));
  return made.slice(made.indexOf(first)).filter((call) => call !== null);
}

/**
 * A wait that a signal to another thread has disturbed. The kernel goes on with it: strace shows the result alone, or
 * the call once more.
 */
function takenUpAgain(call: string, next = ''): string {
  const [, begin] = /^(.*) = \? ERESTART/.exec(call) ?? [];
  const [, result] = /^restart_syscall\(.*\) = (\d+)$/.exec(next) ?? [];
  if (begin === undefined) return call;
  if (result !== undefined) return `${begin} = ${result}${NOT_SHOWN}`;
  return next.startsWith(`${begin} = `) ? '' : call;
}

const NOT_SHOWN = ' (not shown)';

/** What strace shows of the kernel's calls, as the calls of man 2 that a program makes. */
function asMade(line: string): string | null {
  const [, kernels, rest] = line.match(/^(\w+)(\(.*)$/) ?? [];
  const name = NAMES[kernels];
  if (name === undefined) return null;
  // Node wakes its main thread through a descriptor of its own.
  if (name === 'write' && !/^\([12],/.test(rest)) return null;
  return (
    name +
    rest
      .replace(/0x7[\da-f]{11}/g, 'NULL')
      .replace(/tv_nsec=(\d+)/g, (_, nanos) => `tv_usec=${Math.round(nanos / 1000)}`)
      .replace(/, NULL(\) = .*)$/, kernels === 'pselect6' ? '$1' : '$&')
      .replace(/, NULL, (?:NULL|0)(\) = )/, name === 'recv' || name === 'send' ? '$1' : '$&')
      .replace(', SOCK_CLOEXEC) = ', kernels === 'accept4' ? ') = ' : '$&')
  );
}

const withoutTimeLeft = (line: string) => line.replace(/left \{.*?\}/, 'left {}');

type Run = [program: string, args: (string | number)[]];
const RUNS: Run[] = [
  ['select-server', [0]],
  ['srv', ['127.0.0.1', 0]],
  ['talk-server', ['-v', '-p', 0]],
  ['chatserver', [0]],
  ['multiconn-server', ['127.0.0.1', 0]],
  ['multiconn-server', ['127.0.0.1', 0, '--selector', 'select']],
  ['multiconn-server', ['127.0.0.1', 0, '--selector', 'poll']],
];

/** Without what malloc() asks when it gives memory back: a digit of /proc/sys/vm/overcommit_memory. */
function withoutMalloc(calls: string[]): string[] {
  const asks = (call = '') => /^read\((\d+), "[012]", 1\) = 1$/.exec(call)?.[1];
  const isAsked = (i: number) =>
    asks(calls[i]) !== undefined && calls[i + 1] === `close(${asks(calls[i])}) = 0`;
  return calls.filter((_, i) => !isAsked(i) && !isAsked(i - 1));
}

/** What the kernel means to do where no handler is; a thread that has one gets EINTR. */
const RESTART = /\? ERESTART\w+ \([^)]*\)/;

needs('Linux', 'strace').each(RUNS)('%s %j: as strace sees it', async (program, args) => {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [real, ours] = [join(folder, 'strace'), join(folder, 'trace')];
  const node = [process.execPath, CLI, '--trace', '--trace-file', ours, program, ...args.map(String)];
  const filter = `trace=${Object.keys(NAMES)},epoll_pwait,restart_syscall,rt_sigreturn`;
  const server = new Process('strace', [
    '-f',
    '-v',
    '--seccomp-bpf',
    '-qq',
    '-o',
    real,
    '-e',
    'signal=none',
    '-e',
    filter,
    ...node,
  ]);
  const [, port] = await server.err(/^listening on .*:(\d+);/m);
  const text = () => readFileSync(ours, 'utf8');
  const shows = (pattern: RegExp) => until(String(pattern), () => pattern.test(text()));
  const client = async () => {
    const peer = await connect(Number(port));
    await shows(new RegExp(`^accept\\(.*htons\\(${peer.port}\\).* = \\d+$`, 'm'));
    return peer;
  };

  const ada = await client();
  await ada.say('Ada');
  await shows(/^recv\(\d+, "Ada", .* = 3$/m);
  const bob = await client();
  await bob.say('Bob\n');
  await shows(/^recv\(\d+, "Bob\\n", .* = 4$/m);
  await ada.say('Ada says: "t\x01\x021\xff\\ \x1b[m"\r\n');
  await shows(/^recv\(\d+, "Ada says/m);
  await bob.say('/who:\n');
  await shows(/^recv\(\d+, "\/who:/m);
  await bob.say(`many ${'x'.repeat(3000)}\n`);
  await shows(/^recv\(\d+, "many/m);
  const eve = await client();
  await ada.run('s.shutdown(socket.SHUT_WR)');
  await shows(/^recv\(\d+, "", /m);
  const resets = text().match(/^close\(/gm)?.length ?? 0;
  await eve.reset();
  await until('the reset one is closed', () => (text().match(/^close\(/gm)?.length ?? 0) > resets);

  Python.program(
    `import socket, sys
crowd = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(50)]
crowd[-1].send(b'crowd')
sys.stdin.read()`,
    [port],
  );
  await shows(/^fcntl\(6\d, F_GETFD\) = 0x1/m); // from 64 on, whether the highest is open
  await shows(/^recv\(\d+, "crowd", /m);

  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
  process.kill(Number(children), 'SIGINT');
  expect(await server.exit).toBe(0);

  const calls = text().trimEnd().split('\n');
  const kernels = withoutMalloc(loopOf(readFileSync(real, 'utf8'), calls[0]))
    .map((call) => call.replace(RESTART, '-1 EINTR (Interrupted system call)'))
    .filter((call) => !/^read\(\d+, "\*", 1\)/.test(call)); // libuv's, in its signal handler
  const seen = calls.map((call, i) =>
    kernels[i]?.endsWith(NOT_SHOWN) ? call.replace(/ \(\[.*\]\)$/, NOT_SHOWN) : call,
  );
  expect(seen.map(withoutTimeLeft)).toEqual(kernels.slice(0, calls.length).map(withoutTimeLeft));
  // What comes after it is Node's, which ends the thread.
  const after = kernels.slice(calls.length).map((call) => call.split('(')[0]);
  expect(
    after.filter((name) => !['close', 'read', 'fcntl', 'epoll_ctl', 'epoll_wait'].includes(name)),
  ).toEqual([]);
  expect(calls.join('\n')).toMatch(
    /^(select|poll|epoll_wait)\(.*\n(.*\n)*accept\((.*\n)*recv\((.*\n)*close\(/m,
  );
});
