/** multiconn: an echo server for many connections at once, on any of the selectors. */
import { MULTIPLEXERS } from '../../grade/diagnosis.js';
import { type Assignment, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { forConnections } from '../../grade/select-checks.js';
import { FLOOD, survivesReset } from '../../grade/server-checks.js';
import { hasRead } from '../../grade/socket-queues.js';

export const assignment: Assignment = {
  name: 'multiconn',
  skeleton: {
    file: 'multiconn_server',
    given: 'multiconn_client',
    run: '127.0.0.1 65432',
    grade: '127.0.0.1 {port}',
  },
  command: 'python3 multiconn_server.py 127.0.0.1 {port}',
  lines: [
    line('Prints where it listens', part(2, saysWhere)),
    line('Echoes to each of many connections', part(4, echoes)),
    line('Echoes all of a long message', part(4, echoesAll)),
    line('Prints what it echoes, and to whom', part(2, saysWhat)),
    line('Waits for all connections at once', part(2, forConnections(MULTIPLEXERS)), part(2, whileSilent)),
    line('A client that never reads stalls nobody', part(2, waitsForNobody)),
    line('Goes on when a connection is closed or reset', part(1, goesOn), part(1, survivesReset(echoes))),
  ],
};

/** Bytes: far more than one recv gets. */
const LONG = 4_000_000;

const EXACTLY = 'what comes from a connection goes back over it, byte for byte';

async function saysWhere(run: Run): Promise<string> {
  await run.listen();
  const text = `Listening on ('127.0.0.1', ${run.port})`;
  const line = new RegExp(`^listening on \\('127\\.0\\.0\\.1', ${run.port}\\)$`, 'i');
  return run.prints(line, text, 'the address is a tuple, as Python prints it');
}

async function echoes(run: Run): Promise<string> {
  if (!run.isRunning) await run.listen();
  const clients = [await run.connect(), await run.connect(), await run.connect()];
  for (const round of [1, 2]) {
    for (const [i, client] of clients.entries()) client.say(`Message ${round} from client ${i}.`);
    for (const [i, client] of clients.entries())
      await run.receives(client, `Message ${round} from client ${i}.`, `client ${i}`, EXACTLY);
  }
  return 'three clients each received what they had sent';
}

async function echoesAll(run: Run): Promise<string> {
  await run.listen();
  const client = await run.connect();
  const text = Array.from({ length: LONG / 8 }, (_, i) => `${i}`.padStart(7, '0')).join(' ');
  client.say(text);
  return run.receives(
    client,
    text,
    'a client',
    'send() tells how many bytes it took: what becomes of the others?',
  );
}

async function saysWhat(run: Run): Promise<string> {
  await run.listen();
  const client = await run.connect();
  client.say('hello');
  const text = `Echoing b'hello' to ('127.0.0.1', ${client.port})`;
  const line = new RegExp(`^echoing b'hello' to \\('127\\.0\\.0\\.1', ${client.port}\\)$`, 'i');
  return run.prints(line, text, 'the bytes as Python prints them, then the address');
}

async function whileSilent(run: Run): Promise<string> {
  await run.listen();
  const silent = await run.connect();
  const other = await run.connect();
  const isIn = await run.answer((all) => hasRead(run, silent, all) && hasRead(run, other, all));
  const hint = 'a call that blocks for one connection keeps all others waiting';
  other.say('hello');
  await run.receives(other, 'hello', 'a client, while another is silent,', hint);
  if (isIn === undefined && run.look().length > 0)
    throw run.lost('it accepts both of two silent clients', 'one was not accepted', hint);
  return 'while one client was silent, another was served';
}

async function waitsForNobody(run: Run): Promise<string> {
  await run.listen();
  const deaf = await run.connect(true);
  deaf.turnDeaf();
  deaf.say('x'.repeat(FLOOD));
  await run.settles(); // it has taken all that it will, or is caught
  await echoes(run);
  return 'while one client did not read, the others were served';
}

async function goesOn(run: Run): Promise<string> {
  await run.listen();
  const leaves = await run.connect();
  leaves.say('hello');
  await run.receives(leaves, 'hello', 'a client', EXACTLY);
  leaves.leave();
  if (!(await run.answer(() => leaves.ended)))
    throw await run.unanswered(
      'it closes a connection that the client has closed',
      'it did not',
      'recv() returns no bytes then',
    );
  return echoes(run);
}
