/** `--step`: from wait to wait at the push of Enter, in a terminal. */
import { expect, test } from 'vitest';
import { ended } from '../support/proc.js';
import { until } from '../support/process.js';
import { connect } from '../support/python.js';
import { CTRL_C, CTRL_D, Terminal } from '../support/terminals.js';
import { posixSelect } from '../support/traced.js';

const PROMPT = 'Enter goes on, Ctrl-D goes on without stops:';

async function stepping() {
  const terminal = new Terminal('--step', ['select-server', 0]);
  await terminal.shows(PROMPT);
  const [, port] = await terminal.out(/listening on .*:(\d+);/);
  const prompts = () => terminal.stdout.split(PROMPT).length - 1;
  return { terminal, port: Number(port), prompts };
}

test('says what it is about to wait for, waits for Enter, and says what came', async () => {
  const { terminal, port, prompts } = await stepping();
  expect(terminal.stdout).toMatch(
    /wait 1: select\r\n {2}1 The question .*\r\n {18}to read: \d+ stop, \d+ listener\r\n/,
  );
  const peer = await connect(port); // by the kernel alone: the listener's queue takes it
  await peer.say('hello');
  expect(terminal.stdout).not.toContain('connected');
  terminal.type('\n');
  await terminal.shows(`to read: `);
  await until('it stops again', () => prompts() === 2);
  expect(terminal.stdout).toMatch(
    / {2}3 The answer .*listener: a connection is waiting\.\r\n(.*\r\n){3}.* connected\r\n/,
  );
  expect(terminal.stdout).not.toContain('5 bytes');
  expect(terminal.stdout).toMatch(new RegExp(`to read: .* listener, \\d+ 127\\.0\\.0\\.1:${peer.port}\r\n`));
  terminal.type('\n');
  await until('it stops again', () => prompts() === 3);
  expect(terminal.stdout).toContain("5 bytes: b'hello'");
  terminal.type(CTRL_D);
  await peer.run('close()');
  await terminal.shows('disconnected\r\n');
  expect(prompts()).toBe(3);
  terminal.type(CTRL_C);
  await terminal.left();
});

test('a text at the prompt is for the program that reads stdin, Enter is not', async () => {
  const terminal = new Terminal('--step', ['chatserver', 0]);
  const prompt = 'Enter goes on, text is for the program, Ctrl-D goes on without stops:';
  await terminal.shows(prompt);
  const [, port] = await terminal.out(/listening on .*:(\d+);/);
  await connect(Number(port));
  terminal.type('\n');
  await terminal.shows('Incoming Connection');
  await until('it stops again', () => terminal.stdout.split(prompt).length === 3);
  terminal.type('quit\n');
  expect(await terminal.left()).toMatch(/ stdin: 5 bytes can be read\.\n/);
  expect(terminal.stdout).not.toContain('1 byte can be read');
});

test('Ctrl-C ends the program while it waits for Enter', async () => {
  const { terminal, prompts } = await stepping();
  terminal.type(CTRL_C);
  await terminal.left();
  expect(prompts()).toBe(1);
});

test('without a terminal it is an error of one line', async () => {
  const server = posixSelect(['--step', 'select-server', 0], { detached: true });
  expect((await ended(server)).exit).toBe(1);
  expect(server.stderr).toBe('--step: there is no terminal to push Enter on\n');
});
