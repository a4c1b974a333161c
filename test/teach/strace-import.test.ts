/** strace's output as a recording: every form of a line, and damage. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Call, OtherCall, SelectCall } from '../../dist/teach/recording/format.js';
import { open } from '../../dist/teach/replay/open.js';
import { StraceImport } from '../../dist/teach/strace/import.js';
import { strace } from '../../dist/teach/trace/strace.js';
import { needs } from '../support/needs.js';
import { fileFor, posixSelect } from '../support/traced.js';

function imported(...lines: string[]): { calls: Call[]; log: StraceImport } {
  const calls: Call[] = [];
  const log = new StraceImport('server', (call) => calls.push(call));
  for (const line of lines) log.line(line);
  log.end();
  return { calls, log };
}

const SELECT =
  'select(4, [3], NULL, NULL, {tv_sec=2, tv_usec=500000}) = 1 (in [3], left {tv_sec=1, tv_usec=5})';

describe('what stands before a call', () => {
  test.each([
    ['', undefined, 0],
    ['7 ', 7, 0],
    ['7<python3> ', 7, 0],
    ['[pid     7] ', 7, 0],
    ['pid     7] ', 7, 0],
    ['[pid     7] 10:00:01 ', 7, 0],
    ['7  10:00:01.000002 ', 7, 0],
    ['7 1700000000.000002 ', 7, 0],
    ['1700000000.000002 ', undefined, 0],
    ['1700000000 ', undefined, 0],
    ['7      0.000031 ', 7, 0.000031],
    ['     0.000031 ', undefined, 0.000031],
    ['10:00:01.000002 (+     0.000031) ', undefined, 0],
    ['7 [00007f0000000001] ', 7, 0],
    ['7 [????????????????] ', 7, 0],
    ['7 [ 270] ', 7, 0],
    ['> > 7 ', 7, 0],
    ['\t', undefined, 0],
    ['> | ', undefined, 0],
  ])('%j', (prefix, pid, at) => {
    const { calls, log } = imported(prefix + SELECT);
    expect(log.unreadable).toBe(0);
    expect(calls).toHaveLength(1);
    expect(strace(calls[0] as Call)).toBe(SELECT);
    if (pid !== undefined) expect(calls[0]?.pid).toBe(pid);
    if (!log.isUntimed) expect(calls[0]?.at).toBe(at);
  });
});

describe('select', () => {
  test.each([
    ['select(4, [3], NULL, NULL, NULL) = 1 (in [3])', [3], [3], null],
    ['_newselect(4, [3], NULL, NULL, NULL)    = 1 (in [3])', [3], [3], null],
    ['pselect6(4, [3], NULL, NULL, NULL, NULL) = 1 (in [3]) <0.039726>', [3], [3], null],
    ['pselect6(4, [3], NULL, NULL, NULL, {[], 8}) = 1 (in [3])', [3], [3], null],
    ['pselect6(4, [3], NULL, NULL, NULL, {sigmask=[], sigsetsize=8}) = 1 (in [3])', [3], [3], null],
    ['pselect6_time64(4, [3], NULL, NULL, {tv_sec=0, tv_nsec=10000000}, NULL) = 0 (Timeout)', [3], [], 0.01],
    ['pselect6(4, [3], [], [], {0, 10000000}, 0) = 0 (Timeout)', [3], [], 0.01],
    ['select(4, [3], NULL, NULL, {1, 500000}) = 0 (Timeout)', [3], [], 1.5],
    [
      'select(4, [3<TCP:[127.0.0.1:80]> 4<UNIX-STREAM:[5->6]>], NULL, NULL, NULL) = 1 (in [4])',
      [3, 4],
      [4],
      null,
    ],
    [
      'select(4, [0</dev/pts/0<char 136:0>> 3<TCPv6:[[::1]:80->[::1]:9]>], NULL, NULL, NULL) = 1 (in [3])',
      [0, 3],
      [3],
      null,
    ],
    ['select(4, [3], NULL, NULL, NULL) = -1 EBADF (Bad file descriptor)', [3], [3], null],
    ['select(4, [3], NULL, NULL, NULL) = ? ERESTARTNOHAND (To be restarted if no handler)', [3], [3], null],
  ])('%s', (line, readfds, after, timeout) => {
    const [call] = imported(line).calls as SelectCall[];
    expect(call).toMatchObject({ call: 'select', nfds: 4, readfds, timeout });
    expect(call?.after.readfds).toEqual(after);
  });

  test('all three sets, and the word that strace has for the third', () => {
    const line =
      'pselect6(9, [8], [8], [8], {tv_sec=1, tv_nsec=0}, NULL) = 2 (out [8], except [8], left {tv_sec=0, tv_nsec=999997000})';
    const [call] = imported(line).calls as SelectCall[];
    expect(call).toMatchObject({
      after: { readfds: [], writefds: [8], exceptfds: [8] },
      timeout: 1,
      left: 0.999997,
    });
  });

  test('sets that strace has cut off say so', () => {
    const line = 'pselect6(906, [5 6 7], NULL, NULL, NULL, NULL) = 300 (in [5 6 7]])';
    expect(imported(line).calls[0]).toMatchObject({ result: 300, note: expect.stringContaining('cut') });
  });

  test('an interrupted one has been interrupted by a signal', () => {
    const { calls } = imported(
      'pselect6(4, [3], NULL, NULL, NULL, NULL) = ? ERESTARTNOHAND (To be restarted if no handler)',
      '--- SIGINT {si_signo=SIGINT, si_code=SI_KERNEL} ---',
    );
    expect(calls).toMatchObject([
      { errno: 'EINTR', result: -1, why: [{ fd: null, sentence: 'a signal has interrupted the wait' }] },
      { call: 'signal', rest: ['SIGINT'] },
    ]);
  });
});

describe('poll and epoll', () => {
  test('poll: what is asked and what is ready; negative descriptors are none', () => {
    const line =
      'poll([{fd=0, events=POLLIN}, {fd=-1}, {fd=4, events=POLLIN|POLLOUT}], 3, 500) = 1 ([{fd=4, revents=POLLIN|POLLHUP}])';
    expect(imported(line).calls[0]).toMatchObject({
      call: 'poll',
      timeout: 0.5,
      waits: { readfds: [0, 4], writefds: [4] },
      after: { readfds: [4], writefds: [4] },
    });
  });

  test('poll before strace 4.5.19', () => {
    const line = 'poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1';
    expect(imported(line).calls[0]).toMatchObject({ after: { readfds: [4] }, timeout: 0 });
  });

  test.each([
    ['{EPOLLIN, {u32=5, u64=5}}', '{{EPOLLIN, {u32=5, u64=5}}}'],
    [
      '{events=EPOLLIN, data={u32=29376144, u64=94600979037840}}',
      '[{events=EPOLLIN, data={u32=29376144, u64=94600979037840}}]',
    ],
    ['{EPOLLIN, {u32=5, u64=5}}', '[{EPOLLIN, {u32=5, u64=5}}]'],
  ])('epoll: %s is the descriptor that epoll_ctl gave', (given, returned) => {
    const { calls } = imported(
      'epoll_create1(EPOLL_CLOEXEC) = 4',
      `epoll_ctl(4, EPOLL_CTL_ADD, 5, ${given}) = 0`,
      `epoll_pwait(4, ${returned}, 64, 4294967295, NULL, 8) = 1`,
    );
    expect(calls.at(-1)).toMatchObject({
      call: 'epoll_wait',
      timeout: null,
      waits: { readfds: [5] },
      after: { readfds: [5] },
    });
  });
});

describe('calls in pieces', () => {
  test.each([['7 <... select resumed>)  = 1 (in [3])'], ['7 <... select resumed> )      = 1 (in [3])']])(
    '%s',
    (resumed) => {
      const { calls } = imported(
        '7 select(4, [3], NULL, NULL, NULL <unfinished ...>',
        '8 write(1, "x", 1)  = 1',
        resumed,
      );
      expect(calls.map(({ call }) => call)).toEqual(['write', 'select']);
      expect(calls[1]).toMatchObject({ pid: 7, readfds: [3], after: { readfds: [3] } });
    },
  );

  test('one that is cut off behind a comma', () => {
    const { calls } = imported(
      '7 recvfrom(3<TCP:[1.1.1.1:80->1.1.1.2:9]>,  <unfinished ...>',
      '8 write(1, "x", 1)  = 1',
      '7 <... recvfrom resumed>"hello", 4096, 0, NULL, NULL) = 5',
    );
    expect(calls[1]).toMatchObject({ pid: 7, call: 'recv', fd: 3, result: 5, data: 'aGVsbG8=' });
  });

  test('what the program prints in the midst of a call', () => {
    const { calls } = imported('write(1, "hi\\n", 3hi', ') = 3');
    expect(calls).toMatchObject([{ call: 'write', result: 3, data: 'aGkK' }]);
  });

  test('an unfinished call at the end of a thread, or of the log, is one that has not returned', () => {
    const { calls } = imported(
      '7 accept4(4, NULL, NULL, SOCK_CLOEXEC <unfinished ...>',
      '7 <... accept4 resumed> <unfinished ...>) = ?',
      '7 +++ exited with 3 +++',
      '8 select(4, [3], NULL, NULL, NULL',
    );
    expect(calls).toMatchObject([
      { call: 'accept', isUnfinished: true },
      { call: 'exited', result: 3 },
      { call: 'select', isUnfinished: true, readfds: [3] },
    ]);
  });

  test('a thread that is announced within a call', () => {
    const { calls, log } = imported(
      '7 accept(4, strace: Process 8 attached',
      '8 write(1, "x", 1) = 1',
      '7 <... accept resumed>{sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}, [16]) = 5',
    );
    expect(log.unreadable).toBe(0);
    expect(calls.at(-1)).toMatchObject({ call: 'accept', result: 5, address: ['127.0.0.1', 9] });
  });

  test('a resumed call without a beginning is counted, and nothing else', () => {
    const { calls, log } = imported('7 <... select resumed>) = 1 (in [3])', `7 ${SELECT}`);
    expect([calls.length, log.unreadable]).toEqual([1, 1]);
  });
});

describe('a call that a signal has interrupted', () => {
  const HELD =
    'pselect6(4, [3], NULL, NULL, {tv_sec=9, tv_nsec=0}, NULL) = ? ERESTARTNOHAND (To be restarted if no handler) <0.500000>';
  const AGAIN =
    'pselect6(4, [3], NULL, NULL, {tv_sec=8, tv_nsec=0}, NULL) = 1 (in [3], left {tv_sec=7, tv_nsec=0}) <1.000000>';
  const [WINDOW, USER] = ['SIGWINCH', 'SIGUSR1'].map(
    (name) => `--- ${name} {si_signo=${name}, si_code=SI_USER} ---`,
  ) as [string, string];
  const ACTION = 'rt_sigaction(SIGUSR1, {sa_handler=0x401000}, NULL, 8) = 0';
  const RETURN = 'rt_sigreturn({mask=[]}) = -1 EINTR (Interrupted system call)';
  const told = (...lines: string[]) =>
    imported(...lines.map((line, i) => `7 170000000${i}.000000 ${line}`)).calls.map(
      ({ call, result, errno, took }) => (call === 'signal' ? call : `${call} ${errno ?? result} ${took} s`),
    );

  test.each([
    [
      'no handler, as the signal ends nobody: it is one call',
      [HELD, WINDOW, AGAIN],
      ['select 1 3 s', 'signal'],
    ],
    [
      'a handler, as the signal would have ended it',
      [HELD, USER, AGAIN],
      ['select EINTR 0.5 s', 'signal', 'select 1 1 s'],
    ],
    [
      'a handler that is seen to return',
      [ACTION, HELD, WINDOW, RETURN, AGAIN],
      ['select EINTR 0.5 s', 'signal', 'select 1 1 s'],
    ],
    [
      'no handler, as none returns where that would be seen',
      [ACTION, HELD, USER, AGAIN],
      ['select 1 3 s', 'signal'],
    ],
    [
      'another call follows',
      [HELD, WINDOW, 'read(3, "x", 9) = 1 <0.1>'],
      ['select EINTR 0.5 s', 'signal', 'read 1 0.1 s'],
    ],
    ['again and again', [HELD, WINDOW, HELD, WINDOW, AGAIN], ['select 1 5 s', 'signal', 'signal']],
    [
      'it ends the program',
      [HELD, USER, '+++ killed by SIGUSR1 +++'],
      ['select EINTR 0.5 s', 'signal', 'killed 0 0 s'],
    ],
  ])('%s', (_, lines, expected) => {
    expect(told(...lines)).toEqual(expected);
  });

  test('its timeout is the first one', () => {
    const { calls } = imported(HELD, WINDOW, AGAIN);
    expect(calls[0]).toMatchObject({ timeout: 9, left: 7, after: { readfds: [3] } });
  });

  test('it has not come back: nothing has interrupted the wait', () => {
    const { calls } = imported(
      HELD,
      WINDOW,
      AGAIN.replace(/, \{.*/, ' <unfinished ...>'),
      '+++ killed by SIGKILL +++',
    );
    expect(calls.map(({ call, isUnfinished, errno }) => [call, isUnfinished, errno])).toEqual([
      ['select', true, undefined],
      ['signal', undefined, undefined],
      ['killed', undefined, undefined],
    ]);
  });

  test('a poll goes on as restart_syscall, which does not show what is ready: the calls that follow do', () => {
    const { calls } = imported(
      'poll([{fd=3, events=POLLIN}, {fd=4, events=POLLIN}], 2, -1) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)',
      '--- SIGSTOP {si_signo=SIGSTOP, si_code=SI_USER, si_pid=9} ---',
      '--- stopped by SIGSTOP ---',
      '--- SIGCONT {si_signo=SIGCONT, si_code=SI_USER, si_pid=9} ---',
      'restart_syscall(<... resuming interrupted poll ...>) = 1',
      'read(4, "hello", 99) = 5',
    );
    expect(calls.map(({ call }) => call)).toEqual(['poll', 'signal', 'signal', 'read']);
    expect(calls[0]).toMatchObject({
      result: 1,
      after: { readfds: [4] },
      why: [{ fd: 4, set: 'read', sentence: '5 bytes can be read' }],
    });
  });
});

