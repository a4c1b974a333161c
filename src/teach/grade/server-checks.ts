/** Checks that several servers have in common. */
import type { Client } from './client.js';
import { Lost } from './failure.js';
import type { Exam } from './run.js';

/** Bytes: ten times what the kernel keeps for a narrow client that does not read. */
export const FLOOD = 1_000_000;

/** Ctrl-C ends it without a stack trace. */
export async function endsOnCtrlC(exam: Exam): Promise<string> {
  await exam.listen();
  await exam.connect();
  const { ignored } = await exam.program.interrupt();
  const expected = 'Ctrl-C ends it, without a stack trace';
  const hint =
    'SIGINT comes while it waits in select(): KeyboardInterrupt in Python, the error EINTR in Node';
  if (ignored) throw new Lost({ expected, seen: 'it went on', hint });
  if (hasTrace(exam)) throw new Lost({ expected, seen: `a stack trace: ${exam.program.complaint}`, hint });
  return 'Ctrl-C ended it';
}

/** What only a stack trace has in it: of Python, Node, Java, Go. */
const TRACES = [
  /^Traceback \(most recent call last\):$/m,
  /^ {4}at (.* \()?(node:|file:|\/).*:\d+:\d+\)?$/m,
  /^Exception in thread "|^\tat [^\s()]+\(\w+\.\w+:\d+\)$/m,
  /^goroutine \d+ \[.*\]:$/m,
];

/** Whether it has printed a stack trace. */
export function hasTrace({ program: { stderr, stdout } }: Exam): boolean {
  return TRACES.some((trace) => trace.test(stderr) || trace.test(stdout));
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

/** A client of a chat that never reads keeps no message from the others. */
export const waitsForNobody =
  (join: (exam: Exam, isNarrow?: boolean) => Promise<Client>) =>
  async (exam: Exam): Promise<string> => {
    await exam.listen();
    const deaf = await join(exam, true);
    const [speaker, other] = [await join(exam), await join(exam)];
    deaf.turnDeaf();
    speaker.say('x'.repeat(FLOOD));
    await exam.arrives(other, FLOOD);
    const got = other.received.length;
    if (got >= FLOOD) return `while one client did not read, another received ${got} bytes`;
    throw exam.lost(
      `while one client does not read, another receives all of ${FLOOD} bytes`,
      `it received ${got}`,
      'send() waits once the kernel keeps no more for a client: what if its socket did not block?',
    );
  };
