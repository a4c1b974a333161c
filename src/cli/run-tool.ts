/** Runs a teaching tool: its exit code, and what it cannot do. */
import type { Command } from 'commander';
import { warn } from '../loop/terminal.js';
import { OSError } from '../posix/errors.js';
import { UserError } from '../teach/user-error.js';

/**
 * Ends with the tool's exit code. What the tool cannot do is one line on stderr and the error's exit code; nothing is
 * said where the reader of stdout has gone.
 */
export async function runTool(program: Command, tool: () => Promise<number>): Promise<void> {
  const { trace, record, step } = program.opts();
  if (trace || record || step)
    program.error('error: --trace, --trace-file, --record and --step are for programs');
  try {
    process.exitCode = await tool();
  } catch (err) {
    if (!(err instanceof UserError || err instanceof OSError)) throw err;
    if (!('code' in err && err.code === 'EPIPE')) warn(err.message);
    process.exitCode = err instanceof UserError ? err.exitCode : 1;
  }
}
