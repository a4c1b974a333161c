#!/usr/bin/env node
/**
 * The command `posix-select`. It is here and not in dist/, because npx links a command once: in a clone that is not
 * built yet, there would be none to link, and none after the build either.
 */
import { existsSync } from 'node:fs';

if (existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  await import('../dist/cli/main.js');
} else {
  console.error('posix-select: this clone is not built yet. To build it: npm ci && npm run build');
  process.exitCode = 1;
}