describe('values', () => {
  test.each([
    ['"a\\0001\\33[0m\\"\\\\\\n"', 'a\x001\x1b[0m"\\\n'],
    ['"\\x41h\\xe9\\n"', 'Ah\xe9\n'],
    ['") = 1, +++ --- <unfinished ...>"', ') = 1, +++ --- <unfinished ...>'],
    ['"long"...', 'long'],
  ])('the string %s', (text, bytes) => {
    const [call] = imported(`recvfrom(3, ${text}, 4096, 0, NULL, NULL) = ${bytes.length}`)
      .calls as OtherCall[];
    expect(call).toMatchObject({ call: 'recv', result: bytes.length });
    expect(Buffer.from(call?.data ?? '', 'base64').toString('latin1')).toBe(bytes);
  });

  test('a short send has what went, and what was asked for', () => {
    const [call] = imported('sendto(3, "zzzz", 4, MSG_NOSIGNAL, NULL, 0) = 2').calls as OtherCall[];
    expect(call).toMatchObject({ call: 'send', length: 4, result: 2, data: 'eno=', asked: 'enp6eg==' });
  });

  test('vectors and messages', () => {
    const { calls } = imported(
      'writev(1, [{iov_base="ab", iov_len=2}, {"cd", 2}], 2) = 4',
      'recvmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="hi", iov_len=99}], msg_iovlen=1, msg_flags=0}, 0) = 2',
    );
    expect(calls).toMatchObject([
      { call: 'writev', length: 4, data: 'YWJjZA==' },
      { call: 'recvmsg', length: 99, result: 2, data: 'aGk=' },
    ]);
  });

  test('descriptors of files are no part of the story; sockets, pipes and terminals are', () => {
    const { calls } = imported(
      'read(3</usr/lib/python3/os.py>, "x", 1) = 1',
      'close(3</usr/lib/python3/os.py>) = 0',
      'read(4</a b, c) = 1>, "x", 1) = 1',
      'read(5<TCP:[127.0.0.1:1->127.0.0.1:2]>, "x", 1) = 1',
      'read(0</dev/pts/0<char 136:0>>, "x", 1) = 1',
      'read(6<pipe:[77]>, "x", 1) = 1',
    );
    expect(calls).toMatchObject([
      { fd: 5, names: { 5: '127.0.0.1:2' } },
      { fd: 0 },
      { fd: 6, names: { 6: 'pipe' } },
    ]);
  });

  test('a status in the arguments: the last `) = ` counts', () => {
    const { calls } = imported('wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 9');
    expect(calls).toMatchObject([{ call: 'wait4', result: 9 }]);
  });

  test('a forked child has its parent’s descriptors, a thread shares them', () => {
    const { calls } = imported(
      '7 listen(3, 5) = 0',
      '7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 8',
      '7 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, stack=0x1} => {parent_tid=[9]}, 88) = 9',
      '8 accept(3, NULL, NULL) = 4',
      '9 accept(3, NULL, NULL) = 5',
    );
    expect(calls.slice(3)).toMatchObject([
      { pid: 8, names: { 3: 'listener', 4: 'client' } },
      { pid: 7, tid: 9, names: { 5: 'client' } },
    ]);
  });
});

