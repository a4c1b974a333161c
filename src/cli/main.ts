#!/usr/bin/env node
/** The command line: `posix-select <program> [args]`. Each program runs its loop on a worker thread. */
import { fstatSync, openSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Argument, type Command, InvalidArgumentError, Option, program } from 'commander';
import { MAX_PENDING } from '../loop/outbox.js';
import { warn } from '../loop/terminal.js';
import { OSError } from '../posix/errors.js';
import type { Address } from '../posix/sockaddr.js';
import { sys } from '../posix/sys.js';
import { SELECTORS } from '../selectors.js';
import { ASSIGNMENTS, load } from '../teach/assignments/index.js';
import { FORMS, type TraceOptions } from '../teach/recording/format.js';
import { UserError } from '../teach/user-error.js';
import { untilEnd } from '../worker/process.js';
import { runInWorker } from '../worker/run.js';

/** Exit code of a bad command line. */
const USAGE = 2;

/** Three years: a timeout that every system takes. */
const MAX_SECONDS = 100_000_000;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

refusing(program)
  .name('posix-select')
  .usage('[options] <program> [args]')
  .enablePositionalOptions()
  .commandsGroup('programs:')
  .helpCommand(false)
  .description(
    'Small network programs around the real select(2), its loop in plain sight on a worker thread.',
  )
  .version(version)
  .addOption(traceOption())
  .addOption(new Option('--trace-file <file>', 'shows them in a file instead').implies({ trace: 'strace' }))
  .option('--record <file>', 'writes a recording of them, with what is ready and why')
  .option('--step', 'waits for Enter before each wait, and says what it is for');

const PORT = [1, 65535] as const;
const PORT_OR_FREE = [0, 65535] as const;

add('select-server', 'prints who connects, what they send, and who leaves')
  .argument('[port]', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE), 3490)
  .addOption(hostOption())
  .action((port, options) =>
    serve('select-server', { port, ...options }, (host, port) => `select-client alice ${host} ${port}`),
  );

add('select-client', 'sends random letters to select-server, every few seconds')
  .argument('<prefix>', 'goes before each message, to tell the clients apart')
  .argument('<host>', 'host that the server runs on')
  .argument('<port>', 'port that the server listens on', integer(...PORT))
  .option('--count <n>', 'ends after so many messages', integer(1, Number.MAX_SAFE_INTEGER))
  .option('--interval <seconds>', 'pause between two messages (default: 1 to 5 at random)', seconds)
  .action((prefix, host, port, options) => run('select-client', { prefix, host, port, ...options }));

add('srv', 'a chat: what one says, all others get')
  .argument('<host>', 'address to listen on')
  .argument('<port>', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE))
  .addOption(framingOption())
  .addOption(maxPendingOption())
  .action((host, port, options) =>
    serve('srv', { host, port, ...options }, (host, port) => {
      return `cli ${host} ${port}${options.framing === 'line' ? ' --framing line' : ''}`;
    }),
  );

add('cli', "srv's client")
  .argument('<host>', 'host that the server runs on')
  .argument('<port>', 'port that the server listens on', integer(...PORT))
  .addOption(framingOption())
  .action((host, port, options) => run('cli', { host, port, ...options }));

add('talk-server', 'relays what each client sends to all others, and knows who they are')
  .option('-p, --port <port>', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE), 12345)
  .option('-v, --verbose', 'says what it does', false)
  .addOption(hostOption())
  .addOption(maxPendingOption())
  .action((options) => serve('talk-server', options, (host, port) => `talk-client -s ${host} -p ${port}`));

add('talk-client', "talk-server's client")
  .option('-n, --name <name>', 'your name', hostname())
  .option('-s, --server <host>', 'host that the server runs on', '127.0.0.1')
  .option('-p, --port <port>', 'port that the server listens on', integer(...PORT), 12345)
  .option('-v, --verbose', 'says what it does', false)
  .action((options) => run('talk-client', options));

add('chatserver', 'a chat whose users have names')
  .argument('[port]', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE), 5555)
  .addOption(hostOption())
  .addOption(maxPendingOption())
  .action((port, options) =>
    serve('chatserver', { port, ...options }, (host, port) => `chatclient ${host} ${port}`),
  );

add('chatclient', "chatserver's client")
  .argument('[host]', 'host that the server runs on', 'localhost')
  .argument('[port]', 'port that the server listens on', integer(...PORT), 5555)
  .action((host, port) => run('chatclient', { host, port }));

