import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRoom, openTracedRoom, py, QUESTION, type, WELCOME } from '../support/chat.js';
import { untilAsleep } from '../support/idle.js';
import { start, until } from '../support/process.js';

const WELCOME_LINES = WELCOME.split('\n').slice(0, -1);

test('a chat of three clients, ours and Python, with one who never tells a name', async () => {
  const { server, python } = await openRoom();
  const ann = start('chatclient', ['127.0.0.1', server.port]);
  await ann.out(/screen name:\n/);
  type(ann, 'Ann');
  await ann.out(/^Ann logged in\n/m);
  await python.run(py`
    lurker = Guest()
    lurker.until(b'screen name:\n')
    bob = Guest(b'Bob')
    bob.until(b'Bob logged in\n')
    bob.sock.sendall(b'hi all')
    bob.until(b'Bob::hi all\n')
  `);
  await ann.out(/^\[Bob\] hi all\n/m);
  type(ann, 'see::this');
  const heardByCy = await python.run(py`
    bob.until(b'Ann::see::this\n')
    cy = Guest(b'Cy\r\n')
    cy.until(b'Cy logged in\n')
    result = cy.leave()
    bob.until(b'Cy disconnected\n')
  `);
  await ann.out(/^Cy disconnected\n/m);
  type(ann, '/quit');
  expect(await ann.exit).toBe(0);
  await server.out(/Ann disconnected\n/);
  const heardByLurker = await python.run('result = lurker.leave()');
  await server.out(/(client disconnecting\n[\s\S]*){3}/);
  expect((await server.end('SIGINT')).exit).toBe(0);

  const talk = ['Bob logged in', 'Bob::hi all', 'Ann::see::this', 'Cy logged in', 'Cy disconnected'];
  expect(await python.run('result = bob.all()')).toBe(`${WELCOME}${talk.join('\n')}\nAnn disconnected\n`);
  expect(heardByCy).toBe(`${WELCOME}Cy logged in\n`);
  expect(heardByLurker).toBe(WELCOME);
  expect(ann.lines).toEqual([
    ...WELCOME_LINES,
    'Ann logged in',
    'Bob logged in',
    '[Bob] hi all',
    '[Ann] see::this',
    'Cy logged in',
    'Cy disconnected',
  ]);
  expect(server.lines).toEqual([
    `Listening on :${server.port}`,
    'Incoming Connection',
    'None -> Ann logged in',
    'Incoming Connection',
    'Incoming Connection',
    'None -> Bob logged in',
    'Bob -> hi all',
    'Ann -> see::this',
    'Incoming Connection',
    'None -> Cy logged in',
    'client disconnecting',
    'None -> Cy disconnected',
    'client disconnecting',
    'None -> Ann disconnected',
    'client disconnecting',
  ]);
});

test.each([
  ['connects and exits at once', 'connect(port).close()'],
  ['resets at once', 'reset(connect(port))'],
])('the server goes on after a client that %s', async (_, visit) => {
  const { server, python } = await openRoom();
  await python.run(visit);
  await server.out(/client disconnecting\n/);
  expect(await python.run(py`bob = Guest(b'Bob\n'); bob.until(b'logged in\n'); result = bob.leave()`)).toBe(
    `${WELCOME}Bob logged in\n`,
  );
  await server.out(/Bob disconnected\n/);
  expect(server.lines).toEqual([
    `Listening on :${server.port}`,
    'Incoming Connection',
    'client disconnecting',
    'Incoming Connection',
    'None -> Bob logged in',
    'client disconnecting',
    'None -> Bob disconnected',
  ]);
});

