/** select-server: prints who connects, what they send, and who leaves, from one select() loop. */
import type { Client } from '../../grade/client.js';
import { Lost } from '../../grade/failure.js';
import { type Assignment, line, part } from '../../grade/rubric.js';
import type { Exam } from '../../grade/run.js';
import { afterLeaving, forConnections, forData } from '../../grade/select-checks.js';
import { hasRead } from '../../grade/socket-queues.js';

export const assignment: Assignment = {
  name: 'select-server',
  skeleton: { file: 'select_server', given: 'select_client', run: '3490', grade: '{port}' },
  command: 'python3 select_server.py {port}',
  lines: [
    line('Prints the right line when a client connects', part(5, connects)),
    line('Prints the right line when a client disconnects', part(3, leaves), part(2, resets)),
    line('Prints the right line when data is received', part(5, sends)),
    line('Waits in select() for incoming connections', part(5, forConnections())),
    line('Waits in select() for incoming client data', part(3, forData()), part(2, afterLeaving())),
  ],
};

/** How Python prints a client's address. */
const addressOf = ({ port }: Client) => `('127.0.0.1', ${port})`;

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`);
}

const TEXT = 'compare it with the assignment letter by letter: quotes, spaces, colon';

async function connects(exam: Exam): Promise<string> {
  await exam.listen();
  const text = `${addressOf(await exam.connect())}: connected`;
  return exam.prints(exactly(text), text, TEXT);
}

async function leaves(exam: Exam): Promise<string> {
  await exam.listen();
  const client = await exam.connect();
  await accepted(exam, client);
  client.leave();
  const evidence = await disconnected(exam, client, '');
  await noteIfEnded(exam);
  return evidence;
}

/** No line of the rubric asks for it: a server goes on when its only client has left. */
async function noteIfEnded(exam: Exam): Promise<void> {
  try {
    await accepted(exam, await exam.connect());
  } catch (err) {
    if (!(err instanceof Lost)) throw err;
  }
  if (exam.ended) exam.notes.push(`it ended when its only client had left: ${exam.howItEnded()}`);
}

async function resets(exam: Exam): Promise<string> {
  await exam.listen();
  const client = await exam.connect();
  await accepted(exam, client);
  client.reset();
  return disconnected(exam, client, ' for a client that reset its connection');
}

/** A connection that goes before it is accepted might never be seen. */
async function accepted(exam: Exam, client: Client): Promise<void> {
  client.say('hello');
  await exam.answer((all) => exam.stdout.includes(String(client.port)) || hasRead(exam, client, all));
}

function disconnected(exam: Exam, client: Client, when: string): Promise<string> {
  const text = `${addressOf(client)}: disconnected`;
  const hint =
    'recv() returns no bytes when a client has left, and fails when the connection was reset; who was it?';
  return exam.prints(exactly(text), `${text}${when}`, hint);
}

const MESSAGES = ['test1: xajrxttphhlwmjf', 'test1: geqtgopbayo', 'test1: jquijcatyhvfpydn'];

/** What comes in one send may be received in pieces: then each has its line. */
async function sends(exam: Exam): Promise<string> {
  await exam.listen();
  const client = await exam.connect();
  const start = exactly(addressOf(client)).source.slice(0, -1);
  const pieces = () =>
    exam.program.lines.flatMap((line) => {
      const [, size, bytes] = line.match(`${start} (\\d+) bytes: b'(.*)'$`) ?? [];
      return bytes?.length === Number(size) ? bytes : [];
    });
  let sent = '';
  let text = '';
  for (const message of MESSAGES) {
    client.say(message);
    sent += message;
    text = `${addressOf(client)} ${message.length} bytes: b'${message}'`;
    if (await exam.answer(() => pieces().join('') === sent)) continue;
    throw await exam.unanswered(
      `it prints ${text}`,
      exam.printed,
      'how many bytes did recv() return, and which?',
      exactly(text),
    );
  }
  const count = pieces().length;
  if (count > MESSAGES.length)
    return `it printed all ${sent.length} bytes, in ${count} lines; ${exam.printed}`;
  return `it printed: ${text}`;
}
