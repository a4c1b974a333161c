import { expect, test } from 'vitest';
import { start, startServer } from '../peers.js';

test('its transcript with one client', async () => {
  const server = await startServer('select-server');
  const client = start('select-client', [
    'test1',
    'localhost',
    server.port,
    '--count',
    2,
    '--interval',
    0.01,
  ]);
  expect(await client.exit).toBe(0);
  await server.out(/: disconnected\n/);
  const { exit } = await server.end('SIGINT');
  expect(exit).toBe(0);
  const peer = "\\('127\\.0\\.0\\.1', \\d+\\)";
  expect(server.lines).toEqual([
    'waiting for connections',
    expect.stringMatching(new RegExp(`^${peer}: connected$`)),
    expect.stringMatching(new RegExp(`^${peer} \\d\\d bytes: b'test1: [a-z]{10,19}'$`)),
    expect.stringMatching(new RegExp(`^${peer} \\d\\d bytes: b'test1: [a-z]{10,19}'$`)),
    expect.stringMatching(new RegExp(`^${peer}: disconnected$`)),
  ]);
});
