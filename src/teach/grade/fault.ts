/** Why a check has failed: what the program did instead, and where the reader should look. */
import { hasTrace } from './complaint.js';
import { diagnose } from './diagnosis.js';
import { type Details, Failure, type Finding, NotGraded } from './failure.js';
import { hintForEnd, hintForNotReading } from './hints.js';
import type { Running } from './running.js';
import { unreadInput } from './socket-queues.js';

/** Fails a check. What the program has died of comes before all else that was seen. @throws Failure */
export async function fail(run: Running, finding: Finding, details: Details = {}): Promise<never> {
  if (run.program.wasNotStarted && !run.hasStarted)
    throw new NotGraded(`the program could not be started apart from the grader: ${run.program.complaint}`);
  throw await failureOf(run, finding, details);
}

async function failureOf(run: Running, finding: Finding, details: Details): Promise<Failure> {
  const { expected, seen, hint } = finding;
  if (!run.hasStarted || details.isAboutEnd) return new Failure(finding, details);
  const { program } = run;
  const ended = run.ended;
  if (ended) return endedFailure(run, ended, finding, details);
  if (hasTrace(program.stderr)) {
    const failure = new Failure(
      {
        expected,
        seen: `${seen}; a part of it has died: ${program.complaint}`,
        hint: hintForEnd('', program.complaint),
      },
      details,
    );
    failure.cause = program.complaint;
    return failure;
  }
  if (details.isDiagnosed) return new Failure(finding, details);
  let left: string | undefined;
  // What has only just come may be read in a moment.
  await run.until(() => {
    left = unreadInput(run, run.clients, run.threads());
    return left === undefined;
  }, MOMENT);
  if (run.ended) return endedFailure(run, run.ended, finding, details);
  if (left === undefined) return new Failure({ expected, seen, hint }, details);
  const found = diagnose(run.samples);
  return new Failure(
    { expected, seen: `${seen}; ${left}: ${found.seen}`, hint: hintForNotReading(found.call) },
    details,
  );
}

function endedFailure(
  run: Running,
  ended: string,
  { expected, seen, hint }: Finding,
  details: Details,
): Failure {
  const { complaint } = run.program;
  const how = `the program ended: ${run.howItEnded()}`;
  // What it printed is worth more than that it ended well.
  const isOrderly = ended === 'exit code 0' && complaint === '' && seen.startsWith('it printed');
  const failure = new Failure(
    isOrderly
      ? { expected, seen: `${seen}; then ${how}`, hint }
      : { expected, seen: how, hint: hintForEnd(ended, complaint) },
    details,
  );
  failure.cause = run.howItEnded();
  return failure;
}

/** The share of the time for an answer. */
const MOMENT = 0.25;
