/** A server whose stdout nobody reads: its clients do not notice, and Ctrl-C ends it. */
import { closeSync, readSync, writeSync } from 'node:fs';
import { pipe } from 'posix-select/socket';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sys } from '../../dist/posix/sys.js';
import { CLI, Process, startServer, until } from '../support/process.js';
import { clientsOf, SERVERS, type Server } from '../support/servers.js';

const programs = SERVERS.filter(({ name, program }) => name === program);

const CTRL_S = '\x13';
const CTRL_Q = '\x11';

/** A terminal that has been stopped, and the descriptor that sees its screen. */
function stoppedTerminal(): [screen: number, terminal: number] {
  const ends = sys.openpty();
  if (typeof ends === 'number') throw new Error('no terminal');
  writeSync(ends[0], CTRL_S);
  return ends;
}

const STDOUTS: [what: string, open: () => [reader: number, stdout: number]][] = [
  ['a pipe that nobody reads', pipe],
  ['a terminal that is stopped', stoppedTerminal],
];

describe.each(STDOUTS)('stdout is %s:', (what, open) => {
  test.for(programs)('$name serves on, and Ctrl-C ends it', async (kind) => {
    const { server, reader } = await stalled(kind, open);
    const python = clientsOf(kind, server);
    await python.run("a, b = client(b'a'), client(b'b')");
    // More than a pipe or a terminal takes.
    await python.run(`
      f = client(b'f')
      f.settimeout(None)
      def hear():
          while f.recv(65536): pass
      threading.Thread(target=hear, daemon=True).start()
      for i in range(2000): f.sendall(b'a line of text for stdout' + END)
    `);
    if (kind.reach !== 'nobody') {
      await python.run(`
        a.sendall(b'still here' + END)
        until(a if S['reach'] == 'self' else b, b'still here')`);
    }
    if (what.startsWith('a terminal')) {
      // What was kept meanwhile is shown: who came last, and much of what was said.
      writeSync(reader, CTRL_Q);
      await untilShown(reader, (text) => text.length > 2000 && text.match(kind.came)?.length === 3);
    }
    expect((await server.end('SIGINT')).exit).toBe(0); // 130 if its loop could not end
  });
});

test.for(programs)('`$name | head -n 1` ends, and says why', async ({ program, args }) => {
  const command = [process.execPath, CLI, program, ...args].map((word) => `'${word}'`).join(' ');
  const line = `{ ${command}; echo "exit $?" >&2; } | head -n 1`;
  const shell = new Process('sh', ['-c', line], { detached: true });
  onTestFinished(() => {
    try {
      process.kill(-shell.pid, 'SIGKILL'); // its group: a server that does not end
    } catch {} // all have ended
  });
  expect(await shell.exit).toBe(0);
  expect(shell.lines).toHaveLength(1);
  expect(shell.stderr).toMatch(/^write stdout: Broken pipe \(EPIPE\)\nexit 1\n/m);
});

/** A server, and the reading end of its stdout, which nobody reads. */
async function stalled(
  kind: Server,
  open: () => [reader: number, stdout: number],
): Promise<{ server: Process & { port: number }; reader: number }> {
  const [reader, stdout] = open();
  onTestFinished(() => closeSync(reader));
  const server = await startServer(kind.program, kind.args, { stdio: ['pipe', stdout, 'pipe'] });
  closeSync(stdout);
  return { server, reader };
}

/** Reads what a terminal shows until it is enough. */
async function untilShown(screen: number, isEnough: (text: string) => boolean): Promise<void> {
  const bytes = Buffer.alloc(65_536);
  let text = '';
  await until(
    'the terminal shows it',
    () => {
      while (sys.fionread(screen) > 0) text += bytes.toString('utf8', 0, readSync(screen, bytes));
      return isEnough(text.replaceAll('\r\n', '\n'));
    },
    20_000,
  ).catch((err) => expect.fail(`${err}\n${text.slice(-2000)}`));
}
