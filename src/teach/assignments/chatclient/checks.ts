/** chatclient: shows what the server sends, and sends what is typed. */

import { type Assignment, byTeacher, extra, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { forKeyboardAndServer } from '../../grade/select-checks.js';

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

const WELCOME = `${'-'.repeat(37)}\nWelcome to the Hackbright Chat Server\n${'-'.repeat(37)}\nPlease enter your screen name:\n`;
const GONE = 'Disconnected from server!';
const END = 'recv() returns no bytes when the server is gone';

async function connects(run: Run): Promise<string> {
  await run.accept();
  return 'it connected';
}

async function shows(run: Run): Promise<string> {
  const server = await run.accept();
  server.say(WELCOME);
  return run.shows(/Welcome to the Hackbright Chat Server/, 'what the server sends', 'is stdout flushed?');
}

async function sends(run: Run): Promise<string> {
  const server = await run.accept();
  server.say(WELCOME);
  await run.answer(() => run.stdout.includes('Welcome'));
  run.program.type('FoofusTheCat\n');
  const got = () => server.received.trimEnd();
  if (await run.answer(() => got() === 'FoofusTheCat'))
    return `the server received ${JSON.stringify(server.received)}`;
  const seen = `it received ${server.received === '' ? 'nothing' : JSON.stringify(server.received)}`;
  throw await run.unanswered(
    'the server receives the line that was typed',
    seen,
    'a line is read from the keyboard, and sent',
  );
}

/** A message comes while nothing is typed. */
async function showsBetween(run: Run): Promise<string> {
  const server = await run.accept();
  server.say(WELCOME);
  run.program.type('FoofusTheCat\n');
  await run.answer(() => server.received !== '');
  server.say('FoofusTheCat logged in\n');
  await run.answer(() => run.stdout.includes('logged in'));
  server.say('Bob::how are you\n');
  const hint = 'a call that waits for the keyboard alone does not hear the server';
  return run.shows(/how are you/, 'a message that comes while nothing is typed', hint);
}

async function saysGone(run: Run): Promise<string> {
  const server = await run.accept();
  server.leave();
  return run.shows(/Disconnected from server!/, GONE, END);
}

async function endsWhenGone(run: Run): Promise<string> {
  const server = await run.accept();
  server.leave();
  if (await run.answer(() => run.program.ended)) return `it ended: ${run.program.ended}`;
  throw await run.unanswered('it ends when the server is gone', 'it went on', END);
}

async function formats(run: Run): Promise<string> {
  const server = await run.accept();
  server.say('Bob::how are you\n');
  return run.shows(
    /\[Bob\] how are you/,
    '[Bob] how are you',
    'the first :: separates the name from the text',
  );
}

async function quits(run: Run): Promise<string> {
  await run.accept();
  run.program.type('/quit\n');
  if (await run.answer(() => run.program.ended)) return '/quit ended it';
  throw run.lost('it ends at /quit', 'it went on', 'compare the line without its newline');
}
