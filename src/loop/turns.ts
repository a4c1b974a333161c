/** Who comes first in a round, and when the round is over: one peer's flood must not keep the others waiting. */

/** How long a round handles what is ready. What is left is ready again in the next round. */
const ROUND_MS = 5;

/** How many turns there had been when an element had its last. */
const lastTurns = new WeakMap<object, number>();
let turns = 0;

const lastTurn = (element: unknown) =>
  typeof element === 'object' && element !== null ? (lastTurns.get(element) ?? 0) : 0;

/**
 * The elements that are ready, those first whose last turn is the longest ago; until the round has lasted 5 ms.
 *
 *     for (const s of inTurns(readable)) …
 */
export function* inTurns<T>(ready: T[]): Generator<T> {
  const endMs = performance.now() + ROUND_MS;
  const order = ready.length > 1 ? ready.toSorted((a, b) => lastTurn(a) - lastTurn(b)) : ready;
  for (const element of order) {
    turns += 1;
    if (typeof element === 'object' && element !== null) lastTurns.set(element, turns);
    yield element;
    if (performance.now() > endMs) return;
  }
}