test('why a wait has ended is inferred from the calls that follow', () => {
  const accept =
    'accept(3, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}, [16]) = 4';
  const { calls } = imported(
    'listen(3, 5) = 0',
    'select(4, [3], NULL, NULL, NULL) = 1 (in [3])',
    accept,
    'select(5, [3 4], NULL, NULL, NULL) = 1 (in [4])',
    'recvfrom(4, "hello", 4096, 0, NULL, NULL) = 5',
    'select(5, [3 4], [4], NULL, NULL) = 2 (in [4], out [4])',
    'recvfrom(4, "", 4096, 0, NULL, NULL) = 0',
    'select(5, [4], NULL, NULL, NULL) = 1 (in [4])',
    'recvfrom(4, 0x7f, 4096, 0, NULL, NULL) = -1 ECONNRESET (Connection reset by peer)',
    'select(5, [4], NULL, NULL, {tv_sec=1, tv_usec=0}) = 0 (Timeout)',
  );
  const waits = calls.filter(({ call }) => call === 'select');
  expect(waits.map(({ why }) => why?.map(({ sentence }) => sentence))).toEqual([
    ['a connection is waiting'],
    ['5 bytes can be read'],
    ['the peer has closed: recv returns 0 bytes', 'there is room to send'],
    ['the peer has reset the connection'],
    ['nothing was ready within 1 s'],
  ]);
});

