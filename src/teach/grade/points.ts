/** A teacher's own points for an assignment: `--points points.yaml`. */
import { readFileSync } from 'node:fs';
import { NotGraded } from './failure.js';
import type { Assignment, Line, Part } from './rubric.js';

/** By a line's title or number: its points; 0 switches a line off, points for a note switch it on. */
export type Points = Map<string, { points: number; place: string }>;

/**
 * Reads a YAML mapping of a line, by its title or its number, to its points.
 *
 * @throws NotGraded when it cannot be read, or is something else
 */
export async function readPoints(file: string): Promise<Points> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (err) {
    throw new NotGraded(`${file} cannot be read: ${(err as NodeJS.ErrnoException).code}`);
  }
  // Few gradings need it, and it takes its time to load.
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const { contents, errors } = parseDocument(content, { lineCounter, prettyErrors: false });
  const placeOf = (offset: number) => `${file}, line ${lineCounter.linePos(offset).line}`;
  const wrong = (offset: number, why: string) => new NotGraded(`${placeOf(offset)}: ${why}`);
  const [error] = errors;
  if (error) throw wrong(error.pos[0], error.message);
  if (contents === null) return new Map();
  if (!isMap(contents)) throw wrong(contents.range?.[0] ?? 0, EXAMPLE);
  const points: Points = new Map();
  for (const { key, value } of contents.items) {
    const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
    if (!isScalar(key) || !isScalar(value) || !isPoints(value.value)) throw wrong(offset, EXAMPLE);
    points.set(String(key.value).trim(), { points: value.value, place: placeOf(offset) });
  }
  return points;
}

const EXAMPLE = 'it must be like "Prints where it listens: 2"';

const isPoints = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** @throws NotGraded when a line is named that the assignment does not have */
export function withPoints(assignment: Assignment, points: Points): Assignment {
  const used = new Set<string>();
  const lines = assignment.lines.flatMap((line, i) => {
    const name = [line.title, String(i + 1)].find((name) => points.has(name));
    if (name === undefined) return line;
    used.add(name);
    const wanted = points.get(name)?.points ?? 0;
    return wanted === 0 ? [] : rescaled(line, wanted);
  });
  const [unknown, wrong] = [...points].find(([name]) => !used.has(name)) ?? [];
  if (unknown !== undefined) {
    const titles = assignment.lines.map(({ title }, i) => `\n  ${i + 1}: ${title}`).join('');
    throw new NotGraded(`${wrong?.place}: ${assignment.name} has no line "${unknown}". It has:${titles}`);
  }
  return { ...assignment, lines };
}

/** The parts keep their shares; a note becomes a line. */
function rescaled(line: Line, points: number): Line {
  const share = (part: Part) => (line.points > 0 ? part.points / line.points : 1 / line.parts.length);
  const round = (value: number) => Math.round(100 * value) / 100;
  const parts = line.parts.map((part) => ({ ...part, points: round(points * share(part)) }));
  return { ...line, points, parts, note: false };
}
