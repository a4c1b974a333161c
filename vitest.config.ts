import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { defineConfig } from 'vitest/config';

// A version manager's python3 is a script that starts the real one: it costs more than most tests of what it starts.
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });

export default defineConfig({
  test: {
    forceRerunTriggers: ['**/dist/**/*.js'], // in watch mode: programs that tests start are not among their imports
    pool: 'forks', // select() on the main thread is one of the things under test
    isolate: false, // no test changes what another file's tests import; a process for each file would cost 0.2 s of CPU time
    // Only a test that fails takes so long, on a machine however busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default', './test/support/left-out.ts'],
    env: { PATH: `${dirname(python)}:${process.env.PATH}` },
    projects: ['core', 'programs', 'teach', 'docs', 'load'].map((name) => ({
      extends: true,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        // Most tests wait: for a grader that watches, for a program that ends. Those under load do not, and come last.
        maxWorkers: name === 'load' ? 2 : 3,
        sequence: { groupOrder: name === 'load' ? 1 : 0 },
      },
    })),
  },
});
