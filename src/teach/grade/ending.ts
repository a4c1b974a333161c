/** What is done whatever ends a grader: its end, an error, or a signal. */
import { kill, pid } from 'node:process';

const acts = new Set<() => void>();
process.once('exit', actAll);

/** Has something done when the grader ends. @returns what takes it back */
export function whenGraderEnds(act: () => void): () => void {
  acts.add(act);
  return () => acts.delete(act);
}

/** A signal that ends a process ends the grader in the same way, once all is done. */
export function mindSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      actAll();
      kill(pid, signal);
    });
}

function actAll(): void {
  for (const act of acts) {
    acts.delete(act);
    try {
      act();
    } catch {
      // The grader ends, and the others are to be done as well.
    }
  }
}
