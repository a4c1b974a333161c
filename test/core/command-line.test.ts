/** The command line: help, what it refuses, and how a system call that fails is told. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AF_INET, AF_INET6, Socket } from 'posix-select/socket';
import { describe, expect, onTestFinished, test } from 'vitest';
import { eachAddress, needs } from '../support/needs.js';
import { ended } from '../support/proc.js';
import { CLI, Process, start, startServer } from '../support/process.js';
import { Python } from '../support/python.js';

/** A file that is named after an option is that program in another form. */
const FORMS = /-literal\.ts$/;
const PROGRAMS = readdirSync(new URL('../../src/programs', import.meta.url))
  .filter((name) => !FORMS.test(name))
  .map((name) => name.slice(0, -3));
const ROOT = new URL('../../', import.meta.url);
const { bin, version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));

/** Runs the command line to its end. */
async function run(...args: (string | number)[]) {
  const command = new Process(process.execPath, [CLI, ...args.map(String)]);
  const { exit } = await ended(command);
  return { exit, stdout: command.stdout, stderr: command.stderr };
}

test.each([['--trace'], ['--trace-file', 'x'], ['--record', 'x'], ['--step']])(
  '%s before a teaching tool is refused: it is for programs',
  async (...options) => {
    const { exit, stderr } = await run(...options, 'observe', '1');
    expect(exit).toBe(2);
    expect(stderr).toMatch(/^usage: .*\nerror: --trace, .* are for programs\n$/);
  },
);

describe('help', () => {
  test.each(['--help', '-h'])('%s gives each program a line', async (option) => {
    const { exit, stdout, stderr } = await run(option);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^usage: posix-select /);
    const programs = lines
      .slice(0, lines.indexOf('teaching:'))
      .filter((line) => /^ {2}\w/.test(line))
      .map((line) => line.trim().split(' ')[0]);
    expect(programs.toSorted()).toEqual(PROGRAMS.toSorted());
    expect(stdout).toMatch(/^ {2}select-server .*prints who connects/m);
  });

  test.each(['', ...PROGRAMS, 'replay', 'grade', 'init', 'observe'])(
    '%s --help, in 80 columns of a terminal',
    async (name) => {
      const terminal = 'data:text/javascript,process.stdout.isTTY=true;process.stdout.columns=80';
      const args = ['--import', terminal, CLI, ...(name ? [name] : []), '--help'];
      const help = new Process(process.execPath, args);
      expect([await help.exit, help.stderr]).toEqual([0, '']);
      expect(help.stdout).toMatch(new RegExp(`^usage: posix-select ${name && `${name} `}.*\n`));
      expect(help.lines.filter((line) => line.length > 80)).toEqual([]);
    },
  );

  test('-h of a program', async () => {
    const { exit, stdout } = await run('srv', '-h');
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^usage: posix-select srv .*\n/);
  });

  test.each(['--version', '-V'])('%s is that of the package', async (option) => {
    expect(await run(option)).toEqual({ exit: 0, stdout: `${version}\n`, stderr: '' });
  });
});

/** What no port can be. */
const NO_PORTS = ['abc', '-1', '70000', '65536', '1.5', '', '0x10', ' 80', '80 ', '+80', '٣'];
const NO_COUNTS = ['0', '-1', '1.5', 'x', '', '1e3', '99999999999999999999'];
/** The last one is more seconds than select() can wait. */
const NO_INTERVALS = ['-1', 'x', '', ' ', 'Infinity', 'NaN', '1e300'];

type Refused = [args: string[], usage: string, wrong: string];
const server = (wrong: string, ...args: string[]): Refused => [
  ['select-server', ...args],
  'posix-select select-server',
  wrong,
];
const client = (wrong: string, ...args: string[]): Refused => [
  ['select-client', ...args],
  'posix-select select-client',
  wrong,
];

