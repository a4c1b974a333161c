/** A teacher's own points for an assignment: `--points points.yaml`. */
import { readFileSync } from 'node:fs';
import { NotGraded } from './failure.js';
import type { Assignment, Line, Part } from './rubric.js';

/** By a line's title or number: its points; 0 switches a line off, points for a note switch it on. */
export type Points = Map<string, number>;

const ENTRY = /^\s*(?:"([^"]+)"|'([^']+)'|([^#"'][^:#]*?))\s*:\s*(\d+(?:\.\d+)?)\s*(?:#.*)?$/;

/**
 * Reads a list of `line: points`, as YAML has it: a line by its title or its number. `#` begins a comment.
 *
 * @throws NotGraded when it cannot be read
 */
export function readPoints(file: string): Points {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (err) {
    throw new NotGraded(`${file} cannot be read: ${(err as NodeJS.ErrnoException).code}`);
  }
  const points: Points = new Map();
  for (const [i, row] of content.split('\n').entries()) {
    if (/^\s*(#.*|---)?$/.test(row)) continue;
    const [, double, single, bare, number] = ENTRY.exec(row) ?? [];
    const title = double ?? single ?? bare;
    if (title === undefined)
      throw new NotGraded(`${file}, line ${i + 1}: it must be like "Prints where it listens: 2"`);
    points.set(title.trim(), Number(number));
  }
  return points;
}

/** @throws NotGraded when a line is named that the assignment does not have */
export function withPoints(assignment: Assignment, points: Points): Assignment {
  const used = new Set<string>();
  const lines = assignment.lines.flatMap((line, i) => {
    const name = [line.title, String(i + 1)].find((name) => points.has(name));
    if (name === undefined) return line;
    used.add(name);
    const wanted = points.get(name) ?? 0;
    return wanted === 0 ? [] : rescaled(line, wanted);
  });
  const unknown = [...points.keys()].find((name) => !used.has(name));
  if (unknown !== undefined) {
    const titles = assignment.lines.map(({ title }, i) => `\n  ${i + 1}: ${title}`).join('');
    throw new NotGraded(`${assignment.name} has no line "${unknown}". It has:${titles}`);
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
