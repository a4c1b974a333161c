/** Checks that several servers have in common. */
import type { Exam } from './exam.js';
import { Lost } from './finding.js';

/** Ctrl-C ends it without a stack trace. */
export async function endsOnCtrlC(exam: Exam): Promise<string> {
  await exam.listen();
  await exam.connect();
  const { ignored } = await exam.program.interrupt();
  const expected = 'Ctrl-C ends it, without a stack trace';
  const hint = 'SIGINT comes while it waits in select(): KeyboardInterrupt in Python';
  if (ignored) throw new Lost({ expected, seen: 'it went on', hint });
  if (hasTrace(exam)) throw new Lost({ expected, seen: `a stack trace: ${exam.program.complaint}`, hint });
  return 'Ctrl-C ended it';
}

/** A stack trace of Python, Node, Java … */
export function hasTrace(exam: Exam): boolean {
  return /^Traceback|^\s+at \S+.*:\d+|^panic:/m.test(exam.program.stderr + exam.stdout);
}

/** After a client has reset its connection another is served. */
export const survivesReset =
  (serve: (exam: Exam) => Promise<string>) =>
  async (exam: Exam): Promise<string> => {
    await exam.listen();
    const client = await exam.connect();
    client.say('hello');
    await exam.answer(() => false); // until it has come to rest
    client.reset();
    await exam.answer(() => false);
    await serve(exam);
    return 'it went on after a client had reset its connection';
  };
