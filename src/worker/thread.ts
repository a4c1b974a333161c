/** The worker thread's side: loads the program and runs its loop. */
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { reportUnclosed } from '../posix/unclosed.js';
import type { Begin, Main, Message, Start } from './run.js';

const port = parentPort as MessagePort;
const send = (message: Message) => port.postMessage(message);
reportUnclosed((unclosed) => send({ unclosed }));

/** A module's export, which has to be a function. */
async function exportOf<Name extends string, Exported>(module: string, name: Name): Promise<Exported> {
  const imported = await import(module).catch(async (err) => {
    const { withPlace } = await import('./syntax-error.js');
    throw withPlace(err, module);
  });
  // Of a CommonJS module Node finds the names in most forms; `module.exports` itself is the default export.
  const exported = imported[name] ?? imported.default?.[name];
  if (typeof exported === 'function') return exported;
  throw new TypeError(`${nameOf(module)} exports no function called ${name}: runInWorker calls it`);
}

/** A module as its user knows it: the path of a file. */
const nameOf = (module: string) => (module.startsWith('file:') ? fileURLToPath(module) : module);

/** @param returned by `main`, in JavaScript perhaps anything */
function exitCodeOf(returned: unknown): number {
  if (returned === undefined || returned === null) return 0;
  if (Number.isInteger(returned)) return returned as number;
  throw new TypeError(
    `main of ${nameOf(program)} returned ${inspect(returned)}: an exit code or nothing is expected`,
  );
}

const { program, args, stop, before } = await new Promise<Start>((resolve) => port.once('message', resolve));
if (before) {
  const begin: Begin = await exportOf(before.module, 'begin');
  await begin(before.options, stop);
}
const main: Main<unknown> = await exportOf(program, 'main');
const code = await main(args, stop, (listening) => send({ listening }));
process.exit(exitCodeOf(code));
