/** srv: a chat whose users are known by their addresses. */
import type { Client } from '../../grade/client.js';
import { type Assignment, extra, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { forConnections, forData } from '../../grade/select-checks.js';
import { endsOnCtrlC, survivesReset, waitsForNobody } from '../../grade/server-checks.js';

export const assignment: Assignment = {
  name: 'srv',
  skeleton: { file: 'srv', given: 'cli', run: '127.0.0.1 34911', grade: '127.0.0.1 {port}' },
  command: 'python3 srv.py 127.0.0.1 {port}',
  lines: [
    line('Greets who comes, with the number of users', part(4, greets)),
    line('Tells the others who has come', part(4, announces)),
    line('Relays a message to all others', part(4, relays)),
    line('Goes on when a user leaves or resets', part(1, goesOn), part(1, survivesReset(serves))),
    line('Waits in select()', part(2, forConnections()), part(2, forData())),
    line('Ctrl-C ends it', part(2, endsOnCtrlC)),
    extra('A client that never reads stalls nobody', part(2, waitsForNobody(joins))),
  ],
};

const users = (count: number) => `${count} user${count < 2 ? '' : 's'} online`;
const greeting = (count: number) => `> Connected to the chat server (${users(count)})`;
const news = ({ port }: Client, count: number) => `> New user 127.0.0.1:${port} entered. (${users(count)})`;
const message = ({ port }: Client, text: string) => `[127.0.0.1:${port}] ${text}`;

/** Two users who have been told all that there is to tell. */
async function two(run: Run): Promise<[Client, Client]> {
  await run.listen();
  const first = await run.connect();
  await run.arrives(first, greeting(1).length);
  first.received = '';
  const second = await run.connect();
  await run.arrives(second, greeting(2).length);
  await run.arrives(first, news(second, 2).length);
  return [first, second];
}

async function joins(run: Run, isNarrow = false): Promise<Client> {
  const user = await run.connect(isNarrow);
  await run.answer(() => user.received !== '');
  return user;
}

async function greets(run: Run): Promise<string> {
  await run.listen();
  const hint = 'the greeting goes to the newcomer alone, who is counted too';
  const first = await run.connect();
  await run.receives(first, greeting(1), 'the first user', hint);
  const second = await run.connect();
  return run.receives(second, greeting(2), 'the second user', hint);
}

async function announces(run: Run): Promise<string> {
  const [first, second] = await two(run);
  return run.receives(
    first,
    news(second, 2),
    'the first user',
    'who is already there is told of each newcomer',
  );
}

async function relays(run: Run): Promise<string> {
  const [first, second] = await two(run);
  first.received = second.received = '';
  first.say('hello');
  const evidence = await run.receives(
    second,
    message(first, 'hello'),
    'the second user',
    'whose words are they?',
  );
  second.say('hi');
  // Had the first been sent its own words, they would come first.
  await run.receives(first, message(second, 'hi'), 'the first user', 'not the one who sent it');
  return evidence;
}

async function goesOn(run: Run): Promise<string> {
  const [first, second] = await two(run);
  const third = await joins(run);
  first.leave();
  await run.answer(() => first.ended);
  second.say('still there?');
  await run.hears(third, 'still there?', 'the third user', 'who has left is in no list any more');
  return 'when one had left, the others went on';
}

/** One who comes is heard by another. */
async function serves(run: Run): Promise<string> {
  const [first, second] = [await joins(run), await joins(run)];
  first.say('hello');
  return run.hears(second, 'hello', 'the second user', 'who is gone is in no list any more');
}
