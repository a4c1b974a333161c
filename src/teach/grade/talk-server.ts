/** talk-server: greets, and relays what each client sends to all others. */
import { createServer } from 'node:net';
import { Refusal } from '../refusal.js';
import type { Client } from './client.js';
import type { Exam } from './exam.js';
import { Lost } from './finding.js';
import { type Assignment, byTeacher, extra, line, part } from './rubric.js';
import { endsOnCtrlC, hasTrace, survivesReset, waitsForNobody } from './server-checks.js';
import { forConnections, forData } from './waiting.js';

export const talkServer: Assignment = {
  name: 'talk-server',
  command: 'python3 talk_server.py',
  more: ['-p', '{port}'],
  lines: [
    line(
      'Operates correctly',
      part(2, greets),
      part(3, relays),
      part(1, goesOn),
      part(1, forConnections()),
      part(1, forData()),
    ),
    line(
      'Handles command-line options correctly',
      part(1, takesPort('-p')),
      part(1, takesPort('--port')),
      part(1, listensOnDefaultPort),
      part(1, isVerbose),
    ),
    line(
      'Handles error conditions correctly',
      part(1, portInUse),
      part(1, survivesReset(relays)),
      part(1, endsOnCtrlC),
    ),
    byTeacher('Clean, well-indented, well-documented code', 5, 'left to the teacher'),
    extra('Honours: answers /who:', part(2, who)),
    extra('A client that never reads stalls nobody', part(2, waitsForNobody(guest))),
  ],
};

const DEFAULT_PORT = 12345;
const GREETING = 'Thank you for connecting';
const BYTES = 'bytes go over as they are: no newline more, no text before them';

async function guest(exam: Exam, name: string, isNarrow = false): Promise<Client> {
  const client = await exam.connect(isNarrow);
  await exam.receives(client, GREETING, name, 'the greeting is sent once, when the connection is accepted');
  return client;
}

async function greets(exam: Exam): Promise<string> {
  await exam.listen();
  await guest(exam, 'a client');
  return `a client received ${JSON.stringify(GREETING)}`;
}

async function relays(exam: Exam): Promise<string> {
  if (!exam.isRunning) await exam.listen();
  const [alice, bob, chris] = [
    await guest(exam, 'Alice'),
    await guest(exam, 'Bob'),
    await guest(exam, 'Chris'),
  ];
  alice.say('Alice says: hello');
  await exam.receives(bob, 'Alice says: hello', 'Bob', BYTES);
  await exam.receives(chris, 'Alice says: hello', 'Chris', BYTES);
  bob.say('Bob says: hi');
  // Had Alice been sent her own words, they would come first.
  await exam.receives(alice, 'Bob says: hi', 'Alice', 'all others get a message: not the one who sent it');
  return 'what one client sent, all others received, and it alone did not';
}

async function goesOn(exam: Exam): Promise<string> {
  await exam.listen();
  const [alice, bob, chris] = [
    await guest(exam, 'Alice'),
    await guest(exam, 'Bob'),
    await guest(exam, 'Chris'),
  ];
  alice.leave();
  await exam.answer(() => alice.ended);
  bob.say('Bob says: still there?');
  const hint = 'a client that has left is in no list any more';
  await exam.receives(chris, 'Bob says: still there?', 'Chris', hint);
  return 'when one had left, the others went on';
}

function takesPort(option: string) {
  return async (exam: Exam): Promise<string> => {
    await exam.listen([option, '{port}']);
    return `it listened on the port of ${option}`;
  };
}

async function listensOnDefaultPort(exam: Exam): Promise<string> {
  const isFree = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(DEFAULT_PORT, () => server.close(() => resolve(true)));
  });
  if (!isFree) throw new Refusal(`port ${DEFAULT_PORT} is in use here`);
  await exam.listen([], DEFAULT_PORT);
  return `without an option it listened on port ${DEFAULT_PORT}`;
}

async function isVerbose(exam: Exam): Promise<string> {
  for (const option of ['-v', '--verbose']) {
    await exam.listen(['-p', '{port}', option]);
    await guest(exam, 'a client');
    const printed = await exam.answer(() => exam.stdout + exam.program.stderr);
    if (!printed)
      throw await exam.unanswered(
        `with ${option} it prints what it does`,
        'it printed nothing',
        'a new connection is news',
      );
    if (option === '-v') await exam.end(false);
  }
  return 'with -v and --verbose it printed what it does';
}

async function portInUse(exam: Exam): Promise<string> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, resolve));
  const { port } = other.address() as { port: number };
  try {
    const server = await exam.start(undefined, port);
    await exam.answer(() => server.ended);
    const said = (server.stderr + server.stdout).trim();
    const expected = 'when its port is in use it says so, without a stack trace, and ends';
    const hint = 'bind() fails: catch the error, and print a message for a user';
    if (!server.ended) throw exam.lost(expected, 'it went on', hint);
    if (hasTrace(exam)) throw new Lost({ expected, seen: 'a stack trace', hint });
    if (said === '') throw new Lost({ expected, seen: 'it said nothing', hint });
    return `when its port was in use it said: ${said.split('\n')[0]}`;
  } finally {
    other.close();
  }
}

async function who(exam: Exam): Promise<string> {
  await exam.listen();
  const [alice, bob] = [await guest(exam, 'Alice'), await guest(exam, 'Bob')];
  alice.say('Alice says: hello');
  await exam.receives(bob, 'Alice says: hello', 'Bob', BYTES);
  alice.say('/who:');
  const list = [
    `Alice connected from 127.0.0.1, ${alice.port}.`,
    `<unknown> connected from 127.0.0.1, ${bob.port}.`,
  ];
  const lines = () =>
    alice.received
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd());
  const isRight = () => lines()[0] === '2 clients connected.' && list.every((line) => lines().includes(line));
  if (await exam.answer(isRight)) return `it answered: ${lines().join(' | ')}`;
  const seen = alice.received === '' ? 'no answer' : `it answered: ${lines().join(' | ')}`;
  throw await exam.unanswered(
    `/who: is answered: 2 clients connected. | ${list.join(' | ')}`,
    seen,
    'names are learned from "NAME says: …"',
  );
}
