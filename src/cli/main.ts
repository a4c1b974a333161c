/** Starts the command line; before, the thread for a program's loop, which takes half of a program's start. */
import { existsSync } from 'node:fs';
import { startAhead } from '../worker/thread-start.js';

const [name = '', ...args] = process.argv.slice(2);
const isProgram = /^[a-z-]+$/.test(name) && existsSync(new URL(`../programs/${name}.js`, import.meta.url));
if (isProgram && !args.includes('--help') && !args.includes('-h')) startAhead();
await import('./command.js');
