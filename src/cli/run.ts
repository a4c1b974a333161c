/** Runs a program on its worker thread to its end, traced if that was asked for. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { warn } from '../loop/terminal.js';
import { OSError } from '../posix/errors.js';
import { isSameFile } from '../posix/files.js';
import { type Address, hostPort } from '../posix/sockaddr.js';
import { sys } from '../posix/sys.js';
import type { TraceOptions } from '../teach/recording/format.js';
import { UserError } from '../teach/user-error.js';
import { untilEnd } from '../worker/process.js';
import { runInWorker } from '../worker/run.js';
import { failureText } from './failure.js';
import { type Live, startLive } from './live.js';
import { MODULE } from './options.js';
import { openOwnOutput } from './own-output.js';

interface RunHooks {
  onListening?: (address: Address) => void;
  /** The program that a client looks for in vain when nobody listens. */
  serverCommand?: string;
  /** A module of the user's own, as it was given: its errors say where in it. */
  file?: string;
}

const RECORDING_BEGINS = Buffer.from('{"format":"posix-select recording"');

/** A system call that fails is one line on stderr, without a stack trace, and exit code 1. */
export function runProgram(program: Command, name: string, args: object, hooks?: RunHooks): Promise<void> {
  return runModule(program, () => new URL(`../programs/${name}.js`, import.meta.url), args, hooks);
}

/** @param moduleOf the module that exports `main`; throws a UserError where there is none */
export async function runModule(
  program: Command,
  moduleOf: () => string | URL,
  args: object,
  { onListening, serverCommand, file }: RunHooks = {},
): Promise<void> {
  let code = 1;
  let page: Live | undefined;
  try {
    const module = moduleOf();
    openOwnOutput();
    code = await untilEnd(async () => {
      const { live, liveHost, record } = program.opts();
      if (live !== undefined) {
        if (record) closeSync(openRecording(record).fd); // refuses a file that is something else
        page = await startLive(record, liveHost, live);
        program.setOptionValue('record', page.file);
      }
      const before = tracing(program);
      const loop = runInWorker(module, { args, before, endsProcess: true });
      if (onListening) loop.address.then(onListening).catch(() => {});
      return loop;
    });
  } catch (err) {
    if (err instanceof UserError) warn(err.message);
    else if (file !== undefined) warn(failureText(err, file, args));
    else if (err instanceof OSError) warn(err.message);
    else throw err;
    if (err instanceof OSError) sayWhatToDo(err, serverCommand);
  }
  await page?.end();
  // At once: a second Ctrl-C (npm sends one) must not reach a process that no longer handles it.
  sys._exit(code);
}

/** A second line, for the two errors that everybody meets. */
function sayWhatToDo({ code, port }: OSError, serverCommand?: string): void {
  if (code === 'EADDRINUSE' && port !== undefined)
    warn('another program has that port; port 0 takes a free one');
  if (code === 'ECONNREFUSED' && serverCommand)
    warn(`nobody listens there; to start the server: npx posix-select ${serverCommand}`);
}

/** Runs a server, and says on stderr where it listens and which command talks to it from another terminal. */
export function serve(
  program: Command,
  name: string,
  args: object,
  client: (host: string, port: number) => string,
): Promise<void> {
  return runProgram(program, name, args, { onListening: (address) => sayListening(address, client) });
}

/** @param client the program that talks to it; none for a server of the user's own */
export function sayListening(address: Address, client?: (host: string, port: number) => string): void {
  const [host, port] = address as [string, number];
  const reachable = ['0.0.0.0', '::', '127.0.0.1'].includes(host) ? 'localhost' : host;
  const own = client ? [`npx posix-select ${client(reachable, port)}`] : [];
  const lines = [...own, `nc ${reachable} ${port}`].map((command) => `\n  ${command}`).join('');
  warn(`listening on ${hostPort(host, port)}; talk to it from another terminal:${lines}`);
}

/** The tracer's module and options; undefined when no option asks for one. */
function tracing(program: Command): { module: URL; options: TraceOptions } | undefined {
  const { trace, traceFile, record, step } = program.opts();
  if (!trace && !record && !step) return undefined;
  const [name = '', ...args] = program.args.slice(program.args[0] === MODULE ? 1 : 0);
  const options: TraceOptions = { program: name, args };
  if (traceFile) options.trace = { form: trace, ...open(traceFile) };
  else if (trace) options.trace = { form: trace, fd: 2, name: 'stderr' };
  if (record) options.record = openRecording(record);
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

/**
 * A recording is written over an earlier one, but over no other file: `--record server.py` would be the end of it.
 *
 * @throws OSError, UserError
 */
function openRecording(name: string): { fd: number; name: string } {
  const isOther = statSync(name, { throwIfNoEntry: false })?.isFile() && !isRecording(name);
  if (isOther)
    throw new UserError(`${name} is there already, and is no recording: give --record another name`);
  return open(name);
}

/** Whether a file is a recording, or empty. */
function isRecording(name: string): boolean {
  const begin = Buffer.alloc(RECORDING_BEGINS.length);
  const fd = openSync(name, 'r');
  const count = readSync(fd, begin);
  closeSync(fd);
  return count === 0 || begin.equals(RECORDING_BEGINS);
}

/** @throws OSError */
function open(name: string): { fd: number; name: string } {
  try {
    return { fd: openSync(name, 'w'), name };
  } catch (err) {
    throw OSError.from(err, name);
  }
}
