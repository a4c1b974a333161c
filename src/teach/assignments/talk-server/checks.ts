/** talk-server: greets, and relays what each client sends to all others. */
import type { Client } from '../../grade/client.js';
import { hasTrace } from '../../grade/complaint.js';
import { holdPort, isFree, occupyPort, untilUnused } from '../../grade/ports.js';
import { type Assignment, byTeacher, extra, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { forConnections, forData } from '../../grade/select-checks.js';
import { endsOnCtrlC, survivesReset, waitsForNobody } from '../../grade/server-checks.js';
import { UserError } from '../../user-error.js';

const DEFAULT_PORT = 12345;

export const assignment: Assignment = {
  name: 'talk-server',
  skeleton: { file: 'talk_server', given: 'talk_client', run: '-v', grade: '' },
  command: 'python3 talk_server.py',
  args: ['-p', '{port}'],
  usualPort: DEFAULT_PORT,
  lines: [
    line(
      'Operates correctly',
      part(1, greets),
      part(1, relays),
      part(1, relaysBytes),
      part(1, goesOn),
      part(2, forConnections()),
      part(2, forData(['select'], 'Alice says: hello')),
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
      part(1, saysPortInUse),
      part(1, survivesReset(serves)),
      part(1, endsOnCtrlC),
    ),
    byTeacher('Clean, well-indented, well-documented code', 5, 'left to the teacher'),
    extra('Honours: answers /who:', part(2, who)),
    extra('A client that never reads stalls nobody', part(2, waitsForNobody(guest))),
  ],
};

const GREETING = 'Thank you for connecting';

const HINTS = {
  greeting: 'the greeting is sent once, when the connection is accepted',
  others: 'all others get a message: not the one who sent it',
  bytes: 'bytes go over as they are: no newline more, no text before them',
  gone: 'a client that has left is in no list any more',
  verbose: 'a connection, a message, a disconnection: each is worth a line',
  sameOption: 'with -v it does: --verbose is the same option by its long name',
  inUse: 'bind() fails: catch the error, and print a message for a user',
  question: '/who: is no message to the others: who is asked, and who should answer?',
  names: 'names are learned from "NAME says: …"',
};

/** A client that has been greeted, in whatever words. */
async function guest(run: Run, name = 'a client', isNarrow = false): Promise<Client> {
  const client = await run.connect(name, isNarrow);
  await run.until(() => client.received.length >= GREETING.length || client.ended);
  client.take();
  return client;
}

async function greets(run: Run): Promise<string> {
  await run.startServer();
  return run.receives(await run.connect(), GREETING, HINTS.greeting);
}

async function relays(run: Run): Promise<string> {
  await run.startServer();
  const [alice, bob, chris] = [await guest(run, 'Alice'), await guest(run, 'Bob'), await guest(run, 'Chris')];
  alice.send('Alice says: hello');
  await run.hears(bob, 'Alice says: hello', HINTS.others);
  await run.hears(chris, 'Alice says: hello', HINTS.others);
  bob.send('Bob says: hi');
  await run.hears(alice, 'Bob says: hi', HINTS.others);
  // Had Alice been sent her own words, they would have come first.
  if (!alice.received.includes('hello'))
    return 'what one client sent, all others received, and it alone did not';
  return run.fail({
    expected: 'Alice does not receive what she has sent',
    seen: 'it came back to her',
    hint: HINTS.others,
  });
}

/** As many as go over at a time, each value among them, and white space at both ends. */
const ALL_BYTES = String.fromCharCode(...Array.from({ length: 1024 }, (_, i) => (i + 11) % 256));

async function relaysBytes(run: Run): Promise<string> {
  await run.startServer();
  const [alice, bob] = [await guest(run, 'Alice'), await guest(run, 'Bob')];
  for (const text of ['Alice says: hello', ALL_BYTES]) {
    alice.send(text);
    await run.until(() => bob.received.length > text.length); // until no more come
    await run.receives(bob, text, HINTS.bytes, { exactly: true });
  }
  return `${ALL_BYTES.length} bytes of all values went over as they were`;
}

async function goesOn(run: Run): Promise<string> {
  await run.startServer();
  const [alice, bob, chris] = [await guest(run, 'Alice'), await guest(run, 'Bob'), await guest(run, 'Chris')];
  alice.leave();
  await run.until(() => alice.ended);
  bob.send('Bob says: still there?');
  await run.hears(chris, 'Bob says: still there?', HINTS.gone);
  return 'when one had left, the others went on';
}

/** One who comes is heard by another. */
async function serves(run: Run): Promise<string> {
  const [alice, bob] = [await guest(run, 'Alice'), await guest(run, 'Bob')];
  alice.send('Alice says: hello');
  return run.hears(bob, 'Alice says: hello', HINTS.gone);
}

/** Starts it with these arguments, alone on the machine: an option that it does not know leaves it on the default port. */
async function listensOn(run: Run, args: string[], port: number | undefined, key: string): Promise<string> {
  const release = await holdPort(DEFAULT_PORT);
  try {
    await untilUnused([DEFAULT_PORT]);
    if (port !== undefined && !(await isFree(port))) throw new UserError(`port ${port} is in use here`);
    await run.startServer(args, port);
    const slip = run.deviations.find(({ key }) => key === 'port');
    const wanted = slip ? slip.port : run.port;
    const start = args.length === 0 ? 'without an option' : `with ${args[0]} ${wanted}`;
    if (slip)
      Object.assign(slip, { expected: `${start} it listens on port ${wanted}`, what: PORT_SLIP[key], key });
    await run.stop();
    return `${start} it listened on port ${run.port}`;
  } finally {
    release();
  }
}

const PORT_SLIP: Record<string, string> = {
  port: 'the port is the one that the option gives',
  'default port': 'which port does it take when its command line names none?',
};

function takesPort(option: string) {
  return (run: Run): Promise<string> => listensOn(run, [option, '{port}'], undefined, 'port');
}

function listensOnDefaultPort(run: Run): Promise<string> {
  return listensOn(run, [], DEFAULT_PORT, 'default port');
}

/** The lines that it has printed, wherever. */
const printed = ({ program: { stdout, stderr } }: Run) =>
  `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');

/** Two come, one says something and leaves. */
async function visit(run: Run): Promise<void> {
  const [alice] = [await guest(run, 'Alice'), await guest(run, 'Bob')];
  alice.send('Alice says: hello');
  await run.settle();
  alice.leave();
  await run.settle();
}

/** How many lines it prints in such a run; they are counted when it has ended and all has been read. */
async function linesOfVisit(run: Run, ...options: string[]): Promise<{ count: number; hasEnded: boolean }> {
  await run.startServer(['-p', '{port}', ...options]);
  await visit(run);
  const hasEnded = run.ended !== undefined;
  await run.stop();
  return { count: printed(run).length, hasEnded };
}

async function isVerbose(run: Run): Promise<string> {
  const { count: usual } = await linesOfVisit(run);
  for (const [option, hint] of [
    ['-v', HINTS.verbose],
    ['--verbose', HINTS.sameOption],
  ] as const) {
    const { count, hasEnded } = await linesOfVisit(run, option);
    if (count > usual) continue;
    return run.fail(
      {
        expected: `with ${option} it prints what it does`,
        seen: count === 0 ? 'it printed nothing' : 'it printed no more than without',
        hint,
      },
      { isAboutEnd: !hasEnded },
    );
  }
  return 'with -v and --verbose it printed what it does';
}

async function saysPortInUse(run: Run): Promise<string> {
  await run.startServer();
  await run.settle();
  const lines = () => printed(run).map((line) => line.replaceAll(String(run.port), '{port}'));
  const usual = lines();
  await run.stop();
  const { port, release } = await occupyPort();
  try {
    await run.start(undefined, port);
    await run.until(() => run.program.ended);
    const finding = {
      expected: 'when its port is in use it says so, without a stack trace, and ends',
      hint: HINTS.inUse,
    };
    const lost = (seen: string) => run.fail({ ...finding, seen }, { isAboutEnd: true });
    if (!run.program.ended) return lost('it went on');
    await run.program.drain();
    const said = printed(run);
    if (said.some(hasTrace)) return lost('a stack trace');
    const news = lines().findLastIndex((line) => !usual.includes(line));
    if (said.length === 0) return lost('it said nothing');
    return news < 0
      ? lost(`it said what it always says: ${said.at(-1)}`)
      : `when its port was in use it said: ${said[news]}`;
  } finally {
    release();
  }
}

async function who(run: Run): Promise<string> {
  await run.startServer();
  const [alice, bob] = [await guest(run, 'Alice'), await guest(run, 'Bob')];
  alice.send('Alice says: hello');
  await run.hears(bob, 'Alice says: hello', HINTS.bytes);
  alice.send('/who:');
  const list = [
    `Alice connected from 127.0.0.1, ${alice.port}.`,
    `<unknown> connected from 127.0.0.1, ${bob.port}.`,
  ];
  const lines = () =>
    alice.received
      .trim()
      .split('\n')
      .map((line) => line.trimEnd());
  const isRight = () => lines()[0] === '2 clients connected.' && list.every((line) => lines().includes(line));
  if (await run.until(isRight)) return `it answered: ${lines().join(' | ')}`;
  const isRelayed = alice.received.includes('/who:');
  const answer = alice.received === '' ? 'no answer' : `it answered: ${lines().join(' | ')}`;
  return run.fail({
    expected: `/who: is answered: 2 clients connected. | ${list.join(' | ')}`,
    seen: isRelayed ? 'no answer: what Alice had sent came back to her' : answer,
    hint: isRelayed || alice.received === '' ? HINTS.question : HINTS.names,
  });
}
