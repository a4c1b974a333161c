/** Three programs as public tutorials have them, ported line by line: the original and the port do the same. */
import { fileURLToPath } from 'node:url';
import { AF_INET, SOCK_DGRAM, Socket } from 'posix-select/socket';
import { expect, test } from 'vitest';
import { Process } from '../support/process.js';
import { own } from '../support/sockets.js';

const LANGUAGES = ['python', 'ours'] as const;
type Language = (typeof LANGUAGES)[number];

function start(name: string, language: Language, ...args: (string | number)[]): Process {
  const isPython = language === 'python';
  const file = isPython ? `${name.replace('-', '_')}.py` : `${name}.mjs`;
  const path = fileURLToPath(new URL(`../support/ports/${file}`, import.meta.url));
  return new Process(isPython ? 'python3' : process.execPath, [path, ...args.map(String)]);
}

test.each(LANGUAGES)('settimeout: a ping over UDP, some unanswered (%s)', async (language) => {
  const server = own(new Socket(AF_INET, SOCK_DGRAM));
  server.bind(['127.0.0.1', 0]);
  server.setblocking(false);
  const client = start('udp-ping', language, '127.0.0.1', (server.getsockname() as [string, number])[1], 2);
  const timer = setInterval(() => {
    try {
      const [data, peer] = server.recvfrom(99);
      if (String(data) === 'ping 1' && peer) server.sendto(data, peer);
    } catch {} // nothing yet
  }, 1);
  expect(await client.exit, client.stderr).toBe(0);
  clearInterval(timer);
  expect(client.lines).toEqual(['ping 0 timed out after 0.2', "reply b'ping 1' from 127.0.0.1"]);
});

const PAIRS = LANGUAGES.flatMap((server) => LANGUAGES.map((client) => [server, client] as const));

test.each(PAIRS)('poll(): a server (%s); getaddrinfo, makefile: its client (%s)', async (server, client) => {
  const serving = start('poll-server', server);
  const [, port = ''] = await serving.out(/^(\d+)\n/);
  for (let i = 0; i < 2; i++) {
    const talking = start('line-client', client, 'localhost', port);
    expect(await talking.exit, talking.stderr).toBe(0);
    expect(talking.lines).toEqual(["'HELLO\\n'", "'AND GOODBYE\\n'"]);
  }
  expect(await serving.exit, serving.stderr).toBe(0);
  expect(serving.lines.at(-1)).toBe('served 2');
});
