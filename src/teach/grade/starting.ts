/** A program's start: until it listens, or has connected. */
import { addressText } from '../../posix/sockaddr.js';
import { Client } from './client.js';
import { diagnose } from './diagnosis.js';
import { fail } from './fault.js';
import { HINTS, hintForCall, hintForEnd, PORT_IN_USE } from './hints.js';
import { listenerOn } from './ports.js';
import type { Running } from './running.js';

/** How many times longer than for an answer a program may take to start. */
export const START_FACTOR = 5;

/** Waits until the program listens on its port. @throws Failure */
export async function untilListening(run: Running): Promise<void> {
  let samplesElsewhere = 0;
  const found = await run.until(async () => {
    if (await isListening(run)) return 'here';
    if (run.listeners().length > 0) samplesElsewhere++;
    return samplesElsewhere > MAX_SAMPLES_ELSEWHERE && 'elsewhere';
  }, START_FACTOR);
  if (found === 'here') return;
  const expected = `a server that listens on port ${run.port}`;
  const { program } = run;
  if (run.ended)
    return fail(run, {
      expected,
      seen: `it ended before a client could connect: ${run.howItEnded()}`,
      hint: hintForEnd(run.ended, program.complaint),
    });
  const [other] = run.listeners();
  if (other) {
    // The clients go where it listens: the mistake costs points once.
    const seen = `it listens on ${addressText(other.local)}`;
    run.deviations.push({
      expected: `port ${run.port}`,
      seen,
      what: HINTS.port,
      key: 'port',
      port: run.port,
      isNoText: true,
    });
    run.port = other.local[1];
    run.useAddressOf(other.local);
    return;
  }
  const { seen, call } = diagnose(run.samples);
  return fail(run, {
    expected,
    seen: `it did not listen: ${seen}`,
    hint: call === 'endless' ? hintForCall(call) : HINTS.listen,
  });
}

/** A server may listen elsewhere first, and then here. */
const MAX_SAMPLES_ELSEWHERE = 40;

async function isListening(run: Running): Promise<boolean> {
  run.threads();
  if (!run.canSee) return isListenedOn(run);
  const listener = run.listeners().find(({ local }) => local[1] === run.port);
  if (listener) run.useAddressOf(listener.local);
  return listener !== undefined;
}

/**
 * Whether somebody listens on the port, where the program itself cannot be seen. On Linux the kernel says it: a bind or
 * a connection of the grader's own would take the port from a program that starts, or be its first client.
 */
async function isListenedOn(run: Running): Promise<boolean> {
  const host = listenerOn(run.port);
  if (host) run.host = host;
  if (host !== null) return host !== undefined;
  const limit = AbortSignal.timeout(1000 * run.options.timeoutS);
  const client = await Client.connect(run.host, run.port, limit).catch(() => undefined);
  client?.destroy();
  return client !== undefined;
}

/** Whether it has ended before it listened, as its port was in use: it says so, or somebody does listen there. */
export function foundPortInUse({ program, port, options }: Running): boolean {
  if (!program.ended) return false;
  const ports = [port, options.usualPort ?? port];
  return PORT_IN_USE.test(program.stderr + program.stdout) || ports.some((one) => listenerOn(one));
}

/** Waits until the program has connected to the grader. @throws Failure */
export async function untilConnected(run: Running, accepted: () => Client | undefined): Promise<Client> {
  const client = await run.until(accepted, START_FACTOR);
  if (client) return client;
  const { ended, complaint } = run.program;
  const seen = ended ? `it ended before: ${run.howItEnded()}` : diagnose(run.samples).seen;
  return fail(run, {
    expected: `a client that connects to port ${run.port}`,
    seen,
    hint: ended && complaint ? hintForEnd(ended, complaint) : HINTS.connect,
  });
}
