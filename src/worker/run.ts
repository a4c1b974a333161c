/** Starts a loop on a worker thread, and ends it: the main thread's side. */
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { isMainThread, type Worker } from 'node:worker_threads';
import { gaierror, OSError, TimeoutError } from '../posix/errors.js';
import type { Address } from '../posix/sockaddr.js';
import { sys } from '../posix/sys.js';
import { warnUnclosed } from '../posix/unclosed.js';
import { takeThread, writeEnds } from './thread-start.js';

/**
 * What a program's module exports: its loop, which runs on the worker thread.
 *
 * @param args what `runInWorker` was given, `{}` if nothing
 * @param stop a descriptor that becomes readable when the loop is to end: it belongs into every rlist
 * @param listening tells the main thread the address that a server has bound
 * @returns the exit code, 0 if none
 */
export type Main<Args> = (
  args: Args,
  stop: number,
  listening: (address: Address) => void,
) => number | undefined | Promise<number | undefined>;

/** What a module of `RunOptions.before` exports. */
export type Begin = (options: unknown, stop: number) => void | Promise<void>;

/** What `runInWorker` can be told. */
export interface RunOptions<Args> {
  /** Goes to the program's `main`; anything that can be cloned. Without it, `main` gets `{}`. */
  args?: Args;
  /**
   * Begins on the worker thread before the program's module is loaded: the module's export
   * `begin(options, stop)` is called with these options, which can be cloned, and the stop descriptor.
   */
  before?: { module: string | URL; options?: unknown };
  /** The process ends with the loop: no warnings about what the program has left open. */
  endsProcess?: boolean;
}

/** A loop on its worker thread. */
export interface Loop {
  /** Tells the loop to end, by making its stop descriptor readable. May be called again. */
  stop(): void;
  /** The exit code, once the thread has ended; rejects with what the program threw. */
  readonly exited: Promise<number>;
  /** The address that a server listens on; rejects with what the program threw, or when it ends without one. */
  readonly address: Promise<Address>;
  /** The stop descriptor, open until the thread has ended. */
  readonly stopFd: number;
}

/** What the worker's side sends. */
export type Message = { listening: Address } | { unclosed: string[] };

/** What the worker's side is started with. */
export interface Start {
  program: string;
  args: unknown;
  stop: number;
  before: { module: string; options: unknown } | null;
}

/** Those that this thread has made. */
const ownWriteEnds = new Set<number>();

function release(writeEnd: number): void {
  if (Atomics.exchange(writeEnds, writeEnd, 0) === 1) sys.close(writeEnd);
  ownWriteEnds.delete(writeEnd);
}

/** What programs threw that nobody has asked for, each with a key of its loop. */
const unseen = new Map<object, unknown>();

process.on('exit', () => {
  for (const err of unseen.values()) {
    sys.write(2, Buffer.from(`${inspect(err)}\n`));
    process.exitCode ||= 1;
  }
  if (isMainThread) for (let fd = writeEnds.indexOf(1); fd >= 0; fd = writeEnds.indexOf(1)) release(fd);
  else for (const fd of ownWriteEnds) release(fd);
});

/**
 * Runs a program's select loop on a worker thread.
 *
 * A thread that is blocked in select(2) cannot be ended from outside: `worker.terminate()` would not resolve and
 * `process.exit()` would hang. So each loop waits for one descriptor more, the read end of a pipe whose write end
 * is held here; closing that is the signal to stop. It is closed whatever way the process ends. What the program has
 * left open is closed when its thread ends, with a ResourceWarning for each.
 *
 * @param program the module that exports `main`: a file URL, or a path
 * @throws OSError EMFILE when no pipe can be made
 */
export function runInWorker<Args = Record<string, never>>(
  program: string | URL,
  options: RunOptions<Args> = {},
): Loop {
  structuredClone([options.args, options.before?.options]); // what cannot be cloned throws before anything is open
  const pipe = sys.pipe();
  if (typeof pipe === 'number') throw new OSError(pipe, 'pipe');
  const [readEnd, writeEnd] = pipe;

  const { args = {}, before } = options;
  const start: Start = {
    program: urlOf(program),
    args,
    stop: readEnd,
    before: before ? { module: urlOf(before.module), options: before.options } : null,
  };
  let worker: Worker;
  try {
    worker = takeThread();
  } catch (err) {
    for (const end of pipe) sys.close(end);
    throw err;
  }
  worker.postMessage(start);
  Atomics.store(writeEnds, writeEnd, 1);
  ownWriteEnds.add(writeEnd);
  let stopped = false; // once closed, the descriptor's number may be another's
  const stop = () => {
    if (!stopped) release(writeEnd);
    stopped = true;
  };

  if (!options.endsProcess)
    worker.on(
      'message',
      (message: Message) => 'unclosed' in message && message.unclosed.forEach(warnUnclosed),
    );
  const { address, exited } = promisesOf(worker, start.program);
  worker.once('exit', () => {
    stop();
    sys.close(readEnd);
  });
  return handle({ stop, stopFd: readEnd, address, exited });
}

/**
 * The loop, of which a caller may handle one of the two promises alone. Who asks for the address may come to `exited`
 * later, or have been told by the address: an error that nobody has asked for is then shown when the process ends.
 */
function handle({ stop, stopFd, address, exited }: Loop): Loop {
  const asked = { address: false, exited: false };
  let addressHasFailed = false;
  address.catch(() => {
    addressHasFailed = true;
    unseen.delete(asked); // who asked for the address has the error from there
  });
  exited.catch((err) => {
    if (!asked.address && !asked.exited) throw err;
    if (!asked.exited && !addressHasFailed) unseen.set(asked, err);
  });
  return {
    stop,
    stopFd,
    get address() {
      asked.address = true;
      return address;
    },
    get exited() {
      asked.exited = true;
      unseen.delete(asked);
      return exited;
    },
  };
}

/** What comes from the worker: the address, then its error or exit code. */
function promisesOf(worker: Worker, program: string): Pick<Loop, 'address' | 'exited'> {
  const address = new Promise<Address>((resolve, reject) => {
    worker.on('message', (message: Message) => {
      if ('listening' in message) resolve(message.listening);
    });
    // An error may overtake the address, which comes through another port; by 'exit' all messages have come.
    let thrown: { err: unknown } | undefined;
    worker.once('error', (err) => {
      thrown = { err: revived(err) };
    });
    worker.once('exit', (code) => {
      const name = program.startsWith('file:') ? fileURLToPath(program) : program;
      const silent = new Error(`the program ended without listening: ${name}, exit code ${code}`);
      reject(thrown ? thrown.err : silent);
    });
  });
  const exited = new Promise<number>((resolve, reject) => {
    worker.once('error', (err) => reject(revived(err)));
    worker.once('exit', resolve);
  });
  return { address, exited };
}

function urlOf(module: string | URL): string {
  const isUrl = module instanceof URL || module.startsWith('file:');
  return String(isUrl ? module : pathToFileURL(resolve(module)));
}

/** An error loses its class on the way between threads, and keeps its fields. */
function revived(err: unknown): unknown {
  const name = err instanceof Error ? err.name : '';
  const known = [OSError, TimeoutError, gaierror].find((known) => known.name === name);
  return known ? Object.setPrototypeOf(err, known.prototype) : err;
}
