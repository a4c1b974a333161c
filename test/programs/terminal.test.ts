import { expect, test } from 'vitest';
import { start, startServer } from '../support/process.js';
import { connect, listen, type Peer } from '../support/python.js';
import { CTRL_C, CTRL_D, Terminal } from '../support/terminals.js';

function optionsFor(program: string, port: number): (string | number)[] {
  return program === 'talk-client' ? ['-n', 'me', '-p', port] : ['127.0.0.1', port];
}

/** A client in a terminal, whose server in Python has said hello. */
async function connected(program: 'cli' | 'talk-client' | 'chatclient'): Promise<[Terminal, Peer]> {
  const server = await listen();
  const terminal = new Terminal(program, optionsFor(program, server.port));
  await server.say('hello\n');
  await terminal.shows('hello\r\n');
  return [terminal, server];
}

test.each([
  ['cli', 'typed', '[You] typed\nYou have been disconnected.\n'],
  ['talk-client', 'me says: typed', ''],
  ['chatclient', 'typed\n', ''],
] as const)('%s: one types, a message comes meanwhile; Ctrl-D', async (program, said, end) => {
  const [terminal, server] = await connected(program);
  terminal.type('ty');
  await terminal.shows('ty');
  await server.say('meanwhile\n');
  await terminal.shows('meanwhile\r\n');
  terminal.type('ped\n');
  await server.out(/typed/);
  terminal.type(CTRL_D);
  const screen = await terminal.left();
  // Only chatclient has lines; to the others the newline belongs to the message.
  const newlines = program === 'chatclient' ? '\n' : '\n\n';
  expect(screen).toBe(`hello${newlines}tymeanwhile${newlines}ped\n${end}`);
  expect(await server.exit).toBe(0);
  expect(server.stdout).toBe(said);
});

test.each([
  ['cli', 'onetwothree', 'KeyboardInterrupt\n'],
  ['talk-client', 'me says: oneme says: twome says: three', ''],
  ['chatclient', 'one\ntwo\nthree\n', ''],
] as const)('%s: one pastes lines; Ctrl-C', async (program, said, end) => {
  const [terminal, server] = await connected(program);
  terminal.type('one\ntwo\nthree\nfour');
  await server.out(/three/);
  if (program === 'cli') await terminal.shows('[You] three\r\n');
  terminal.type(CTRL_C);
  const screen = await terminal.left();
  expect(screen).toMatch(new RegExp(`\\^C${end}$`));
  const own = program === 'cli' ? ['[You] one', '[You] two', '[You] three'] : null;
  expect(screen.match(/\[You\] \w+/g)).toEqual(own);
  expect(await server.exit).toBe(0);
  expect(server.stdout).toBe(said);
});

const EVIL = '\x1b[31mred\x1b]0;title\x07\r\x00\x7f\u009b2J\ttab é';
const SHOWN = '\\x1b[31mred\\x1b]0;title\\x07\\x0d\\x00\\x7f\\x9b2J\ttab é';

test.each(['cli', 'talk-client', 'chatclient'] as const)(
  '%s: escape sequences are shown, not acted on; a pipe gets them',
  async (program) => {
    const [terminal, server] = await connected(program);
    await server.say(`${EVIL}\n`);
    await terminal.shows('tab é\r\n');
    terminal.type(CTRL_D);
    expect(await terminal.left()).toContain(`\n${SHOWN}\n`);

    const other = await listen();
    const piped = start(program, optionsFor(program, other.port));
    await other.say(`${EVIL}\n`);
    await piped.out(/tab é\n/);
    expect(piped.stdout).toContain(`${EVIL}\n`);
  },
);

test('srv shows escape sequences, and relays them untouched; Ctrl-C', async () => {
  const terminal = new Terminal('srv', ['127.0.0.1', 0]);
  const [, port] = await terminal.out(/ started on port (\d+)\./);
  const alice = await connect(Number(port));
  await alice.out(/\(1 user online\)/);
  const bob = await connect(Number(port));
  await bob.out(/\(2 users online\)/);
  await bob.say(EVIL);
  await alice.out(/tab é/);
  expect(alice.stdout.endsWith(`[127.0.0.1:${bob.port}] ${EVIL}`)).toBe(true);
  await terminal.shows('tab é\r\n');
  terminal.type(CTRL_C);
  const screen = await terminal.left();
  expect(screen).toContain(`\n[127.0.0.1:${bob.port}] ${SHOWN}\n`);
  expect(screen).toMatch(/\n\^CKeyboardInterrupt\n$/);
});

test('talk-server leaves what nobody sees out of a name; Ctrl-C', async () => {
  const terminal = new Terminal('talk-server', ['-v', '-p', 0]);
  const [, port] = await terminal.out(/listening on 127\.0\.0\.1, (\d+)/);
  const eve = await connect(Number(port));
  await eve.out(/connecting$/);
  await eve.say(`E${EVIL} says: hi`);
  await terminal.shows('relayed');
  terminal.type(CTRL_C);
  const screen = await terminal.left();
  expect(screen).toContain(`127.0.0.1, ${eve.port} is E[31mred]0;title2Jtab é\n`);
  expect(screen).toMatch(/\n\^C$/);
  expect(await eve.exit).toBe(0);
});

test('chatclient with chatserver: a conversation; /quit', async () => {
  const server = await startServer('chatserver', [0]);
  const terminal = new Terminal('chatclient', ['127.0.0.1', server.port]);
  await terminal.shows('screen name:\r\n');
  terminal.type('Alice\n');
  await terminal.shows('Alice logged in\r\n');
  const bob = await connect(server.port);
  await bob.out(/screen name:/);
  await bob.say('Bob\n');
  await terminal.shows('Bob logged in\r\n');
  terminal.type('he');
  await terminal.shows('\r\nhe');
  await bob.say('hi::Alice\n');
  await terminal.shows('[Bob] hi::Alice\r\n');
  terminal.type('llo\n');
  await terminal.shows('[Alice] hello\r\n');
  terminal.type('/quit\n');
  const screen = await terminal.left();
  const dashes = '-'.repeat(37);
  expect(screen).toBe(`${dashes}
Welcome to the Hackbright Chat Server
${dashes}
Please enter your screen name:
Alice
Alice logged in
Bob logged in
he[Bob] hi::Alice
llo
[Alice] hello
/quit
`);
  await bob.out(/Alice::hello\nAlice disconnected\n$/);
});
