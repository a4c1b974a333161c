/** Checks that several servers have in common. */
import type { Client } from './client.js';
import { Lost } from './failure.js';
import type { Run } from './run.js';

/** Bytes: ten times what the kernel keeps for a narrow client that does not read. */
export const FLOOD = 1_000_000;

/** Ctrl-C ends it without a stack trace. */
export async function endsOnCtrlC(run: Run): Promise<string> {
  await run.listen();
  await run.connect();
  const { ignored } = await run.program.interrupt();
  const expected = 'Ctrl-C ends it, without a stack trace';
  const hint =
    'SIGINT comes while it waits in select(): KeyboardInterrupt in Python, the error EINTR in Node';
  if (ignored) throw new Lost({ expected, seen: 'it went on', hint });
  if (hasTrace(run)) throw new Lost({ expected, seen: `a stack trace: ${run.program.complaint}`, hint });
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
export function hasTrace({ program: { stderr, stdout } }: Run): boolean {
  return TRACES.some((trace) => trace.test(stderr) || trace.test(stdout));
}

/** After a client has reset its connection another is served. */
export const survivesReset =
  (serve: (run: Run) => Promise<string>) =>
  async (run: Run): Promise<string> => {
    await run.listen();
    const client = await run.connect();
    client.say('hello');
    await run.answer(() => false); // until it has come to rest
    client.reset();
    await run.answer(() => false);
    await serve(run);
    return 'it went on after a client had reset its connection';
  };

/** A client of a chat that never reads keeps no message from the others. */
export const waitsForNobody =
  (join: (run: Run, isNarrow?: boolean) => Promise<Client>) =>
  async (run: Run): Promise<string> => {
    await run.listen();
    const deaf = await join(run, true);
    const [speaker, other] = [await join(run), await join(run)];
    deaf.turnDeaf();
    speaker.say('x'.repeat(FLOOD));
    await run.arrives(other, FLOOD);
    const got = other.received.length;
    if (got >= FLOOD) return `while one client did not read, another received ${got} bytes`;
    throw run.lost(
      `while one client does not read, another receives all of ${FLOOD} bytes`,
      `it received ${got}`,
      'send() waits once the kernel keeps no more for a client: what if its socket did not block?',
    );
  };
