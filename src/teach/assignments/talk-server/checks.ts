/** talk-server: greets, and relays what each client sends to all others. */
import { createServer } from 'node:net';
import type { Client } from '../../grade/client.js';
import { Lost } from '../../grade/failure.js';
import { type Assignment, byTeacher, extra, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { forConnections, forData } from '../../grade/select-checks.js';
import { endsOnCtrlC, hasTrace, survivesReset, waitsForNobody } from '../../grade/server-checks.js';
import { UserError } from '../../user-error.js';

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
async function guest(run: Run, isNarrow = false): Promise<Client> {
  const client = await run.connect(isNarrow);
  await run.arrives(client, GREETING.length);
  client.received = '';
  return client;
}

async function greets(run: Run): Promise<string> {
  await run.listen();
  const hint = 'the greeting is sent once, when the connection is accepted';
  return run.receives(await run.connect(), GREETING, 'a client', hint);
}

async function relays(run: Run): Promise<string> {
  await run.listen();
  const [alice, bob, chris] = [await guest(run), await guest(run), await guest(run)];
  const hint = 'all others get a message: not the one who sent it';
  alice.say('Alice says: hello');
  await run.hears(bob, 'Alice says: hello', 'Bob', hint);
  await run.hears(chris, 'Alice says: hello', 'Chris', hint);
  bob.say('Bob says: hi');
  await run.hears(alice, 'Bob says: hi', 'Alice', hint);
  // Had Alice been sent her own words, they would have come first.
  if (alice.received.includes('hello'))
    throw run.lost('Alice does not receive what she has sent', 'it came back to her', hint);
  return 'what one client sent, all others received, and it alone did not';
}

/** As many as go over at a time, each value among them, and white space at both ends. */
const ALL_BYTES = String.fromCharCode(...Array.from({ length: 1024 }, (_, i) => (i + 11) % 256));

async function relaysBytes(run: Run): Promise<string> {
  await run.listen();
  const [alice, bob] = [await guest(run), await guest(run)];
  for (const text of ['Alice says: hello', ALL_BYTES]) {
    alice.say(text);
    await run.arrives(bob, text.length + 1); // until no more come
    await run.receives(bob, text, 'Bob', BYTES);
  }
  return `${ALL_BYTES.length} bytes of all values went over as they were`;
}

async function goesOn(run: Run): Promise<string> {
  await run.listen();
  const [alice, bob, chris] = [await guest(run), await guest(run), await guest(run)];
  alice.leave();
  await run.answer(() => alice.ended);
  bob.say('Bob says: still there?');
  const hint = 'a client that has left is in no list any more';
  await run.hears(chris, 'Bob says: still there?', 'Chris', hint);
  return 'when one had left, the others went on';
}

/** One who comes is heard by another. */
async function serves(run: Run): Promise<string> {
  const [alice, bob] = [await guest(run), await guest(run)];
  alice.say('Alice says: hello');
  return run.hears(bob, 'Alice says: hello', 'Bob', 'a client that is gone is in no list any more');
}

function takesPort(option: string) {
  return async (run: Run): Promise<string> => {
    await run.listen([option, '{port}']);
    return `it listened on the port of ${option}`;
  };
}

async function listensOnDefaultPort(run: Run): Promise<string> {
  const isFree = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(DEFAULT_PORT, () => server.close(() => resolve(true)));
  });
  if (!isFree) throw new UserError(`port ${DEFAULT_PORT} is in use here`);
  await run.listen([], DEFAULT_PORT);
  return `without an option it listened on port ${DEFAULT_PORT}`;
}

/** The lines that it has printed, wherever. */
const printed = ({ stdout, program: { stderr } }: Run) =>
  `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');

async function isVerbose(run: Run): Promise<string> {
  await run.listen(['-p', '{port}']);
  await guest(run);
  await run.answer(() => false); // until it has come to rest
  const usual = printed(run).length;
  for (const option of ['-v', '--verbose']) {
    await run.end(false);
    await run.listen(['-p', '{port}', option]);
    await guest(run);
    if (await run.answer(() => printed(run).length > usual)) continue;
    const seen = usual === 0 ? 'it printed nothing' : 'it printed no more than without';
    throw await run.unanswered(`with ${option} it prints what it does`, seen, 'a new connection is news');
  }
  return 'with -v and --verbose it printed what it does';
}

async function portInUse(run: Run): Promise<string> {
  await run.listen();
  await run.answer(() => false); // until it has come to rest
  const lines = () => printed(run).map((line) => line.replaceAll(String(run.port), '{port}'));
  const usual = lines();
  await run.end(false);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, resolve));
  const { port } = other.address() as { port: number };
  try {
    const server = await run.start(undefined, port);
    await run.answer(() => server.ended);
    const expected = 'when its port is in use it says so, without a stack trace, and ends';
    const hint = 'bind() fails: catch the error, and print a message for a user';
    if (!server.ended) throw run.lost(expected, 'it went on', hint);
    if (hasTrace(run)) throw new Lost({ expected, seen: 'a stack trace', hint });
    const said = printed(run);
    const news = lines().findLastIndex((line) => !usual.includes(line));
    if (said.length === 0) throw new Lost({ expected, seen: 'it said nothing', hint });
    if (news < 0) throw new Lost({ expected, seen: `it said what it always says: ${said.at(-1)}`, hint });
    return `when its port was in use it said: ${said[news]}`;
  } finally {
    other.close();
  }
}

async function who(run: Run): Promise<string> {
  await run.listen();
  const [alice, bob] = [await guest(run), await guest(run)];
  alice.say('Alice says: hello');
  await run.hears(bob, 'Alice says: hello', 'Bob', BYTES);
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
  if (await run.answer(isRight)) return `it answered: ${lines().join(' | ')}`;
  const seen = alice.received === '' ? 'no answer' : `it answered: ${lines().join(' | ')}`;
  throw await run.unanswered(
    `/who: is answered: 2 clients connected. | ${list.join(' | ')}`,
    seen,
    'names are learned from "NAME says: …"',
  );
}
