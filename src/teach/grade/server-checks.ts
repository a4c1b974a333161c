/** Checks that several servers have in common. */
import type { Client } from './client.js';
import { hasTrace } from './complaint.js';
import { diagnose } from './diagnosis.js';
import { HINTS } from './hints.js';
import type { Run } from './run.js';
import { hasRead } from './socket-queues.js';

/** Ten times what the kernel keeps for a narrow client that does not read. */
export const FLOOD_BYTES = 1_000_000;

/** Ctrl-C ends it without a stack trace. */
export async function endsOnCtrlC(run: Run): Promise<string> {
  await run.startServer();
  const client = await run.connect();
  await run.until(() => hasRead(run, client, run.threads()));
  const { isIgnored } = await run.interrupt();
  const expected = 'Ctrl-C ends it, without a stack trace';
  if (isIgnored) {
    const seen = run.samples.length > 0 ? `it went on: ${diagnose(run.samples).seen}` : 'it went on';
    return run.fail({ expected, seen, hint: HINTS.ignored }, { isDiagnosed: true });
  }
  const { stderr, stdout, complaint } = run.program;
  if (!hasTrace(stderr) && !hasTrace(stdout)) return 'Ctrl-C ended it';
  return run.fail(
    { expected, seen: `a stack trace: ${complaint}`, hint: HINTS.interrupt },
    { isAboutEnd: true },
  );
}

/** After a client has reset its connection another is served. @param serve is given the run with the server started */
export const survivesReset = (serve: (run: Run) => Promise<unknown>) => {
  if (typeof serve !== 'function')
    throw new TypeError('survivesReset(serve): serve is a check of a server that runs already');
  return async (run: Run): Promise<string> => {
    await run.startServer();
    const client = await run.connect();
    client.send('hello');
    await run.settle();
    client.reset();
    await run.settle();
    if (run.ended) {
      const expected = 'it goes on when a client has reset its connection';
      return run.fail({ expected, seen: 'it ended', hint: HINTS.otherEnd });
    }
    await serve(run);
    return 'it went on after a client had reset its connection';
  };
};

/** A client of a chat that never reads keeps no message from the others. @param join connects one who is to hear all */
export const waitsForNobody = (join: (run: Run, name: string, isNarrow?: boolean) => Promise<Client>) => {
  if (typeof join !== 'function')
    throw new TypeError('waitsForNobody(join): join connects a client, and gives it');
  return async (run: Run): Promise<string> => {
    await run.startServer();
    const silent = await join(run, 'a client that does not read', true);
    const [speaker, other] = [await join(run, 'the one who sends'), await join(run, 'another', true)];
    silent.stopReading();
    other.readSlowly();
    speaker.send('x'.repeat(FLOOD_BYTES));
    await run.until(() => other.received.length >= FLOOD_BYTES || other.ended);
    const got = other.received.length;
    if (got >= FLOOD_BYTES) return `while one client did not read, another received ${got} bytes`;
    const hasAll = hasRead(run, speaker, run.threads());
    return run.fail({
      expected: `while one client does not read, another, which reads slowly, receives all of ${FLOOD_BYTES} bytes`,
      seen: `it received ${got}`,
      hint: hasAll ? HINTS.partly : HINTS.nonReading,
    });
  };
};