const REFUSED: Refused[] = [
  [[], 'posix-select', 'select-server'],
  [['nosuch'], 'posix-select', "unknown program 'nosuch'"],
  [['--nosuch'], 'posix-select', "unknown option '--nosuch'"],
  [
    ['--trace=nosuch', 'srv'],
    'posix-select',
    "'nosuch' is invalid. Allowed choices are strace, explain, json",
  ],
  ...[
    ['--trace'],
    ['--trace', 'explain'],
    ['--trace-file', 'x'],
    ['--record', 'x'],
    ['--live'],
    ['--step'],
  ].map(
    (args): Refused => [
      args,
      'posix-select',
      `error: ${args[0]} needs a program after it: posix-select ${args.join(' ')} select-server\n`,
    ],
  ),
  [
    ['./upper.mjs', '3490'],
    'posix-select ./module.mjs',
    "'3490' is no name=value. It should be like: ./upper.mjs port=3490\n",
  ],
  [
    ['./upper.mjs', 'localhost'],
    'posix-select ./module.mjs',
    "'localhost' is no name=value. It should be like: ./upper.mjs name=localhost\n",
  ],
  server("unknown option '--trace'", '--trace'),
  server("unknown option '--nosuch'", '--nosuch'),
  server("'--host <host>' argument missing", '--host'),
  server('too many arguments', '1', '2'),
  client("missing required argument 'prefix'"),
  client("missing required argument 'host'", 'a'),
  client("missing required argument 'port'", 'a', '127.0.0.1'),
  client('too many arguments', 'a', '127.0.0.1', '1', '2'),
  ...NO_PORTS.map((port) => server(`'${port}' is invalid`, port)),
  ...['0', '70000', ''].map((port) => client(`'${port}' is invalid`, 'a', '127.0.0.1', port)),
  ...NO_COUNTS.map((n) => client(`'${n}' is invalid`, 'a', '127.0.0.1', '1', `--count=${n}`)),
  ...NO_INTERVALS.map((n) => client(`'${n}' is invalid`, 'a', '127.0.0.1', '1', `--interval=${n}`)),
];

