/** talk-server: greets, and relays what each client sends to all others. */
import { createServer } from 'node:net';
import type { Client } from '../../grade/client.js';
import { Lost } from '../../grade/failure.js';
import { type Assignment, byTeacher, extra, line, part } from '../../grade/rubric.js';
import type { Exam } from '../../grade/run.js';
import { forConnections, forData } from '../../grade/select-checks.js';
import { endsOnCtrlC, hasTrace, survivesReset, waitsForNobody } from '../../grade/server-checks.js';
import { Refusal } from '../../user-error.js';

export const assignment: Assignment = {
  name: 'talk-server',
  skeleton: { file: 'talk_server', given: 'talk_client', run: '-v', grade: '' },
  command: 'python3 talk_server.py',
  more: ['-p', '{port}'],
  lines: [
    line(
      'Operates correctly',
      part(1, greets),
      part(1, relays),
      part(1, relaysBytes),
      part(1, goesOn),
      part(2, forConnections()),
      part(2, forData()),
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
      part(1, survivesReset(serves)),
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

/** A client that has been greeted, in whatever words. */
async function guest(exam: Exam, isNarrow = false): Promise<Client> {
  const client = await exam.connect(isNarrow);
  await exam.arrives(client, GREETING.length);
  client.received = '';
  return client;
}

async function greets(exam: Exam): Promise<string> {
  await exam.listen();
  const hint = 'the greeting is sent once, when the connection is accepted';
  return exam.receives(await exam.connect(), GREETING, 'a client', hint);
}

async function relays(exam: Exam): Promise<string> {
  await exam.listen();
  const [alice, bob, chris] = [await guest(exam), await guest(exam), await guest(exam)];
  const hint = 'all others get a message: not the one who sent it';
  alice.say('Alice says: hello');
  await exam.hears(bob, 'Alice says: hello', 'Bob', hint);
  await exam.hears(chris, 'Alice says: hello', 'Chris', hint);
  bob.say('Bob says: hi');
  await exam.hears(alice, 'Bob says: hi', 'Alice', hint);
  // Had Alice been sent her own words, they would have come first.
  if (alice.received.includes('hello'))
    throw exam.lost('Alice does not receive what she has sent', 'it came back to her', hint);
  return 'what one client sent, all others received, and it alone did not';
}

/** As many as go over at a time, each value among them, and white space at both ends. */
const ALL_BYTES = String.fromCharCode(...Array.from({ length: 1024 }, (_, i) => (i + 11) % 256));

async function relaysBytes(exam: Exam): Promise<string> {
  await exam.listen();
  const [alice, bob] = [await guest(exam), await guest(exam)];
  for (const text of ['Alice says: hello', ALL_BYTES]) {
    alice.say(text);
    await exam.arrives(bob, text.length + 1); // until no more come
    await exam.receives(bob, text, 'Bob', BYTES);
  }
  return `${ALL_BYTES.length} bytes of all values went over as they were`;
}

async function goesOn(exam: Exam): Promise<string> {
  await exam.listen();
  const [alice, bob, chris] = [await guest(exam), await guest(exam), await guest(exam)];
  alice.leave();
  await exam.answer(() => alice.ended);
  bob.say('Bob says: still there?');
  const hint = 'a client that has left is in no list any more';
  await exam.hears(chris, 'Bob says: still there?', 'Chris', hint);
  return 'when one had left, the others went on';
}

/** One who comes is heard by another. */
async function serves(exam: Exam): Promise<string> {
  const [alice, bob] = [await guest(exam), await guest(exam)];
  alice.say('Alice says: hello');
  return exam.hears(bob, 'Alice says: hello', 'Bob', 'a client that is gone is in no list any more');
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

/** The lines that it has printed, wherever. */
const printed = ({ stdout, program: { stderr } }: Exam) =>
  `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');

async function isVerbose(exam: Exam): Promise<string> {
  await exam.listen(['-p', '{port}']);
  await guest(exam);
  await exam.answer(() => false); // until it has come to rest
  const usual = printed(exam).length;
  for (const option of ['-v', '--verbose']) {
    await exam.end(false);
    await exam.listen(['-p', '{port}', option]);
    await guest(exam);
    if (await exam.answer(() => printed(exam).length > usual)) continue;
    const seen = usual === 0 ? 'it printed nothing' : 'it printed no more than without';
    throw await exam.unanswered(`with ${option} it prints what it does`, seen, 'a new connection is news');
  }
  return 'with -v and --verbose it printed what it does';
}

async function portInUse(exam: Exam): Promise<string> {
  await exam.listen();
  await exam.answer(() => false); // until it has come to rest
  const lines = () => printed(exam).map((line) => line.replaceAll(String(exam.port), '{port}'));
  const usual = lines();
  await exam.end(false);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, resolve));
  const { port } = other.address() as { port: number };
  try {
    const server = await exam.start(undefined, port);
    await exam.answer(() => server.ended);
    const expected = 'when its port is in use it says so, without a stack trace, and ends';
    const hint = 'bind() fails: catch the error, and print a message for a user';
    if (!server.ended) throw exam.lost(expected, 'it went on', hint);
    if (hasTrace(exam)) throw new Lost({ expected, seen: 'a stack trace', hint });
    const said = printed(exam);
    const news = lines().findLastIndex((line) => !usual.includes(line));
    if (said.length === 0) throw new Lost({ expected, seen: 'it said nothing', hint });
    if (news < 0) throw new Lost({ expected, seen: `it said what it always says: ${said.at(-1)}`, hint });
    return `when its port was in use it said: ${said[news]}`;
  } finally {
    other.close();
  }
}

async function who(exam: Exam): Promise<string> {
  await exam.listen();
  const [alice, bob] = [await guest(exam), await guest(exam)];
  alice.say('Alice says: hello');
  await exam.hears(bob, 'Alice says: hello', 'Bob', BYTES);
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
