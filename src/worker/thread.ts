/** The worker thread's side: loads the program and runs its loop. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Begin, Main, Start } from './run.js';

const { program, args, stop, before } = workerData as Start;
if (before) {
  const { begin } = (await import(before.module)) as { begin: Begin };
  await begin(before.options, stop);
}
const { main } = (await import(program)) as { main: Main<unknown> };
const code = await main(args, stop, (address) => parentPort?.postMessage(address));
process.exit(code ?? 0);
