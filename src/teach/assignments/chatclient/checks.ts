/** chatclient: shows what the server sends, and sends what is typed. */

import { type Assignment, byTeacher, extra, line, part } from '../../grade/rubric.js';
import type { Exam } from '../../grade/run.js';
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

async function connects(exam: Exam): Promise<string> {
  await exam.accept();
  return 'it connected';
}

async function shows(exam: Exam): Promise<string> {
  const server = await exam.accept();
  server.say(WELCOME);
  return exam.shows(/Welcome to the Hackbright Chat Server/, 'what the server sends', 'is stdout flushed?');
}

async function sends(exam: Exam): Promise<string> {
  const server = await exam.accept();
  server.say(WELCOME);
  await exam.answer(() => exam.stdout.includes('Welcome'));
  exam.program.type('FoofusTheCat\n');
  const got = () => server.received.trimEnd();
  if (await exam.answer(() => got() === 'FoofusTheCat'))
    return `the server received ${JSON.stringify(server.received)}`;
  const seen = `it received ${server.received === '' ? 'nothing' : JSON.stringify(server.received)}`;
  throw await exam.unanswered(
    'the server receives the line that was typed',
    seen,
    'a line is read from the keyboard, and sent',
  );
}

/** A message comes while nothing is typed. */
async function showsBetween(exam: Exam): Promise<string> {
  const server = await exam.accept();
  server.say(WELCOME);
  exam.program.type('FoofusTheCat\n');
  await exam.answer(() => server.received !== '');
  server.say('FoofusTheCat logged in\n');
  await exam.answer(() => exam.stdout.includes('logged in'));
  server.say('Bob::how are you\n');
  const hint = 'a call that waits for the keyboard alone does not hear the server';
  return exam.shows(/how are you/, 'a message that comes while nothing is typed', hint);
}

async function saysGone(exam: Exam): Promise<string> {
  const server = await exam.accept();
  server.leave();
  return exam.shows(/Disconnected from server!/, GONE, END);
}

async function endsWhenGone(exam: Exam): Promise<string> {
  const server = await exam.accept();
  server.leave();
  if (await exam.answer(() => exam.program.ended)) return `it ended: ${exam.program.ended}`;
  throw await exam.unanswered('it ends when the server is gone', 'it went on', END);
}

async function formats(exam: Exam): Promise<string> {
  const server = await exam.accept();
  server.say('Bob::how are you\n');
  return exam.shows(
    /\[Bob\] how are you/,
    '[Bob] how are you',
    'the first :: separates the name from the text',
  );
}

async function quits(exam: Exam): Promise<string> {
  await exam.accept();
  exam.program.type('/quit\n');
  if (await exam.answer(() => exam.program.ended)) return '/quit ended it';
  throw exam.lost('it ends at /quit', 'it went on', 'compare the line without its newline');
}