describe('it refuses, with its usage and what is wrong,', () => {
  test.each(REFUSED)('%j', async (args, usage, wrong) => {
    const { exit, stdout, stderr } = await run(...args);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toMatch(new RegExp(`^usage: ${usage} `));
    expect(stderr.slice(stderr.indexOf('\n'))).toContain(wrong);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('a natural mistake gets an answer:', () => {
  test.each([
    [
      ['select-server', '--trace'],
      2,
      /^It stands before the program: posix-select --trace … select-server …$/m,
    ],
    [
      ['srv', '--record=x', 'localhost', '1'],
      2,
      /^It stands before the program: posix-select --record … srv …$/m,
    ],
    [['--record', 'x.mjs', './nowhere.mjs'], 1, /^\.\/nowhere\.mjs: no such file$/m],
    ...('typescript' in process.features && process.features.typescript
      ? []
      : [
          [
            ['./test/core/select.test.ts'],
            1,
            /^\.\/test\/core\/select\.test\.ts: Node v.* runs no TypeScript.* give the \.js file$/m,
          ] as const,
        ]),
    [['./node_modules/typescript/lib/typescript.js'], 1, /typescript\.js exports no function called main/],
    [['help', 'nosuch'], 2, /unknown program 'nosuch'/],
    [
      ['grade', 'select-sever', '--', 'x', '{port}'],
      2,
      /There are select-server, talk-server, srv, chatclient/,
    ],
    [['init', 'select-sever'], 2, /There are select-server, talk-server, srv, chatclient/],
    [
      ['grade', 'select-server', '--', 'python3 server.py {port}'],
      2,
      /^error: the command is in quotes\. Without them: … -- python3 server\.py \{port\}$/m,
    ],
  ] as const)('%j', async (args, exit, stderr) => {
    const result = await run(...args);
    expect({ exit: result.exit, stdout: result.stdout }).toEqual({ exit, stdout: '' });
    expect(result.stderr).toMatch(stderr);
  });

  test('help, and -v', async () => {
    expect(await run('help')).toEqual(await run('--help'));
    expect(await run('help', 'srv')).toEqual(await run('srv', '--help'));
    expect(await run('-v')).toEqual({ exit: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('--trace explain, as two words', async () => {
    const [joined, apart] = [['--trace=explain'], ['--trace', 'explain']].map((option) => [
      ...option,
      'cli',
      '::1',
    ]);
    const port = taken('::1', false);
    const { stderr } = await run(...(joined as string[]), port);
    expect(stderr).toMatch(/^ {2}connect fd \d+ .*ECONNREFUSED/m);
    const unnumbered = (text: string) => text.replace(/\d+/g, '#'); // descriptors may differ
    expect(unnumbered((await run(...(apart as string[]), port)).stderr)).toBe(unnumbered(stderr));
  });

  test('--record over a file that is no recording', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [source, recording] = ['server.py', 'run.jsonl'].map((name) => join(folder, name)) as [
      string,
      string,
    ];
    writeFileSync(source, 'import select\n');
    const client = ['cli', '127.0.0.1', taken('127.0.0.1', false)] as const;
    expect(await run('--record', source, ...client)).toEqual({
      exit: 1,
      stdout: '',
      stderr: `${source} is there already, and is no recording: give --record another name\n`,
    });
    expect(readFileSync(source, 'utf8')).toBe('import select\n');
    await run('--record', recording, ...client);
    const { length } = readFileSync(recording, 'utf8');
    await run('--record', recording, ...client);
    expect(readFileSync(recording, 'utf8').length).toBeLessThan(1.5 * length);
  });
});

test('one file for a trace and a recording is refused, also through a link', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'posix-select-')), 'run');
  onTestFinished(() => rmSync(dirname(file), { recursive: true }));
  const link = `${file}.link`;
  symlinkSync(file, link);
  for (const other of [file, link]) {
    const { exit, stderr } = await run('--trace-file', file, '--record', other, 'select-server', 0);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/^usage: .*\nerror: --trace-file and --record are the same file: /);
  }
});

/** A socket that has a port of its own, and listens or not. */
function taken(host: string, listens: boolean): number {
  const s = new Socket(host.includes(':') ? AF_INET6 : AF_INET);
  onTestFinished(() => s.close());
  s.bind([host, 0]);
  if (listens) s.listen();
  return (s.getsockname() as [string, number])[1];
}

type Failing = [what: string, command: () => (string | number)[], line: string];
const TAKEN = 'another program has that port; port 0 takes a free one';
const FAILING: Failing[] = [
  [
    'a port that is taken',
    () => ['select-server', taken('127.0.0.1', true)],
    `bind 127.0.0.1:PORT: Address already in use (EADDRINUSE)\n${TAKEN}`,
  ],
  [
    'a port that is taken on IPv6',
    () => ['select-server', '--host', '::1', taken('::1', true)],
    `bind [::1]:PORT: Address already in use (EADDRINUSE)\n${TAKEN}`,
  ],
  [
    "an address that is not this machine's",
    () => ['select-server', '--host', '198.51.100.1', 0],
    'bind 198.51.100.1:0: Cannot assign requested address (EADDRNOTAVAIL)',
  ],
  [
    // A name with an empty label is refused without asking a name server.
    'an unknown host to listen on',
    () => ['select-server', '--host', 'no..host', 0],
    'getaddrinfo no..host: Name or service not known (EAI_NONAME)',
  ],
  [
    'an unknown host to connect to',
    () => ['select-client', 'a', 'no..host', 1],
    'getaddrinfo no..host: Name or service not known (EAI_NONAME)',
  ],
  [
    'a port that nobody listens on',
    () => ['select-client', 'a', '127.0.0.1', taken('127.0.0.1', false)],
    'connect 127.0.0.1:PORT: Connection refused (ECONNREFUSED)\n' +
      'nobody listens there; to start the server: npx posix-select select-server PORT',
  ],
  ...['--trace-file', '--record'].map(
    (option): Failing => [
      `${option}: a file that cannot be opened`,
      () => [option, '/nonexistent/file', 'select-server', 0],
      'open /nonexistent/file: No such file or directory (ENOENT)',
    ],
  ),
];

describe('it tells in one line of', () => {
  eachAddress(FAILING)('%s', async (_, command, line) => {
    const args = command();
    const stderr = `${line.replaceAll('PORT', String(args.at(-1)))}\n`;
    expect(await run(...args)).toEqual({ exit: 1, stdout: '', stderr });
  });

  test('a port that it may not have', async () => {
    // Root without CAP_NET_BIND_SERVICE is as everybody else.
    const drop = 'ctypes.CDLL(None).prctl(24, 10, 0, 0, 0)';
    const unprivileged = `import ctypes, os, sys\n${drop}\nos.execv(sys.argv[1], sys.argv[1:])`;
    const child = Python.program(unprivileged, [process.execPath, CLI, 'select-server', 1]);
    expect((await ended(child)).exit).toBe(1);
    expect(child.stderr).toBe('bind 127.0.0.1:1: Permission denied (EACCES)\n');
    expect(child.stdout).toBe('');
  });
});

describe("an error in a module of the user's own names its file and line:", () => {
  const lib = (names: string) => `import { ${names} } from '${new URL('dist/index.js', ROOT)}';\n`;
  const CASES: [what: string, code: string, stderr: string][] = [
    [
      'a value that it was not given',
      `${lib('socket')}export function main(args) {\n  socket.createServer(['127.0.0.1', args.port]);\n}`,
      './main.mjs:3:10: TypeError: port must be an integer, not undefined\n' +
        "main was given { host: 'x' }; to give it more: ./main.mjs host=x port=3490\n",
    ],
    [
      'with those that called it',
      'const f = (o) => o.x.y;\nexport function main(args) {\n  throw f(args);\n}',
      "./main.mjs:1:22: TypeError: Cannot read properties of undefined (reading 'y')\n" +
        '    at f (./main.mjs:1:22)\n    at main (./main.mjs:3:9)\n' +
        "main was given { host: 'x' }; to give it more: ./main.mjs host=x port=3490\n",
    ],
    [
      'a closed socket',
      `${lib('select, socket')}export function main() {\n  const s = new socket.Socket();\n  s.close();\n  select([], [s], []);\n}`,
      './main.mjs:5:3: RangeError: file descriptor cannot be a negative integer (-1): a closed socket in wlist?\n',
    ],
    [
      'a call on a socket that is not connected',
      `${lib('socket')}export async function main() {\n  const s = new socket.Socket();\n  s.getpeername();\n}`,
      './main.mjs:4:5: getpeername fd FD: Transport endpoint is not connected (ENOTCONN)\n',
    ],
    [
      'a syntax error',
      'export function main() {\n  let a = = 1;\n}',
      "./main.mjs:2: SyntaxError: Unexpected token '='\n  let a = = 1;\n          ^\n",
    ],
    [
      'what main returned',
      'export const main = () => "done";',
      "main of FOLDER/main.mjs returned 'done': an exit code or nothing is expected\n",
    ],
    ['what is no error', 'throw "early";', "./main.mjs threw 'early'\n"],
  ];
  test.each(CASES)('%s', async (_, code, stderr) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'posix-select-')));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'main.mjs'), code);
    const child = new Process(process.execPath, [CLI, './main.mjs', 'host=x'], { cwd: folder });
    expect((await ended(child)).exit).toBe(1);
    expect(child.stderr.replace(folder, 'FOLDER').replace(/fd \d+/, 'fd FD')).toBe(stderr);
  });
});

