import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest';
import { CLI, concurrently } from '../support/process.js';
import { close, expectGolden, GRADING_LIMIT_MS, SHORT_WAITS, startGrader, workshop } from '../support/zoo.js';

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

const OURS: Record<string, string[]> = {
  'talk-server': ['talk-server'],
  srv: ['srv', '127.0.0.1', '{port}'],
  chatclient: ['chatclient', 'localhost', '{port}'],
  multiconn: ['multiconn-server', '127.0.0.1', '{port}'],
};

const PYTHON: Record<string, string[]> = {
  'select-server': ['literal.py', '{port}'],
  'talk-server': ['talk_server.py'],
  srv: ['srv.py', '127.0.0.1', '{port}'],
  chatclient: ['chatclient.py', 'localhost', '{port}'],
  multiconn: ['multiconn_server.py', '127.0.0.1', '{port}'],
};

const ZOO = fileURLToPath(new URL('zoo/', import.meta.url));

/** The Python program with some of its text replaced. */
function edited(file: string, edits: string[]): string {
  let text = readFileSync(join(ZOO, file), 'utf8');
  for (let i = 0; i < edits.length; i += 2) {
    expect(text).toContain(edits[i]);
    text = text.replaceAll(edits[i], edits[i + 1]);
  }
  const copy = join(mkdtempSync(join(folder, 'edited-')), file);
  writeFileSync(copy, text);
  return copy;
}

/** The points of each line. */
const full: Record<string, number[]> = {
  'select-server': [5, 5, 5, 5, 5],
  'talk-server': [8, 4, 3],
  srv: [4, 4, 4, 2, 4, 2],
  chatclient: [2, 4, 4, 6, 4],
  multiconn: [2, 4, 4, 2, 4, 2, 2],
};

async function grade(assignment: string, command: string[], context: TestContext, options: string[] = []) {
  const grader = startGrader([assignment, ...options, '--', ...command], context);
  const exit = await grader.exit;
  expect(grader.stderr).toBe('');
  const points = [...grader.stdout.matchAll(/^ +(\d+)\/\d+ {2}/gm)].map(([, points]) => Number(points));
  return { exit, points, stdout: grader.stdout };
}

const replyToAll = ['and other is not s', ''];
const noCatch = ['except OSError as error:', 'except ZeroDivisionError as error:'];