add('multiconn-server', 'echoes what each of its clients sends')
  .argument('<host>', 'address to listen on')
  .argument('<port>', 'port to listen on, 0 for a free one', integer(...PORT_OR_FREE))
  .addOption(selectorOption())
  .addOption(maxPendingOption())
  .action((host, port, options) =>
    serve(
      'multiconn-server',
      { host, port, ...options },
      (host, port) => `multiconn-client ${host} ${port} 2`,
    ),
  );

add('multiconn-client', 'sends two messages on each of many connections to multiconn-server')
  .argument('<host>', 'host that the server runs on')
  .argument('<port>', 'port that the server listens on', integer(...PORT))
  .argument('<num_conns>', 'how many connections', integer(1, 65535))
  .addOption(selectorOption())
  .action((host, port, numConns, options) => run('multiconn-client', { host, port, numConns, ...options }));

program.commandsGroup('teaching:');

add('observe', 'shows live what any program is blocked in (Linux)')
  .usage('<pid> | -- <command ...>')
  .argument('<pid or command...>', 'a process that runs, or a command to run')
  .action(async (command: string[]) => {
    const { observe, observeCommand } = await import('../teach/observe/observe.js');
    const isPid = command.length === 1 && /^\d+$/.test(command[0]) && process.argv.at(-2) !== '--';
    await teach(() => (isPid ? observe(Number(command[0])) : observeCommand(command)));
  });

add('init', 'lays out an assignment, with a skeleton to fill in')
  .addArgument(new Argument('<assignment>', 'which').choices(ASSIGNMENTS))
  .argument(
    '[dir]',
    'an empty directory, a fresh clone, or one to be made (default: named as the assignment)',
  )
  .addOption(
    new Option('--language <name>', 'of the skeleton')
      .choices(['typescript', 'python'])
      .default('typescript'),
  )
  .action(async (assignment, directory, { language }) => {
    const { init } = await import('../teach/assignments/init.js');
    await teach(async () => init(await load(assignment), directory, language));
  });

add('grade', "scores a student's program, in any language, by the assignment's rubric")
  .usage('<assignment> [options] -- <command ... {port} ...>')
  .addArgument(new Argument('<assignment>', 'what the program is to be').choices(ASSIGNMENTS))
  .argument('<command...>', 'what starts it; {port} in it is the port it is to listen on')
  .addOption(new Option('--json <form>', 'result as JSON').choices(['gradescope', 'github', 'check50']))
  .option('--port <port>', 'the port, instead of a free one', integer(...PORT))
  .option('--timeout <seconds>', 'for each answer', someSeconds, 2)
  .action(async (name, command, options, self) => {
    const { gradeCommand, rightCommand } = await import('../teach/grade/grade.js');
    const assignment = await load(name);
    const right = rightCommand(assignment, command, options.port);
    if (right) self.error(`error: the command has no {port}. It should be like: ${right}`);
    await teach(() => gradeCommand(assignment, command, options));
  });

add('replay', 'plays a recording step by step, in the terminal or as a page')
  .argument('<recording>', 'a file that --record has written')
  .option('--html <file>', 'writes it as a page for any browser, which needs no network')
  .action(async (file, options) => {
    const { replay } = await import('../teach/replay/replay.js');
    await teach(() => replay(file, options));
  });

await program.parseAsync(withTraceForm(process.argv.slice(2)), { from: 'user' });

function add(name: string, summary: string): Command {
  return refusing(program.command(name).description(summary));
}

/** A bad command line ends with the usage, a line that says what is wrong, and exit code 2. */
function refusing(command: Command): Command {
  return command
    .configureHelp({
      styleTitle: (title) => title.toLowerCase(),
      subcommandTerm: (program) => `${program.name()} ${program.usage().replace('[options] ', '')}`,
      minWidthToWrap: 20,
    })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE))
    .configureOutput({
      outputError: (text, write) => {
        const usage = command.createHelp().commandUsage(command);
        write(`usage: ${usage}\n${text.replace('unknown command', 'unknown program')}`);
      },
    });
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function seconds(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= 0 && number <= MAX_SECONDS) return number;
  throw new InvalidArgumentError(`It must be a number of seconds, at most ${MAX_SECONDS}.`);
}

function someSeconds(text: string): number {
  const number = seconds(text);
  if (number > 0) return number;
  throw new InvalidArgumentError('It must be above 0.');
}

function hostOption(): Option {
  return new Option('--host <host>', 'address to listen on').default('127.0.0.1');
}