test('what a screen name becomes', async () => {
  const { server, python } = await openRoom();
  const names = {
    'Bob \t \r': 'Bob',
    'Bob Ross': 'Bob Ross',
    abcdefghijklmnop: 'abcdefghijkl',
    abcdefghijké: 'abcdefghijk',
    ééééééé: 'éééééé',
    '🙂🙂🙂🙂': '🙂🙂🙂',
    '\x1b[31m\x00Bob\x07\x7f\x9b': '[31mBob',
    '\tBob\x0b\x0cby': 'Bobby',
    'B::o:b': 'Bo:b',
    '::abcdefghijklm': 'abcdefghijkl',
    ':\x1b:Bob': 'Bob',
    '::::Bob': 'Bob',
    'B\u200bo\u202eb\u2066\u2800': 'Bob',
    'Bob:::': 'Bob',
    'abcdefghijk:lm': 'abcdefghijk',
  };
  const welcomed = await python.run(
    py`
    result = []
    for name in args:
        guest = Guest(name.encode() + b'\n')
        guest.until(b' logged in\n')
        result.append(guest.leave())
    `,
    Object.keys(names),
  );
  expect(welcomed).toEqual(Object.values(names).map((name) => `${WELCOME}${name} logged in\n`));
  const shown = server.lines.filter((line) => line.endsWith('logged in'));
  expect(shown).toEqual(Object.values(names).map((name) => `None -> ${name} logged in`));
});

test('who gives an empty name is asked again', async () => {
  const { python } = await openRoom();
  const heard = await python.run(py`
    guest = Guest()
    for n, name in enumerate((b'\n', b' \t\r\n', b'::\n', b'\x1b\x07\n', b'  ')):
        guest.sock.sendall(name)
        guest.until(b'screen name:\n' + b'Please enter your screen name:\n' * (n + 1))
    guest.sock.sendall(b'Bob\nhi\n')
    guest.until(b'Bob::hi\n')
    result = guest.leave()
  `);
  expect(heard).toBe(`${WELCOME}${QUESTION.repeat(5)}Bob logged in\nBob::hi\n`);
});

test('a name that is taken is not given twice; one that has left frees it', async () => {
  const { server, python } = await openRoom();
  const heard = await python.run(py`
    ann = Guest(b'Ann\n')
    ann.until(b'Ann logged in\n')
    other = Guest('A\u200bnn\n'.encode())
    other.until(b'Ann is taken.\nPlease enter your screen name:\n')
    ann.leave()
    other.sock.sendall(b'Ann\n')
    other.until(b'Ann logged in\n')
    result = other.leave()
  `);
  expect(heard).toBe(`${WELCOME}Ann is taken.\n${QUESTION}Ann logged in\n`);
  expect(server.lines.filter((line) => line === 'None -> Ann logged in')).toHaveLength(2);
});

test('lines are messages, however they come', async () => {
  const { server, python } = await openRoom();
  const heard = await python.run(py`
    bob = Guest(b'Bob\r\none\ntwo\n')
    bob.until(b'two\n')
    bob.sock.sendall(b'three\r\n four \n')
    bob.until(b'four \n')
    result = bob.leave()
  `);
  expect(heard).toBe(`${WELCOME}Bob logged in\nBob::one\nBob::two\nBob::three\nBob:: four \n`);
  expect(server.lines.slice(3, 7)).toEqual(['Bob -> one', 'Bob -> two', 'Bob -> three', 'Bob ->  four ']);
});

test('a name and a message without a newline count after 200 ms, and not before', async () => {
  const { server, python, timeouts } = await openTracedRoom();
  const waits = await python.run<number[]>(py`
    result = []
    bob = Guest()
    for sent, heard in (b'Bob', b'Bob logged in\n'), (b'hi', b'Bob::hi\n'):
        begin = time.monotonic()
        bob.sock.sendall(sent)
        bob.until(heard)
        result.append(time.monotonic() - begin)
  `);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(0.2);
  expect((await server.end('SIGINT')).exit).toBe(0);
  // However late a busy machine is: the server has not asked select() for more than 200 ms, and only for these two.
  const limited = timeouts().filter((timeout) => timeout !== null);
  expect(limited.length).toBeGreaterThanOrEqual(2);
  for (const timeout of limited) expect(timeout).toBeLessThanOrEqual(0.2);
  expect(timeouts().at(-1)).toBe(null);
});

