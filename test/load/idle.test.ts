import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { untilAsleep, waits } from '../support/idle.js';
import { Live } from '../support/live.js';
import { type Process, start, startServer, until } from '../support/process.js';
import { SERVERS } from '../support/servers.js';

/** How many threads of a process wait, by call; but for a thread of V8's, which is in epoll_wait, at times with a limit. */
function calls(process: Process): Record<string, number> {
  const threads = waits(process).filter(({ call, hasTimeout }) => call !== 'epoll' || !hasTimeout);
  const count = (call: string) => threads.filter((wait) => wait.call === call).length;
  return { select: count('select'), poll: count('poll'), epoll: count('epoll') };
}

test('all ten programs wait in the kernel and use no CPU while their peers are idle', async () => {
  const [selectServer, literal, srv, , talkServer, chatserver, multiconnServer] = await Promise.all(
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
    'select-server --literal': literal,
    srv,
    'talk-server': talkServer,
    chatserver,
    'multiconn-server': multiconnServer,
    'multiconn-server --selector poll': polling,
    'multiconn-server --selector select': selecting,
    ...clients,
  };
  // What all of them have: the thread that waits for the end of stdout's reader, and Node's own.
  const common = { ...calls(selectServer), select: 0 };
  const expected = Object.keys(programs).map((name) => {
    const call = name.endsWith('poll') ? 'poll' : /^multiconn-[a-z]+$/.test(name) ? 'epoll' : 'select';
    return [name, { ...common, [call]: common[call as keyof typeof common] + 1 }];
  });
  const actual = () => Object.entries(programs).map(([name, process]) => [name, calls(process)]);
  await until('all wait', () => isDeepStrictEqual(actual(), expected)).catch(() => {});
  expect(actual()).toEqual(expected);

  // select-client alone waits for a time: its pause.
  const { 'select-client': selectClient, ...others } = programs;
  const pause = () => waits(selectClient as Process).filter(({ call }) => call === 'select');
  const before = pause();
  await untilAsleep(...Object.values(others));
  expect(pause()).toEqual(before);
  expect(before).toMatchObject([{ hasTimeout: true }]);
  expect(actual()).toEqual(expected);
});