describe('a teaching tool tells in one line of a full disk:', () => {
  const test = needs('/dev/full');
  const recording = (folder: string) => {
    const head = {
      format: 'posix-select recording',
      version: 1,
      program: 'srv',
      args: [],
      platform: '',
      began: '',
    };
    const call = { call: 'close', at: 0, took: 0, result: 0, fd: 3 };
    writeFileSync(join(folder, 'run.jsonl'), [head, call].map((line) => JSON.stringify(line)).join('\n'));
    return join(folder, 'run.jsonl');
  };
  const TOOLS: [name: string, args: (folder: string) => string[]][] = [
    ['observe', () => ['observe', String(process.pid)]],
    ['replay', (folder) => ['replay', recording(folder)]],
    ['init', (folder) => ['init', 'srv', join(folder, 'srv')]],
    ['grade', () => ['grade', 'select-server', '--', 'false', '{port}']],
  ];

  /** Runs a tool with a stdout of the shell's making. */
  async function into(stdout: string, args: string[]) {
    const shell = new Process('sh', ['-c', `"$@" ${stdout}`, 'sh', process.execPath, CLI, ...args]);
    return { exit: (await ended(shell)).exit, stderr: shell.stderr };
  }

  test.each(TOOLS)('%s; and ends in silence when its reader has gone', async (name, args) => {
    const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const stderr = 'write stdout: No space left on device (ENOSPC)\n';
    const exit = name === 'grade' ? 3 : 1; // a mark that could not be printed is none
    expect(await into('>/dev/full', args(folder))).toEqual({ exit, stderr });
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    // The reader has gone before the tool begins: the pipe is a broken one.
    const broken =
      'import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); os.execv(sys.argv[1], sys.argv[1:])';
    const tool = Python.program(broken, [process.execPath, CLI, ...args(folder)]);
    expect((await ended(tool)).exit).toBe(1);
    expect(tool.stderr).toBe('');
  });
});