/** Python programs with a fault: their points, what the report says, and whether they are busy. */
const FAULTS: [
  assignment: string,
  fault: string,
  edits: string[],
  points: number[],
  says: RegExp,
  isBusy?: boolean,
][] = [
  ['talk-server', 'none', [], [8, 4, 3], /^ +\+0\/2 {2}Honours/m],
  [
    'talk-server',
    'a newline in the greeting, text alone, and a log that looks like a stack trace',
    [
      's.recv(1024)',
      's.recv(1024).decode("ascii", "ignore").encode()',
      'connecting"',
      'connecting\\n"',
      'conn, address = s.accept()',
      'conn, address = s.accept(); print(f"\\tat {address[0]}:{address[1]}", file=sys.stderr)',
    ],
    [7, 4, 3],
    /received "Thank you for connecting\\n".*Bob received 512 bytes, the first 117 of them right/s,
  ],
  [
    'talk-server',
    'sends to the sender too, and a stack trace when the port is in use',
    [...replyToAll, ...noCatch],
    [7, 4, 2],
    /not the one who sent it.*seen +a stack trace\n/s,
  ],
  [
    'talk-server',
    'another default port, and nothing is verbose',
    ['12345', '12346', 'if options.verbose', 'if False'],
    [8, 2, 3],
    /seen +it listens on 0\.0\.0\.0:12346.*with -v it prints what it does/s,
  ],
  [
    'talk-server',
    'takes off what is white at the ends, is always verbose, and says nothing of a port in use',
    [
      's.recv(1024)',
      's.recv(1024).strip()',
      'if options.verbose',
      'if True',
      'listener = socket.socket()',
      'listener = socket.socket(); print("Server starting", flush=True)',
      'sys.exit(f"cannot listen on port {options.port}: {error}")',
      'sys.exit(1)',
    ],
    [7, 3, 2],
    /it printed no more than without.*it said what it always says: Server starting/s,
  ],
  [
    'select-server',
    'receives single bytes',
    [
      'import select\n',
      `import sys, select\nsys.path.append(${JSON.stringify(ZOO)})\n`,
      'recv(s)',
      'recv(s, 1)',
    ],
    [5, 5, 5, 5, 5],
    /it printed all 63 bytes, in 63 lines/,
  ],
  ['srv', 'none', [], [4, 4, 4, 2, 4, 2], /20 of 20.*\+0\/2 {2}A client that never reads stalls nobody\n/s],
  ['srv', 'does not count', ['len(conns), "s"', '1, "s"'], [0, 4, 4, 2, 4, 2], /\(1 users online\)/],
  [
    'srv',
    'counts one too few',
    ['(len(conns), "s" if len(conns)', '(len(conns) - 1, "s" if len(conns) - 1'],
    [1, 4, 4, 2, 4, 2],
    /\(0 users? online\)/,
  ],
  [
    'srv',
    'one users, and a newline after each message',
    ['>= 2', '>= 1', '{data.decode()}', '{data.decode()}\\n'],
    [3, 4, 4, 2, 4, 2],
    /costs +1 point: wording\n.*\(1 users online\)/s,
  ],
  [
    'srv',
    'a stack trace at Ctrl-C',
    ['KeyboardInterrupt:', 'ZeroDivisionError:'],
    [4, 4, 4, 2, 4, 0],
    /a stack trace: KeyboardInterrupt/,
  ],
  ['chatclient', 'none', [], [2, 4, 4, 6, 4], /and 3 extra/],
  [
    'chatclient',
    'waits for the keyboard alone',
    ['[my_socket, sys.stdin]', '[sys.stdin]'],
    [2, 0, 4, 0, 0],
    /seen +it waits in select, no timeout: 0 pipe; nobody waits for the server/,
  ],
  [
    'chatclient',
    'goes on when the server is gone, opens its keyboard by name, and shows what comes as it is',
    [
      'server!")\n                return',
      'server!")',
      'def main():',
      'def main():\n    open("/dev/stdin").close()',
      'message(message.decode())',
      'message(message.decode()).strip(), end="", flush=True',
    ],
    [2, 4, 4, 6, 2],
    /seen +it went on/,
    true,
  ],
  ['multiconn', 'none', [], [2, 4, 4, 2, 4, 2, 2], /20 of 20/],
  [
    'multiconn',
    'echoes the first piece only, and prints it without a newline',
    [
      '"to", data.addr',
      '"to", data.addr, end="", flush=True',
      'if mask & selectors.EVENT_READ:',
      'if mask & selectors.EVENT_READ and not hasattr(data, "done"):\n        data.done = True',
    ],
    [2, 0, 0, 1, 4, 0, 0],
    /a client that reads late received 1024 bytes; it does not read what it was sent: .* a loop goes round.*costs +1 point: no newline at its end/s,
    true,
  ],
  [
    'multiconn',
    'sends what it has read at once, on sockets that block',
    [
      'conn.setblocking(False)',
      '',
      'data.outb += received',
      'sock.sendall(received); print("Echoing", received, "to", data.addr)',
    ],
    [2, 4, 4, 2, 4, 0, 2],
    /client 0 receives "Message 1 from client 0\.".*seen +client 0 received nothing; it accepts no client: it waits in send/s,
  ],
];

async function check(
  [name, fault, edits, points, says, isBusy = false]: (typeof FAULTS)[number],
  context: TestContext,
): Promise<void> {
  const [file, ...args] = PYTHON[name];
  const command = ['python3', '-B', edited(file, edits), ...args];
  const result = await grade(name, command, context, isBusy ? SHORT_WAITS : []);
  expect(result.stdout).toMatch(says);
  expect(result.points).toEqual(points);
  expect(result.exit).toBe(String(points) === String(full[name]) ? 0 : 1);
  if (fault === 'none') await expectGolden(context, name, file, result.stdout);
}

async function checkOurs(name: string, context: TestContext): Promise<void> {
  const { exit, points, stdout } = await grade(name, [process.execPath, CLI, ...OURS[name]], context);
  expect({ exit, points }).toEqual({ exit: 0, points: full[name] });
  expect(stdout).not.toMatch(/^ *\+0/m);
}

const isBusy = ([, , , , , isBusy = false]: (typeof FAULTS)[number]) => isBusy;

test.concurrent.for(FAULTS.filter((row) => !isBusy(row)))('%s in Python: %s', (row, context) =>
  concurrently(context, () => check(row, context)),
);
// Beside several others a busy program takes three times as much of the processors.
test.for(FAULTS.filter(isBusy))('%s in Python: %s', (row, context) => check(row, context));

test.concurrent('chatclient in Python: sends without end', (context) =>
  concurrently(context, async () => {
    const endless = [
      'my_socket.sendall(line.encode())',
      'while True: my_socket.sendall(1000 * line.encode())',
    ];
    const command = ['python3', '-B', edited('chatclient.py', endless), 'localhost', '{port}'];
    const { points, stdout } = await grade('chatclient', command, context, ['--only', '3']);
    expect(points).toEqual([0]);
    expect(stdout).toMatch(/seen +the server is sent bytes without end\n +hint +a loop goes round for ever/);
  }));

test.concurrent.for(Object.keys(OURS))('%s: our own scores full, the extra points too', (name, context) =>
  concurrently(context, () => checkOurs(name, context)),
);
