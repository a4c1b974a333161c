/** The soak in its short form; `npm run soak` is the long one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { needs } from '../support/needs.js';
import { Process } from '../support/process.js';

const SOAK = fileURLToPath(new URL('../soak.mjs', import.meta.url));

needs('Linux')('all five servers: nothing is lost, descriptors and memory stay as they are', async () => {
  const soak = new Process(process.execPath, [SOAK, '--seconds', '5']);
  const exit = await soak.exit;
  expect({ exit, faults: soak.stdout.match(/FAULT.*/g) }, soak.stdout + soak.stderr).toEqual({
    exit: 0,
    faults: null,
  });
  expect(soak.lines).toHaveLength(5);
});

/** An echo that keeps every hundredth message to itself. */
const LOSES = `
import { createServer } from 'node:net';
let messages = 0;
const server = createServer((socket) => {
  socket.on('error', () => {}).on('data', (data) => {
    socket.write(data.toString('latin1').replace(/\\d+;/g, (text) => (++messages % 100 === 0 ? '' : text)), 'latin1');
  });
});
server.listen(0, '127.0.0.1', () => console.error(\`listening on 127.0.0.1:\${server.address().port};\`));
process.on('SIGINT', () => process.exit(3));
`;

needs('Linux')('a server that loses messages is found, and one that Ctrl-C ends badly', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'loses.mjs'), LOSES);
  const args = [
    '--seconds',
    '2',
    '--patience',
    '1',
    '--only',
    'multiconn-server',
    '--cli',
    join(folder, 'loses.mjs'),
  ];
  const soak = new Process(process.execPath, [SOAK, ...args]);
  expect(await soak.exit).toBe(1);
  expect(soak.stdout).toMatch(/FAULT: \d+ of \d+ messages of (ann|bob) have come/);
  expect(soak.stdout).toMatch(/FAULT: Ctrl-C ended it with 3/);
});
