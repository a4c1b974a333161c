/** docs/guide.md: its programs, saved and run as a reader does. */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installed, run } from '../support/console-blocks.js';
import { needs } from '../support/needs.js';
import { Process, tsc } from '../support/process.js';
import { close, freePort, workshop } from '../support/zoo.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/guide.md'), 'utf8');

/** The page's fenced blocks: the language, and what is in it. */
const fences = [...page.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({
  kind,
  text,
}));

/** The programs: blocks whose first line names a file. */
const programs = fences.flatMap(({ kind, text }) => {
  const [, name] = text.match(/^(?:\/\/|#) (\S+\.(?:mjs|mts|json))\n/) ?? [];
  return name ? [{ kind, name, text }] : [];
});

let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(() => {
  folder = workshop();
  env = installed(folder);
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync('../../bin/posix-select', join(folder, 'node_modules/.bin/posix-select')); // for npx
  for (const { name, text } of programs) writeFileSync(join(folder, name), text);
});
afterAll(() => close(folder));

test('every block is a program, or a command that is run; but for the installation', () => {
  const others = fences.filter(
    ({ kind, text }) => !/^console/.test(kind) && !programs.some((program) => program.text === text),
  );
  expect(others.map(({ text }) => text)).toEqual([
    'mkdir chat && cd chat\nnpm init -y\nnpm install posix-select\n',
    expect.stringMatching(/^npm install .*\nnpx tsc\nnode start\.mjs typed\.mjs\n$/),
  ]);
  expect(programs.map(({ name }) => name)).toEqual([...new Set(programs.map(({ name }) => name))]);
});

test('every program is run by a command of the page', () => {
  const commands = [...page.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command).join('\n');
  const modules = programs.map(({ name }) => name).filter((name) => name.endsWith('.mjs'));
  expect(modules.filter((name) => !commands.includes(name))).toEqual([]);
});

/** What observe shows is Linux's. */
needs('Linux')('its commands print what it shows', async () => {
  await run(page, folder, env);
});

test('its TypeScript compiles by its command, and runs', async () => {
  const [outbox, run] = [/`(new Outbox<.*?)`/, /`(runInWorker<.*?)`/].map((one) => page.match(one)?.[1]);
  const wrong = run?.replace('3490', "'3490'");
  expect(wrong).not.toBe(run);
  const generic = `import { runInWorker } from 'posix-select';
    import { Outbox } from 'posix-select/outbox';
    import type { Socket } from 'posix-select/socket';
    class Client { constructor(readonly conn: Socket) {}; fileno() { return 1; } }
    const program = './typed.mjs';
    export const use = () => [${outbox}.send(new Client({} as Socket), Buffer.from('')), ${run}];
    // @ts-expect-error: a port is a number
    export const misuse = () => ${wrong};\n`;
  writeFileSync(join(folder, 'generic.mts'), generic);
  tsc(folder);
  const server = new Process(process.execPath, ['start.mjs', 'typed.mjs', '0'], { cwd: folder, env });
  await server.out(/^listening on port \d+$/m);
  expect((await server.end('SIGINT')).exit).toBe(0);
});

test('two who type in its client talk to each other through its chat', async () => {
  const port = await freePort();
  const options = { cwd: folder, env };
  const server = new Process(process.execPath, ['start.mjs', 'chat.mjs', String(port)], options);
  await server.out(/^listening on port/m);
  const [alice, bob] = ['alice', 'bob'].map(
    () => new Process(process.execPath, ['client.mjs', String(port)], options),
  ) as [Process, Process];
  alice.type('alice\n');
  await alice.out(/^alice has joined$/m);
  bob.type('bob\n');
  await alice.out(/^bob has joined$/m);
  bob.type('hello, alice\n');
  await alice.out(/^bob: hello, alice$/m);
  alice.endInput();
  expect(await alice.exit).toBe(0);
  await bob.out(/^alice has left$/m);
  expect((await server.end('SIGINT')).exit).toBe(0);
});

test('the server that it asks for at the end can be written with what it has', async () => {
  copyFileSync(new URL('irc.mjs', import.meta.url), join(folder, 'irc.mjs'));
  const options = { cwd: folder, env };
  const server = new Process(process.execPath, ['start.mjs', 'irc.mjs', '0'], options);
  const [, port] = await server.out(/^listening on port (\d+)$/m);
  const connect = () => new Process(process.execPath, ['client.mjs', port as string], options);
  const ann = connect();
  await ann.out(/^welcome, guest1$/m);
  const bob = connect();
  await ann.out(/^guest2 has joined$/m);
  ann.type('/nick ann\n');
  await bob.out(/^guest1 is now ann$/m);
  bob.type('/nick ann\n');
  await bob.out(/^ann is in use$/m);
  bob.type('/msg ann between us\n');
  await ann.out(/^\*guest2\* between us$/m);
  ann.type('/msg carol hi\n/who\nto all\n');
  await ann.out(/^no such nick: carol\nunknown command: \/who$/m);
  await bob.out(/^<ann> to all$/m);
  bob.type('/quit\nnot this\n');
  expect(await bob.exit).toBe(0);
  await ann.out(/^guest2 has left$/m);
  ann.type('/msg ann still here\n');
  await ann.out(/^\*ann\* still here$/m);
  expect(ann.stdout).not.toMatch(/not this/);
  expect((await server.end('SIGTERM')).exit).toBe(0);
});

test('as CommonJS, changed as it says, its server runs', async () => {
  const required = (name: string) =>
    readFileSync(join(folder, name), 'utf8')
      .replace(/^import (\{.*\}) from '(.*)';$/gm, "const $1 = require('$2');")
      .replace('export function main', 'function main');
  writeFileSync(join(folder, 'lines.cjs'), `${required('lines.mjs')}\nmodule.exports = { main };\n`);
  writeFileSync(join(folder, 'start.cjs'), `async function start() {\n${required('start.mjs')}}\nstart();\n`);
  const server = new Process(process.execPath, ['start.cjs', 'lines.cjs', '0'], { cwd: folder, env });
  await server.out(/^listening on port \d+$/m);
  expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
  expect(server.stdout).toMatch(/^ended$/m);
});
