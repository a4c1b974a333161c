import { readFileSync } from 'node:fs';
import { arch } from 'node:process';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { cpuTicks, syscalls } from '../support/proc.js';
import { type Process, start, startServer, until } from '../support/process.js';
import { Live, SERVERS } from '../support/servers.js';

/** The numbers of the calls that wait, on x86-64 and arm64 (Linux). */
const CALLS: Record<string, number[]> =
  arch === 'arm64'
    ? { select: [72], poll: [73], epoll: [22] }
    : { select: [23, 270], poll: [7, 271], epoll: [232, 281] };

/** How many threads of a process wait in which call. */
function waits(process: Process): Record<string, number> {
  const numbers = [...syscalls(process.pid).values()];
  const count = (call: string) => numbers.filter((number) => CALLS[call].includes(number)).length;
  return { select: count('select'), poll: count('poll'), epoll: count('epoll') };
}

/** How often each thread that waits for descriptors has gone to sleep so far; but for Node's main thread. */
function sleeps({ pid }: Process): Map<number, string | undefined> {
  const waiting = [...syscalls(pid)].filter(
    ([tid, number]) => tid !== pid && Object.values(CALLS).flat().includes(number),
  );
  const status = (tid: number) => readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
  return new Map(waiting.map(([tid]) => [tid, /^voluntary_ctxt_switches:\s*(\d+)/m.exec(status(tid))?.[1]]));
}

test('all ten programs wait in the kernel and use no CPU while their peers are idle', async () => {
  const [selectServer, srv, , talkServer, chatserver, multiconnServer] = await Promise.all(
    SERVERS.map(async (kind) => {
      const live = await Live.start(kind);
      await live.pause();
      return live.process;
    }),
  );
  const polling = await startServer('multiconn-server', ['127.0.0.1', 0, '--selector', 'poll']);
  const selecting = await startServer('multiconn-server', ['127.0.0.1', 0, '--selector', 'select']);
  const once = ['--count', 2, '--interval', 3600];
  const clients = {
    'select-client': start('select-client', ['idle', '127.0.0.1', selectServer.port, ...once]),
    cli: start('cli', ['127.0.0.1', srv.port]),
    'talk-client': start('talk-client', ['-p', talkServer.port]),
    chatclient: start('chatclient', ['127.0.0.1', chatserver.port]),
    // select-server never answers it.
    'multiconn-client': start('multiconn-client', ['127.0.0.1', selectServer.port, 2]),
  };
  await selectServer.out(/: b'idle: [a-z]+'\n/);
  await clients.cli.out(/online\)/);
  await clients['talk-client'].out(/Thank you/);
  await clients.chatclient.out(/screen name/);
  await until(
    'both connections have sent all',
    () => selectServer.stdout.match(/Message 2 from/g)?.length === 2,
  );

  const programs: Record<string, Process> = {
    'select-server': selectServer,
    srv,
    'talk-server': talkServer,
    chatserver,
    'multiconn-server': multiconnServer,
    'multiconn-server --selector poll': polling,
    'multiconn-server --selector select': selecting,
    ...clients,
  };
  const rest = { ...waits(selectServer), select: 0 };
  const expected = Object.keys(programs).map((name) => {
    const call = name.endsWith('poll') ? 'poll' : /^multiconn-[a-z]+$/.test(name) ? 'epoll' : 'select';
    return [name, { ...rest, [call]: rest[call as keyof typeof rest] + 1 }];
  });
  const each = (look: (process: Process) => unknown) =>
    Object.entries(programs).map(([name, process]) => [name, look(process)]);
  await until('all wait', () => isDeepStrictEqual(each(waits), expected)).catch(() => {});
  expect(each(waits)).toEqual(expected);

  const look = () => ({
    sleeps: each(sleeps),
    ticks: Object.values(programs).map(({ pid }) => cpuTicks(pid)),
  });
  const before = look();
  const begin = performance.now();
  await until('ten seconds are over', () => performance.now() > begin + 10_000);
  const after = look();
  expect(after.sleeps).toEqual(before.sleeps);
  // Eight seconds after the start, V8's other threads collect garbage.
  const used = after.ticks.map((ticks, i) => ticks - before.ticks[i]);
  console.log(
    `CPU ticks in 10 s: ${Object.keys(programs)
      .map((name, i) => `${name} ${used[i]}`)
      .join(', ')}`,
  );
  expect(Math.max(...used)).toBeLessThanOrEqual(10);
});
