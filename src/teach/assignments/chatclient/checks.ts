/** chatclient: shows what the server sends, and sends what is typed. The grader plays the given server. */
import type { Client } from '../../grade/client.js';
import { diagnose, lastBlocked } from '../../grade/diagnosis.js';
import { type Assignment, byTeacher, extra, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { connectionTo, KEYBOARD, untilWaiting, waitersFor } from '../../grade/select-checks.js';

export const assignment: Assignment = {
  name: 'chatclient',
  skeleton: { file: 'chatclient', given: 'chatserver', run: 'localhost 5555', grade: 'localhost {port}' },
  command: 'python3 chatclient.py localhost {port}',
  lines: [
    line('Connects to the server', part(2, connects)),
    line('Shows what the server sends', part(4, shows)),
    line('Sends what is typed', part(4, sends)),
    line(
      'Waits in select() for keyboard and server at once',
      part(4, forKeyboardAndServer),
      part(2, showsBetween),
    ),
    line('Ends when the server is gone', part(2, saysGone), part(2, endsWhenGone)),
    extra('Shows name::text as [name] text', part(2, formats)),
    extra('Ends at /quit', part(1, quits)),
    byTeacher('Is made of the functions main, open_connection, format_message', 1, 'left to the teacher'),
  ],
};

const HINTS = {
  flush: 'what recv() returns is printed at once: is stdout flushed?',
  keyboard: 'a line is read from the keyboard, and sent',
  alone: 'a call that waits for the keyboard alone does not hear the server',
  gone: 'recv() returns no bytes when the server is gone',
  after: 'the line was printed: what does the program go on waiting for after that?',
  names: 'the first :: separates the name from the text',
  quit: 'compare the line without its newline',
};

const DASHES = '-'.repeat(37);
const TITLE = 'Welcome to the Hackbright Chat Server';
const WELCOME = `${DASHES}\n${TITLE}\n${DASHES}\nPlease enter your screen name:\n`;
const NAME = 'FoofusTheCat';

/** The server greets who connects, as the given one does. */
async function greet(run: Run): Promise<Client> {
  const server = await run.acceptClient();
  server.name = 'the server';
  server.send(WELCOME);
  return server;
}

/** The client has been asked for a name, and has one. Some wait for the keyboard alone until then. */
async function logIn(run: Run): Promise<Client> {
  const server = await greet(run);
  await run.until(() => run.program.stdout.includes('screen name'));
  run.program.type(`${NAME}\n`);
  await run.until(() => server.received.includes(NAME));
  server.take();
  server.send(`${NAME} logged in\n`);
  await run.until(() => run.program.stdout.includes('logged in'));
  await run.settle(); // what it still does for the line that was typed
  return server;
}

/** It shows a text, in a line of its own or not. */
const shown = (run: Run, texts: string[], hint: string) =>
  run.prints(texts, hint, {
    orElse: () => {
      const text = texts.find((text) => run.program.stdout.includes(text));
      return text && `it printed: ${text}`;
    },
  });

async function connects(run: Run): Promise<string> {
  await greet(run);
  return 'it connected';
}

async function shows(run: Run): Promise<string> {
  await greet(run);
  return shown(run, [TITLE], HINTS.flush);
}

async function sends(run: Run): Promise<string> {
  const server = await greet(run);
  await run.until(() => run.program.stdout.includes('screen name'));
  run.program.type(`${NAME}\n`);
  return run.receives(server, NAME, HINTS.keyboard);
}

/** A client waits for the keyboard and for the server in one select(). */
async function forKeyboardAndServer(run: Run): Promise<string> {
  await logIn(run);
  const expected = 'it waits in one select() for the keyboard (descriptor 0) and for the server';
  return untilWaiting(run, [KEYBOARD, connectionTo(run.port)], ['select'], expected);
}

/** A message comes while nothing is typed. */
async function showsBetween(run: Run): Promise<string> {
  const server = await logIn(run);
  server.send('Bob::how are you\n');
  return shown(run, ['Bob::how are you', '[Bob] how are you'], HINTS.alone);
}

async function saysGone(run: Run): Promise<string> {
  const server = await logIn(run);
  server.leave();
  return run.prints('Disconnected from server!', () => hintWhenGone(run));
}

async function endsWhenGone(run: Run): Promise<string> {
  const server = await logIn(run);
  server.leave();
  if (await run.until(() => run.program.ended)) return `it ended: ${run.program.ended}`;
  const { seen } = diagnose(run.samples);
  const hasSaid = /disconnected/i.test(run.program.stdout);
  const hint = hasSaid ? HINTS.after : hintWhenGone(run);
  return run.fail(
    { expected: 'it ends when the server is gone', seen: `it went on: ${seen}`, hint },
    { isDiagnosed: true },
  );
}

/** One that waits for the keyboard alone cannot know that the server has gone. */
const hintWhenGone = (run: Run) => (waitsForKeyboardAlone(run) ? HINTS.alone : HINTS.gone);

function waitsForKeyboardAlone({ samples, port }: Run): boolean {
  const threads = lastBlocked(samples);
  return waitersFor(KEYBOARD, threads).length > 0 && waitersFor(connectionTo(port), threads).length === 0;
}

async function formats(run: Run): Promise<string> {
  const server = await logIn(run);
  server.send('Bob::how are you\n');
  const hint = () => (waitsForKeyboardAlone(run) ? HINTS.alone : HINTS.names);
  return run.prints('[Bob] how are you', hint, { exactly: true });
}

async function quits(run: Run): Promise<string> {
  await logIn(run);
  run.program.type('/quit\n');
  if (await run.until(() => run.program.ended)) return '/quit ended it';
  return run.fail({ expected: 'it ends at /quit', seen: 'it went on', hint: HINTS.quit });
}
