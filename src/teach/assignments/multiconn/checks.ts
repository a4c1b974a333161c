/** multiconn: an echo server for many connections at once, on any of the selectors. */

import type { Client } from '../../grade/client.js';
import { HINTS as GRADE_HINTS, hintForCall, MULTIPLEXERS } from '../../grade/hints.js';
import { type Assignment, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { connectedTo, forConnections, waitersFor } from '../../grade/select-checks.js';
import { FLOOD_BYTES, survivesReset } from '../../grade/server-checks.js';
import { hasAccepted } from '../../grade/socket-queues.js';
import { sentence } from '../../observe/snapshot.js';

export const assignment: Assignment = {
  name: 'multiconn',
  skeleton: {
    file: 'multiconn_server',
    given: 'multiconn_client',
    run: '127.0.0.1 65432',
    grade: '127.0.0.1 {port}',
  },
  command: 'python3 multiconn_server.py 127.0.0.1 {port}',
  usualPort: 65432,
  lines: [
    line('Prints where it listens', part(2, saysWhere)),
    line('Echoes to each of many connections', part(4, echoes)),
    line('Echoes all of a long message', part(4, echoesAll)),
    line('Prints what it echoes, and to whom', part(2, saysWhat)),
    line('Waits for all connections at once', part(2, forConnections(MULTIPLEXERS)), part(2, whileSilent)),
    line('A client that never reads stalls nobody', part(2, waitsForNobody)),
    line('Goes on when a connection is closed or reset', part(1, goesOn), part(1, survivesReset(echo))),
  ],
};

/** Far more than one recv gets, and than the queues of a client take that does not read. */
const LONG_BYTES = 1_000_000;

const HINTS = {
  address: 'the address is a tuple, as Python prints it',
  bytes: 'the bytes as Python prints them, then the address',
  exactly: 'what comes from a connection goes back over it, byte for byte',
  silent: 'a call that blocks for one connection keeps all others waiting',
  ended: 'recv() returns no bytes then',
};

/** The original's code begins these lines with a small letter here and a capital there. */
const eitherCase = (text: string) => [text, text[0]?.toLowerCase() + text.slice(1)];

async function saysWhere(run: Run): Promise<string> {
  await run.startServer();
  return run.prints(eitherCase(`Listening on ('${run.host}', ${run.port})`), HINTS.address);
}

async function echoes(run: Run): Promise<string> {
  await run.startServer();
  return echo(run);
}

/** Three come, and each gets back what it sends. */
async function echo(run: Run): Promise<string> {
  const clients: Client[] = [];
  for (const i of [0, 1, 2]) clients.push(await run.connect(`client ${i}`));
  for (const round of [1, 2]) {
    for (const client of clients) client.send(`Message ${round} from ${client.name}.`);
    for (const client of clients)
      await run.receives(client, `Message ${round} from ${client.name}.`, HINTS.exactly, { exactly: true });
  }
  return 'three clients each received what they had sent';
}

async function echoesAll(run: Run): Promise<string> {
  await run.startServer();
  // Into the queues of a quick client all of it would fit, whatever send() has returned.
  const client = await run.connect('a client that reads late', true);
  client.stopReading();
  const text = Array.from({ length: LONG_BYTES / 8 }, (_, i) => `${i}`.padStart(7, '0')).join(' ');
  client.send(text);
  await run.settle(); // what the queues do not take waits in the server, or is lost
  client.readAgain();
  return run.receives(client, text, GRADE_HINTS.partly, { exactly: true });
}

async function saysWhat(run: Run): Promise<string> {
  await run.startServer();
  const client = await run.connect();
  client.send('hello');
  return run.prints(eitherCase(`Echoing b'hello' to ('${client.host}', ${client.port})`), HINTS.bytes);
}

/** Nobody waits for one client in a call of its own, and one is served while another is silent. */
async function whileSilent(run: Run): Promise<string> {
  await run.startServer();
  const [silent, other] = [await run.connect(), await run.connect('a client, while another is silent,')];
  const areIn = await run.until(() => [silent, other].every((one) => hasAccepted(run, one, run.threads())));
  other.send('hello');
  await run.receives(other, 'hello', HINTS.silent, { exactly: true });
  if (!areIn && run.threads().length > 0)
    return run.fail({
      expected: 'it accepts both of two silent clients',
      seen: 'one was not accepted',
      hint: HINTS.silent,
    });
  await run.settle();
  const waiters = run.samples
    .flatMap(({ threads }) => [silent, other].flatMap((one) => waitersFor(connectedTo(one), threads)))
    .filter(({ call }) => !MULTIPLEXERS.includes(call));
  const [alone] = waiters;
  if (!alone) return 'while one client was silent, another was served';
  return run.fail({
    expected: 'one call waits for all connections',
    seen: `it waits in ${sentence(alone)} (a ${alone.tid === alone.pid ? 'call' : 'thread'} for one client)`,
    hint: hintForCall(alone.call),
  });
}

async function waitsForNobody(run: Run): Promise<string> {
  await run.startServer();
  const silent = await run.connect('a client that does not read', true);
  silent.stopReading();
  silent.send('x'.repeat(FLOOD_BYTES));
  await run.settle(); // it has read all that it will, or is blocked
  await echo(run);
  return 'while one client did not read, the others were served';
}

async function goesOn(run: Run): Promise<string> {
  await run.startServer();
  const leaves = await run.connect();
  leaves.send('hello');
  await run.receives(leaves, 'hello', HINTS.exactly, { exactly: true });
  leaves.leave();
  if (await run.until(() => leaves.ended)) return echo(run);
  return run.fail({
    expected: 'it closes a connection that the client has closed',
    seen: 'it did not',
    hint: HINTS.ended,
  });
}
