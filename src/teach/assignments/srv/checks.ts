/** srv: a chat whose users are known by their addresses. */
import type { Client } from '../../grade/client.js';
import type { ReceiveOptions } from '../../grade/expect.js';
import { type Assignment, extra, line, part } from '../../grade/rubric.js';
import type { Run } from '../../grade/run.js';
import { forConnections, forData } from '../../grade/select-checks.js';
import { endsOnCtrlC, survivesReset, waitsForNobody } from '../../grade/server-checks.js';

export const assignment: Assignment = {
  name: 'srv',
  skeleton: { file: 'srv', given: 'cli', run: '127.0.0.1 34911', grade: '127.0.0.1 {port}' },
  command: 'python3 srv.py 127.0.0.1 {port}',
  usualPort: 34911,
  lines: [
    line('Greets who comes, with the number of users', part(3, greets), part(1, countsAgain)),
    line('Tells the others who has come', part(4, announces)),
    line('Relays a message to all others', part(4, relays)),
    line('Goes on when a user leaves or resets', part(1, goesOn), part(1, survivesReset(serves))),
    line('Waits in select()', part(2, forConnections()), part(2, forData())),
    line('Ctrl-C ends it', part(2, endsOnCtrlC)),
    extra('A client that never reads stalls nobody', part(2, waitsForNobody(joins))),
  ],
};

const HINTS = {
  greeting: 'the greeting goes to the newcomer alone, who is counted too',
  leaving: 'who has left is not counted any more',
  news: 'who is already there is told of each newcomer',
  whose: 'whose words are they?',
  others: 'all others get a message: not the one who sent it',
  gone: 'who has left is in no list any more',
};

const users = (count: number) => `${count} user${count < 2 ? '' : 's'} online`;
const greeting = (count: number) => `> Connected to the chat server (${users(count)})`;
const news = ({ port }: Client, count: number, period = '.') =>
  `> New user 127.0.0.1:${port} entered${period} (${users(count)})`;
const message = ({ port }: Client, text: string) => `[127.0.0.1:${port}] ${text}`;

/** The text with other numbers of users: one mistake, in whichever text it is seen first. */
function miscounted(text: (count: number) => string, right: number): ReceiveOptions['slips'] {
  const wrong = Array.from({ length: 10 }, (_, count) => count).filter((count) => count !== right);
  const oddly = wrong.map((count) => text(count).replace(/user online|users online/, 'users online'));
  return [...wrong.map(text), ...oddly].map((text) => ({
    text,
    what: 'the number of users',
    key: 'count',
    costsAll: true,
  }));
}

/** Two users who have been told all that there is to tell; and how many there are, as each was greeted. */
async function two(run: Run): Promise<[first: Client, second: Client, told: number[]]> {
  await run.startServer();
  const first = await run.connect('the first user');
  await run.until(() => first.received.length >= greeting(1).length);
  const greeted = first.take();
  const second = await run.connect('the second user');
  await run.until(() => second.received.length >= greeting(2).length);
  await run.until(() => first.received.length >= news(second, 2).length);
  const told = [greeted, second.received].map((text) => Number(/\((\d+) users? online\)/.exec(text)?.[1]));
  return [first, second, told];
}

async function joins(run: Run, name = 'a user', isNarrow = false): Promise<Client> {
  const user = await run.connect(name, isNarrow);
  await run.until(() => user.received !== '');
  return user;
}

const isGreeted = (run: Run, user: Client, count: number, hint: string) =>
  run.receives(user, greeting(count), hint, { slips: miscounted(greeting, count) });

async function greets(run: Run): Promise<string> {
  await run.startServer();
  await isGreeted(run, await run.connect('the first user'), 1, HINTS.greeting);
  return isGreeted(run, await run.connect('the second user'), 2, HINTS.greeting);
}

/** The number falls again. One that is always too small, or too great, has cost its points before. */
async function countsAgain(run: Run): Promise<string> {
  const [first, , [toldFirst = 1, toldSecond = 2]] = await two(run);
  const isCounting = toldSecond === toldFirst + 1;
  first.leave();
  await run.until(() => first.ended);
  await run.settle();
  const newcomer = await run.connect('a user who comes when another has left');
  return run.receives(newcomer, greeting(isCounting ? toldSecond : 2), HINTS.leaving);
}

async function announces(run: Run): Promise<string> {
  const [first, second] = await two(run);
  return run.receives(first, news(second, 2), HINTS.news, {
    or: [news(second, 2, '')],
    slips: miscounted((count) => news(second, count), 2),
  });
}

async function relays(run: Run): Promise<string> {
  const [first, second] = await two(run);
  first.take();
  second.take();
  first.send('hello');
  const evidence = await run.receives(second, message(first, 'hello'), HINTS.whose);
  second.send('hi');
  // Had the first been sent its own words, they would come first.
  await run.receives(first, message(second, 'hi'), HINTS.others);
  return evidence;
}

async function goesOn(run: Run): Promise<string> {
  const [first, second] = await two(run);
  const third = await joins(run, 'the third user');
  first.leave();
  await run.until(() => first.ended);
  second.send('still there?');
  await run.hears(third, 'still there?', HINTS.gone);
  return 'when one had left, the others went on';
}

/** One who comes is heard by another. */
async function serves(run: Run): Promise<string> {
  const [first, second] = [await joins(run, 'the first user'), await joins(run, 'the second user')];
  first.send('hello');
  return run.hears(second, 'hello', HINTS.gone);
}