test('pieces less than 200 ms apart are one name and one message', async () => {
  const { python } = await openRoom();
  const heard = await until('all pieces are sent in time', () =>
    python.run<string | null>(py`
      bob = Guest()
      in_time = slowly(bob.sock, b'B', b'o', b'b')
      bob.until(b' logged in\n') # late, it is another name
      in_time = slowly(bob.sock, b'one', b'two', b'three') and in_time
      bob.until(b'three\n')
      in_time = slowly(bob.sock, b'part', b'ial\n') and in_time
      bob.until(b'ial\n')
      heard = bob.leave()
      result = heard if in_time else None
    `),
  );
  expect(heard).toBe(`${WELCOME}Bob logged in\nBob::onetwothree\nBob::partial\n`);
});

test('an unfinished line of one client does not delay another', async () => {
  const { python } = await openRoom();
  const heard = await until('both send within 200 ms', () =>
    python.run<string | null>(py`
      ann = Guest(b'Ann\n')
      ann.until(b'Ann logged in\n')
      bob = Guest(b'Bob\n')
      bob.until(b'Bob logged in\n')
      begin = time.monotonic()
      ann.sock.sendall(b'unfinished')
      bob.sock.sendall(b'now\n')
      in_time = time.monotonic() - begin < 0.19
      bob.until(b'unfinished\n')
      heard = bob.leave()
      result = heard if in_time else None
    `),
  );
  expect(heard).toBe(`${WELCOME}Bob logged in\nBob::now\nAnn::unfinished\n`);
});

test('an unfinished line counts in time while another client talks all the time', async () => {
  const { python } = await openRoom();
  const wait = await python.run<number>(py`
    ann = Guest(b'Ann\n')
    ann.until(b'Ann logged in\n')
    bob = Guest(b'Bob\n')
    bob.until(b'Bob logged in\n')
    begin = time.monotonic()
    ann.sock.sendall(b'unfinished')
    n = 0
    while b'Ann::unfinished\n' not in bob.heard and time.monotonic() < begin + SECONDS:
        bob.sock.sendall(b'%d\n' % n)
        bob.until(b'Bob::%d\n' % n)
        n += 1
    result = time.monotonic() - begin
  `);
  expect(wait).toBeGreaterThanOrEqual(0.2);
  expect(wait, 'or it would never come while Bob talks').toBeLessThan(100);
});

test('bytes are relayed as they are, also a character in two pieces and what is no UTF-8', async () => {
  const { server, python } = await openRoom();
  const heard = await until('both pieces are sent in time', () =>
    python.run<string | null>(py`
      ann = Guest(b'Ann\n')
      ann.until(b'Ann logged in\n')
      bob = Guest(b'Bob\n')
      bob.until(b'Bob logged in\n')
      in_time = slowly(bob.sock, b'caf\xc3', b'\xa9\n')
      bob.until(b'\xa9\n')
      bob.sock.sendall(b'\xff\xfe\x1b[31m\x00\n' + b'x' * 5000 + b'\n')
      bob.leave()
      ann.until(b'Bob disconnected\n')
      result = ann.heard.decode('latin-1') if in_time else None
      ann.leave()
    `),
  );
  const texts = ['cafÃ©', 'ÿþ\x1b[31m\x00', 'x'.repeat(5000)].map((text) => `Bob::${text}\n`).join('');
  expect(heard).toBe(`${WELCOME}Ann logged in\nBob logged in\n${texts}Bob disconnected\n`);
  expect(server.lines).toContain('Bob -> café');
});

test('what a client says before it closes its end counts and comes back', async () => {
  const { server, python } = await openRoom();
  expect(await python.run(py`result = Guest(b'Bob\nhi\nbye').leave()`)).toBe(
    `${WELCOME}Bob logged in\nBob::hi\nBob::bye\n`,
  );
  await server.out(/Bob -> bye\nclient disconnecting\nNone -> Bob disconnected\n/);
});