test('a file that has no call is an error of one line', async () => {
  const file = fileFor('mail.txt');
  writeFileSync(file, 'Dear all,\nwhat does select(2) do?\n');
  const replay = posixSelect(['replay', file]);
  expect(await replay.exit).toBe(1);
  expect(replay.stderr).toBe(`${file}: it is neither a recording nor output of strace with system calls\n`);
});

/** A select server with two clients in one process: all in one log. */
const RUN = `
import select, socket
listener = socket.create_server(('127.0.0.1', 0))
clients = [socket.create_connection(listener.getsockname()) for _ in range(2)]
conns = [listener]
for text in (b'', b'', b'hello', b'x\\0001\\xff"\\\\', b'bye'):
    if text: clients[len(text) % 2].sendall(text)
    for conn in select.select(conns, [], [], 5)[0]:
        if conn is listener: conns.append(listener.accept()[0])
        else: conn.sendall(conn.recv(4096).upper())
select.select([], conns[1:], [], 0)
select.select(conns, [], conns, 0.01)
`;

const FLAGS = [
  [],
  ['-f'],
  ['-f', '-t'],
  ['-tt', '-T'],
  ['-f', '-ttt', '-T', '-yy', '-s', '4096'],
  ['-r'],
  ['-y'],
  ['-yy', '-xx'],
  ['-x', '-T'],
  ['-f', '-Y'],
  ['-i'],
  ['-n'],
  ['-ff', '-e', 'trace=network,desc,read,write,clone,execve'],
];

