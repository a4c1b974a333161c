import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../support/needs.js';
import { Process, start, tsc } from '../support/process.js';
import { Python } from '../support/python.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = [...readme.matchAll(/```(\w*)\n(.*?)```/gs)].map(([, language, text]) => ({ language, text }));
const [pythonWay, cWay, worker, ...others] = blocks.filter(({ language }) => language === 'ts');

/** A folder that has the package installed, as a reader of the README would have it. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/posix-select'));
  symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
});

afterAll(() => rmSync(folder, { recursive: true }));

function run(name: string, { text }: { text: string }): Process {
  const options = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
  writeFileSync(join(folder, `${name}.js`), transpileModule(text, { compilerOptions: options }).outputText);
  return new Process(process.execPath, [join(folder, `${name}.js`)]);
}

test('its snippets pass the type checker', () => {
  expect(others).toEqual([]);
  const files = [pythonWay, cWay, worker].map(({ text }, i) => {
    const file = join(folder, `snippet${i}.ts`);
    writeFileSync(file, text);
    return file;
  });
  // Those of other packages are not what is under test.
  const types = ['--types', 'node', '--skipLibCheck'];
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', ...types];
  tsc(folder, ...options, ...files);
});

test('select in ten lines accepts a client and shows what it sends', async () => {
  expect(pythonWay.text.trim().split('\n').length).toBeLessThanOrEqual(10);
  const snippet = run('python', pythonWay);
  const [, port] = await snippet.out(/connect to \('127.0.0.1', (\d+)\)/);
  const connect =
    'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1]))).send(b"it\'s me")';
  Python.program(connect, [port]);
  expect(await snippet.exit).toBe(0);
  expect(snippet.lines[1]).toMatch(/^hello \('127.0.0.1', \d+\) b"it's me"$/);
});

test('the literal call sees a line on stdin, and the time left', async () => {
  const snippet = run('c', cWay);
  snippet.child.stdin?.end('a line\n');
  expect(await snippet.exit).toBe(0);
  expect(snippet.stdout).toMatch(/^stdin can be read; time left: { tv_sec: [0-5], tv_usec: \d+ }\n$/);
});

test('a program on a worker thread listens and is stopped', async () => {
  const snippet = run('worker', worker);
  expect(await snippet.exit).toBe(0);
  expect(snippet.stdout).toMatch(/^waiting for connections$/m);
  expect(snippet.stdout).toMatch(/^listening on \[ '127.0.0.1', \d+ \]$/m);
  expect(snippet.stdout).toMatch(/^exit code 0\n$/m);
});

test('its commands are the package scripts, and the files that it names exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
  expect(named).toContain('build:cmake');
  for (const name of [...named, 'start', 'test']) expect(scripts).toHaveProperty([name]);
  const paths = [...readme.matchAll(/`((?:src|native)\/[\w./-]+)`/g)].map(([, path]) => path);
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('its transcript has the form that the server prints', () => {
  const transcript = blocks.find(({ language, text }) => language === '' && text.startsWith('waiting'));
  for (const line of transcript?.text.trim().split('\n').slice(1) ?? ['none']) {
    const form = /^\('127.0.0.1', \d+\)(?:: (?:dis)?connected| (\d+) bytes: b'(.*)')$/;
    expect(line).toMatch(form);
    const [, size, bytes] = line.match(form) ?? [];
    if (bytes) expect(Number(size)).toBe(bytes.length);
  }
});

const SHELL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.environ['TERM'] = 'xterm'
    os.execvp('bash', ['bash', '--norc', '-i'])
print(pid, flush=True)
for command in sys.stdin:
    os.write(terminal, command.encode())
os.kill(pid, 9)
`;

needs('Linux')('its best five seconds: the bash that one types in waits in select', async () => {
  const shell = Python.program(SHELL);
  const [pid] = await shell.out(/^\d+$/m);
  const observer = start('observe', [pid]);
  await observer.out(/^bash \d+: select, no timeout: 0 terminal \/dev\/pts\/\d+$/m);
  shell.type('sleep 100\n');
  await observer.out(/^bash \d+: wait: for a child process$/m);
  shell.endInput();
  await observer.exit;
});
