/** The worker thread's side: loads the program and runs its loop. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Main, Start } from './run.js';

const { program, args, stop } = workerData as Start;
const { main } = (await import(program)) as { main: Main<unknown> };
const code = await main(args, stop, (address) => parentPort?.postMessage(address));
process.exit(code ?? 0);
