/** select-server: prints who connects, what they send, and who leaves, from one select() loop. */
import type { Client } from '../../grade/client.js';
import { Failure } from '../../grade/failure.js';
import { type Assignment, line, note, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { afterData, afterLeaving, forConnections, forData } from '../../grade/select-checks.js';
import { hasAccepted } from '../../grade/socket-queues.js';
import { asSeen } from '../../grade/text-match.js';

/** As the given client sends them. */
const MESSAGES = ['alice: xajrxttphhlwmjf', 'alice: geqtgopbayo', 'alice: jquijcatyhvfpydn'];

export const assignment: Assignment = {
  name: 'select-server',
  skeleton: { file: 'select_server', given: 'select_client', run: '3490', grade: '{port}' },
  command: 'python3 select_server.py {port}',
  usualPort: 3490,
  lines: [
    line('Prints the right line when a client connects', part(5, connects)),
    line('Prints the right line when a client disconnects', part(5, leaves)),
    line('Prints the right line when data is received', part(5, sends)),
    line('Waits in select() for incoming connections', part(5, forConnections())),
    line(
      'Waits in select() for incoming client data',
      part(2, forData(['select'], MESSAGES[0])),
      part(2, afterData(['select'], MESSAGES[0])),
      part(1, afterLeaving()),
    ),
    note('after a client had reset its connection', resets),
  ],
};

const HINTS = {
  connect: 'accept() gives the address with the connection: it is printed as Python prints a tuple',
  leave: 'recv() returns no bytes when a client has left: who was it?',
  data: 'how many bytes did recv() return, and which?',
};

/** How Python prints a client's address: a server on :: has four numbers in it, or IPv4 in IPv6's form. */
function addressesOf({ host, port }: Client): string[] {
  const forms = (host: string) => [`('${host}', ${port})`, `('${host}', ${port}, 0, 0)`];
  return [...forms(host), ...forms(`::ffff:${host}`)];
}

const texts = (client: Client, what: string) => addressesOf(client).map((address) => `${address}${what}`);

async function connects(run: Run): Promise<string> {
  await run.startServer();
  const client = await run.connect();
  return run.prints(texts(client, ': connected'), HINTS.connect);
}

async function leaves(run: Run): Promise<string> {
  await run.startServer();
  const client = await run.connect();
  await untilAccepted(run, client);
  client.leave();
  const evidence = await run.prints(texts(client, ': disconnected'), HINTS.leave);
  await noteIfEnded(run);
  return evidence;
}

/** A connection that goes before it is accepted might never be seen. */
async function untilAccepted(run: Run, client: Client): Promise<void> {
  await run.until(
    () => run.program.stdout.includes(String(client.port)) || hasAccepted(run, client, run.threads()),
  );
}

/** No line of the rubric asks for it: a server goes on when its only client has left. */
async function noteIfEnded(run: Run): Promise<void> {
  try {
    await untilAccepted(run, await run.connect());
  } catch (err) {
    if (!(err instanceof Failure)) throw err;
  }
  if (run.ended) run.notes.push(`it ended when its only client had left: ${run.howItEnded()}`);
}

/** What comes in one send may be received in pieces: then each has its line. */
async function sends(run: Run): Promise<string> {
  await run.startServer();
  const client = await run.connect();
  let sent = '';
  let evidence = '';
  for (const message of MESSAGES) {
    client.send(message);
    sent += message;
    const right = texts(client, ` ${message.length} bytes: b'${message}'`);
    evidence = await run.prints(right, HINTS.data, {
      orElse: () => {
        const pieces = piecesOf(run, client);
        return (
          pieces.length > MESSAGES.indexOf(message) + 1 &&
          pieces.join('') === sent &&
          `it printed all ${sent.length} bytes, in ${pieces.length} lines`
        );
      },
    });
  }
  return evidence;
}

/** The bytes of each line that it has printed for a client, where their number is right. */
function piecesOf(run: Run, client: Client): string[] {
  return run.program.lines.map(asSeen).flatMap((line) => {
    const address = addressesOf(client).find((text) => line.startsWith(text)) ?? line;
    const [, size, bytes] = /^ (\d+) bytes: b'(.*)'$/.exec(line.slice(address.length)) ?? [];
    return bytes !== undefined && bytes.length === Number(size) ? bytes : [];
  });
}

async function resets(run: Run): Promise<string> {
  await run.startServer();
  const client = await run.connect();
  await untilAccepted(run, client);
  client.reset();
  return run.prints(texts(client, ': disconnected'), HINTS.leave);
}
