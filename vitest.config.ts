import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * A folder with the python3 of all tests: the real one, and none of the packages that are installed beside it. A version
 * manager's python3 is a script that starts the real one, and what some packages do at each start of python3 costs more
 * than most tests of what they start.
 */
function barePython(): string {
  const real = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  }).trim();
  const folder = mkdtempSync(join(tmpdir(), 'python-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(real, join(folder, 'bin/python3'));
  // What makes a virtual environment: docs.python.org/3/library/site.html
  writeFileSync(
    join(folder, 'pyvenv.cfg'),
    `home = ${dirname(real)}\ninclude-system-site-packages = false\n`,
  );
  // Some tests are other users.
  for (const name of ['.', 'bin']) chmodSync(join(folder, name), 0o755);
  chmodSync(join(folder, 'pyvenv.cfg'), 0o644);
  return join(folder, 'bin');
}

/** Where nothing is known of a file yet, vitest begins with the largest. The soak is small, and lasts for longer than most. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const soak = sorted.findIndex(({ moduleId }) => moduleId.endsWith('/soak.test.ts'));
    const first = sorted.findIndex(({ project }) => project.name === sorted[soak]?.project.name);
    if (soak > first) sorted.splice(first, 0, ...sorted.splice(soak, 1));
    return sorted;
  }
}

// This file is loaded once for each project.
process.env.POSIX_SELECT_TEST_PYTHON ??= barePython();

export default defineConfig({
  test: {
    forceRerunTriggers: ['**/dist/**/*.js'], // in watch mode: programs that tests start are not among their imports
    pool: 'forks', // select() on the main thread is one of the things under test
    isolate: false, // no test changes what another file's tests import; a process for each file would cost 0.2 s of CPU time
    // Only a test that fails takes so long, on a machine however busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    sequence: { sequencer: LongFirst },
    reporters: ['default', './test/support/left-out.ts'],
    env: {
      PATH: `${process.env.POSIX_SELECT_TEST_PYTHON}:${process.env.PATH}`,
      // Node 20 reads all of a machine's certificates at each start, where this names them: that takes longer than all else.
      NODE_EXTRA_CA_CERTS: '',
    },
    projects: ['core', 'programs', 'teach', 'docs', 'load'].map((name) => ({
      extends: true,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        // Most tests wait: for a grader that watches, for a program that ends. Those under load come last.
        maxWorkers: 3,
        sequence: { groupOrder: name === 'load' ? 1 : 0 },
      },
    })),
  },
});