test('a reset takes a named client out as a leave does', async () => {
  const { server, python } = await openRoom();
  const heard = await python.run(py`
    ann = Guest(b'Ann\n')
    ann.until(b'Ann logged in\n')
    bob = Guest(b'Bob\n')
    bob.until(b'Bob logged in\n')
    reset(bob.sock)
    ann.until(b'Bob disconnected\n')
    ann.sock.sendall(b'still here\n')
    ann.until(b'here\n')
    result = ann.leave()
  `);
  expect(heard).toBe(`${WELCOME}Ann logged in\nBob logged in\nBob disconnected\nAnn::still here\n`);
  await server.out(/client disconnecting\nNone -> Bob disconnected\nAnn -> still here\n/);
});

test('a client that never reads is disconnected, and costs nobody a byte', async () => {
  const { server, python } = await openRoom(['--max-pending', '100000']);
  const [heard, expected] = await python.run<[string, string]>(py`
    deaf = Guest(b'Deaf\n')
    deaf.until(b'logged in\n')
    bob = Guest(b'Bob\n')
    bob.until(b'logged in\n')
    sent = b''
    while b'Deaf disconnected\n' not in bob.heard and len(sent) < 2 ** 26:
        lines = (b'x' * 999 + b'\n') * 64
        bob.sock.sendall(lines)
        sent += lines
        while bob.heard.count(b'Bob::') * 1000 < len(sent):
            bob.heard += bob.sock.recv(65536)
    heard = bob.leave()
    result = heard.split('in\n', 1)[1], sent.decode().replace('x' * 999, 'Bob::' + 'x' * 999)
  `);
  expect(heard.replace('Deaf disconnected\n', '') === expected).toBe(true);
  expect(heard).toContain('\nDeaf disconnected\n');
  expect(server.stderr).toMatch(/^Deaf: does not read: more than 100000 bytes .*\n$/m);
  expect(server.lines).toContain('None -> Deaf disconnected');
});

test('quit on the keyboard tells all clients, and ends the server', async () => {
  const { server, python } = await openRoom();
  const ann = start('chatclient', ['127.0.0.1', server.port]);
  await ann.out(/screen name:\n/);
  await python.run(py`bob = Guest(b'Bob\n'); bob.until(b'Bob logged in\n')`);
  type(server, 'what?', 'quit');
  expect(await server.exit).toBe(0);
  const farewell = 'Server Shutting Down!';
  expect(await python.run('result = bob.all()')).toBe(`${WELCOME}Bob logged in\n${farewell}\n`);
  expect(await ann.exit).toBe(0);
  expect(ann.lines).toEqual([...WELCOME_LINES, farewell, 'Disconnected from server!']);
  expect(server.lines.slice(1)).toEqual([
    'Incoming Connection',
    'Incoming Connection',
    'None -> Bob logged in',
  ]);
});

test('the server goes on where its keyboard may not be read: nohup', async () => {
  const unreadable = openSync('/dev/null', 'w');
  const { server, python } = await openRoom([], { stdio: [unreadable, 'pipe', 'pipe'] });
  closeSync(unreadable);
  expect(
    await python.run(py`ann = Guest(b'Ann\n'); ann.until(b'Ann logged in\n'); result = ann.leave()`),
  ).toBe(`${WELCOME}Ann logged in\n`);
  expect((await server.end('SIGTERM')).exit).toBe(0);
});

test('the server goes on without a keyboard, and does not spin', async () => {
  const { server, python } = await openRoom();
  server.child.stdin?.end('no newline');
  await python.run(py`ann = Guest(b'Ann\n'); ann.until(b'Ann logged in\n')`);
  await untilAsleep(server);
  expect(await python.run(py`ann.sock.sendall(b'hi\n'); ann.until(b'hi\n'); result = ann.leave()`)).toBe(
    `${WELCOME}Ann logged in\nAnn::hi\n`,
  );
  expect((await server.end('SIGTERM')).exit).toBe(0);
});