function framingOption(): Option {
  const meaning = 'what ends a message: nothing, as in the original, or a newline';
  return new Option('--framing <how>', meaning).choices(['none', 'line']).default('none');
}

function maxPendingOption(): Option {
  return new Option('--max-pending <bytes>', 'kept for a peer that does not read, at most')
    .argParser(integer(1, Number.MAX_SAFE_INTEGER))
    .default(MAX_PENDING);
}

function selectorOption(): Option {
  return new Option('--selector <name>', 'how to wait').choices(Object.keys(SELECTORS)).default('default');
}

function traceOption(): Option {
  const meaning = "shows the loop's system calls on stderr: as strace does (default), explained, or as JSON";
  const option = new Option('--trace [form]', meaning).choices(FORMS);
  option.flags = '--trace[=form]';
  return option;
}

/** `--trace` alone means strace: it would else take the program's name for its form. */
function withTraceForm(args: string[]): string[] {
  const names = program.commands.map((command) => command.name());
  const at = args.findIndex((arg) => names.includes(arg));
  return args.map((arg, i) => (i < at && arg === '--trace' ? '--trace=strace' : arg));
}

/** What traces a program's loop, if that was asked for. */
function tracing(): { module: URL; options: TraceOptions } | undefined {
  const { trace, traceFile, record, step } = program.opts();
  if (!trace && !record && !step) return undefined;
  const [name, ...args] = program.args;
  const options: TraceOptions = { program: name, args };
  if (traceFile) options.trace = { form: trace, ...open(traceFile, 'w') };
  else if (trace) options.trace = { form: trace, fd: 2, name: 'stderr' };
  if (record) options.record = open(record, 'w');
  if (options.trace && options.record && isSameFile(options.trace.fd, options.record.fd))
    program.error('error: --trace-file and --record are the same file: each needs its own');
  if (step) options.step = openTerminal();
  return { module: new URL('../teach/trace/trace.js', import.meta.url), options };
}

function openTerminal(): number {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    warn('--step: there is no terminal to push Enter on');
    return sys._exit(1);
  }
}

/** Whether two descriptors write to one file; a terminal or `/dev/null` takes both. */
function isSameFile(fd: number, other: number): boolean {
  const [a, b] = [fd, other].map((fd) => fstatSync(fd, { bigint: true }));
  return a.isFile() && a.dev === b.dev && a.ino === b.ino;
}

/** @throws OSError */
function open(name: string, flags: string): { fd: number; name: string } {
  try {
    return { fd: openSync(name, flags), name };
  } catch (err) {
    throw new OSError((err as { errno: number }).errno, 'open', name);
  }
}

/** Runs a server, and says on stderr where it listens and which command talks to it from another terminal. */
function serve(name: string, args: object, client: (host: string, port: number) => string): Promise<void> {
  return run(name, args, ([host, port]) => {
    const shown = String(host).includes(':') ? `[${host}]` : host;
    const reachable = ['0.0.0.0', '::', '127.0.0.1'].includes(String(host)) ? 'localhost' : String(host);
    const ways = [`npx posix-select ${client(reachable, Number(port))}`, `nc ${reachable} ${port}`];
    const lines = ways.map((way) => `\n  ${way}`).join('');
    warn(`listening on ${shown}:${port}; talk to it from another terminal:${lines}`);
  });
}

/**
 * Ends with the exit code of a teaching tool. What it cannot do is one line and exit code 1; just the code where
 * stdout's reader has gone, who has seen enough.
 */
async function teach(tool: () => Promise<number>): Promise<void> {
  const { trace, record, step } = program.opts();
  if (trace || record || step)
    program.error('error: --trace, --trace-file, --record and --step are for programs');
  try {
    process.exitCode = await tool();
  } catch (err) {
    if (!(err instanceof UserError || err instanceof OSError)) throw err;
    if (!('code' in err && err.code === 'EPIPE')) warn(err.message);
    process.exitCode = 1;
  }
}

/** Runs a program to its end. A system call that fails is one line, without a stack trace, and exit code 1. */
async function run(name: string, args: object, onListening?: (address: Address) => void): Promise<void> {
  let code = 1;
  try {
    const module = new URL(`../programs/${name}.js`, import.meta.url);
    const loop = runInWorker(module, { args, before: tracing() });
    if (onListening) loop.address.then(onListening).catch(() => {});
    code = await untilEnd(loop);
  } catch (err) {
    if (!(err instanceof OSError)) throw err;
    warn(err.message);
  }
  // At once: a second Ctrl-C (npm sends one) must not hit a process that has ceased to handle it.
  sys._exit(code);
}