describe('the hint of a server', () => {
  const HOSTS: [host: string, shown: string, reachable: string][] = [
    ['127.0.0.1', '127.0.0.1', 'localhost'],
    ['localhost', '127.0.0.1', 'localhost'],
    ['127.0.0.2', '127.0.0.2', '127.0.0.2'],
    ['0.0.0.0', '0.0.0.0', 'localhost'],
    ['::1', '[::1]', '::1'],
    ['::', '[::]', 'localhost'],
  ];
  eachAddress(HOSTS)(
    'on %s names its address and a way to it that leads there',
    async (host, shown, reachable) => {
      const server = await startServer('select-server', [0, '--host', host]);
      const { port } = server;
      await server.err(/(.*\n){3}/);
      expect(server.stderr).toBe(
        `listening on ${shown}:${port}; talk to it from another terminal:\n` +
          `  npx posix-select select-client alice ${reachable} ${port}\n` +
          `  nc ${reachable} ${port}\n`,
      );
      const [, , program, ...args] = server.stderr.split('\n')[1].trim().split(' ');
      expect(await start(program, [...args, '--count', 1]).exit).toBe(0);
      await server.out(/: disconnected\n/);
      expect(await server.end('SIGINT')).toMatchObject({ exit: 0 });
      const [, peer] = server.lines[1].match(/^(\('[\d.:a-f]+', \d+(?:, 0, 0)?\)): connected$/) ?? [];
      expect(server.lines).toEqual([
        'waiting for connections',
        `${peer}: connected`,
        expect.stringMatching(/^\(.*\) \d\d bytes: b'alice: [a-z]{10,19}'$/),
        `${peer}: disconnected`,
      ]);
      expect(server.stderr.split('\n')).toHaveLength(4);
    },
  );
});

describe('linked as a command', () => {
  /** A process with a PATH that leads to the command, as npm links it, and in a folder of its own. */
  function command(...args: string[]): Process {
    const folder = mkdtempSync(join(tmpdir(), 'posix-select-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    symlinkSync(new URL(bin, ROOT), join(folder, 'posix-select'));
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    return new Process('posix-select', args, { cwd: folder, env });
  }

  test('it shows its version', async () => {
    const child = command('--version');
    expect((await ended(child)).exit).toBe(0);
    expect(child.stdout).toBe(`${version}\n`);
  });

  test('it runs a server, which ends on SIGINT', async () => {
    const child = command('select-server', '0');
    await child.err(/^listening on 127\.0\.0\.1:\d+;/);
    expect(await child.end('SIGINT')).toMatchObject({ exit: 0 });
    expect(child.stdout).toBe('waiting for connections\n');
  });

  test('it refuses a bad command line', async () => {
    const child = command('select-server', 'abc');
    expect((await ended(child)).exit).toBe(2);
    expect(child.stderr).toMatch(/^usage: posix-select select-server .*\n.*'abc'/);
  });
});
