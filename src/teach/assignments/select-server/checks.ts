/** select-server: prints who connects, what they send, and who leaves, from one select() loop. */
import type { Client } from '../../grade/client.js';
import { Lost } from '../../grade/failure.js';
import { type Assignment, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
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

async function connects(run: Run): Promise<string> {
  await run.listen();
  const text = `${addressOf(await run.connect())}: connected`;
  return run.prints(exactly(text), text, TEXT);
}

async function leaves(run: Run): Promise<string> {
  await run.listen();
  const client = await run.connect();
  await accepted(run, client);
  client.leave();
  const evidence = await disconnected(run, client, '');
  await noteIfEnded(run);
  return evidence;
}

/** No line of the rubric asks for it: a server goes on when its only client has left. */
async function noteIfEnded(run: Run): Promise<void> {
  try {
    await accepted(run, await run.connect());
  } catch (err) {
    if (!(err instanceof Lost)) throw err;
  }
  if (run.ended) run.notes.push(`it ended when its only client had left: ${run.howItEnded()}`);
}

async function resets(run: Run): Promise<string> {
  await run.listen();
  const client = await run.connect();
  await accepted(run, client);
  client.reset();
  return disconnected(run, client, ' for a client that reset its connection');
}

/** A connection that goes before it is accepted might never be seen. */
async function accepted(run: Run, client: Client): Promise<void> {
  client.say('hello');
  await run.answer((all) => run.stdout.includes(String(client.port)) || hasRead(run, client, all));
}

function disconnected(run: Run, client: Client, when: string): Promise<string> {
  const text = `${addressOf(client)}: disconnected`;
  const hint =
    'recv() returns no bytes when a client has left, and fails when the connection was reset; who was it?';
  return run.prints(exactly(text), `${text}${when}`, hint);
}

const MESSAGES = ['test1: xajrxttphhlwmjf', 'test1: geqtgopbayo', 'test1: jquijcatyhvfpydn'];

/** What comes in one send may be received in pieces: then each has its line. */
async function sends(run: Run): Promise<string> {
  await run.listen();
  const client = await run.connect();
  const start = exactly(addressOf(client)).source.slice(0, -1);
  const pieces = () =>
    run.program.lines.flatMap((line) => {
      const [, size, bytes] = line.match(`${start} (\\d+) bytes: b'(.*)'$`) ?? [];
      return bytes?.length === Number(size) ? bytes : [];
    });
  let sent = '';
  let text = '';
  for (const message of MESSAGES) {
    client.say(message);
    sent += message;
    text = `${addressOf(client)} ${message.length} bytes: b'${message}'`;
    if (await run.answer(() => pieces().join('') === sent)) continue;
    throw await run.unanswered(
      `it prints ${text}`,
      run.printed,
      'how many bytes did recv() return, and which?',
      exactly(text),
    );
  }
  const count = pieces().length;
  if (count > MESSAGES.length)
    return `it printed all ${sent.length} bytes, in ${count} lines; ${run.printed}`;
  return `it printed: ${text}`;
}