describe('what strace itself writes', () => {
  needs('strace').each(FLAGS)('%s %s %s %s %s %s', (...flags) => {
    const log = fileFor('log');
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
      encoding: 'utf8',
    }).trim();
    execFileSync('strace', [...flags, '-o', log, python, '-S', '-c', RUN], { stdio: 'pipe' });
    const [file] = flags.includes('-ff')
      ? execFileSync('sh', ['-c', `ls ${log}.*`], { encoding: 'utf8' }).split('\n')
      : [log];
    const recording = open(file as string);
    const calls = [...recording.calls];
    expect(recording.notes().filter((note) => note.includes('could not be read'))).toEqual([]);
    // The same counts, told from the text alone.
    const lines = readFileSync(file as string, 'latin1').split('\n');
    const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    const made = (name: string) => calls.filter(({ call }) => call === name);
    expect(made('select')).toHaveLength(count(/^[^"]*\bp?select6?\(/));
    expect(made('accept')).toHaveLength(count(/^[^"]*\baccept4?\(/));
    expect(made('recv')).toHaveLength(count(/^[^"]*\brecvfrom\(/));
    expect(
      made('recv').map((call) => Buffer.from((call as OtherCall).data ?? '', 'base64').toString('latin1')),
    ).toEqual(['hello', 'x\x001\xff"\\', 'bye']);
    const results = made('select').map((call) => (call as SelectCall).after);
    expect(results.slice(-2)).toMatchObject([
      { writefds: [expect.any(Number), expect.any(Number)] },
      { readfds: [], exceptfds: [] },
    ]);
  });
});

test('damage is counted, and never fatal', () => {
  const file = fileURLToPath(new URL('../support/fixtures/select_server.py', import.meta.url));
  const whole = [
    '7 listen(3, 5) = 0',
    `7 ${SELECT}`,
    '7 recvfrom(4, "hello", 4096, 0, NULL, NULL) = 5',
    '8 write(1, "x\\n", 2) = 2',
  ];
  for (let cut = 0; cut < 60; cut++) {
    const lines = whole.flatMap((line, i) =>
      i % 2 ? [line.slice(0, cut), line.slice(cut)] : [line.slice(cut)],
    );
    expect(() => imported(...lines, readFileSync(file, 'utf8'))).not.toThrow();
  }
});
