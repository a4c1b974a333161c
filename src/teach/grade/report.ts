/** The result of a grading for a reader. */
import { styleText } from 'node:util';
import { visible } from '../../loop/terminal.js';
import { wrap } from '../text.js';
import type { Finding } from './failure.js';
import type { Cost, LineResult, PartResult, Result } from './rubric.js';
import { partAt } from './text-match.js';

/** The points reached and those that could be; the extra ones are not among the latter. */
export function totals({ lines }: Pick<Result, 'lines'>): { score: number; graded: number; extra: number } {
  const sum = (some: LineResult[], of: 'score' | 'graded') =>
    some.reduce((total, line) => total + line[of], 0);
  const own = lines.filter(({ line }) => !line.extra);
  return {
    score: sum(own, 'score'),
    graded: sum(own, 'graded'),
    extra: sum(lines, 'score') - sum(own, 'score'),
  };
}

export interface Page {
  columns: number;
  /** signs and colours, for a terminal */
  isTerminal?: boolean;
}

/** All of it. */
export function text(result: Result, columns: number): string {
  const writer = new Writer({ columns });
  const lines = result.lines.flatMap((line) => writer.line(line));
  return [...writer.head(result), '', ...lines, ...writer.notes(result)].join('\n');
}

/** Columns before a line's title, and before what belongs to it. */
const TITLE_INDENT = 8;
const LABEL_COLUMNS = 10;

type Colour = 'green' | 'red' | 'yellow' | 'dim';

/** Writes a report line by line: what has been said of one line is not said again of the next. */
export class Writer {
  readonly #page: Page;
  readonly #said = new Set<string>();

  constructor(page: Page) {
    this.#page = page;
  }

  head(result: Result): string[] {
    const { score, graded, extra } = totals(result);
    const more = extra > 0 ? `, and ${extra} extra` : '';
    const isFull = score === graded && graded > 0;
    const [line = '', ...below] = this.#paragraph(
      `${result.assignment.name}: ${score} of ${graded} points${more}`,
      2,
    );
    return [this.#coloured(isFull ? 'green' : 'yellow', line), ...below];
  }

  /** A line of the rubric with what was seen. */
  line(result: LineResult): string[] {
    const { line, graded, score } = result;
    const reached = graded > 0 ? score : '-';
    const points = `${line.extra ? '+' : ''}${reached}/${graded || line.points}`;
    const [title = '', ...below] = this.#paragraph(`${points.padStart(6)}  ${line.title}`, TITLE_INDENT);
    const about = details(result);
    const isNew = about.length === 0 || !this.#said.has(about.join());
    this.#said.add(about.join());
    const shown = isNew ? about : ['as above'];
    const indent = ' '.repeat(TITLE_INDENT);
    return [
      this.#signed(result, title),
      ...below,
      ...shown.flatMap((detail) => {
        const isLabelled = /^(costs|expected|seen|hint| {9}) /.test(detail);
        return this.#paragraph(indent + detail, TITLE_INDENT + (isLabelled ? LABEL_COLUMNS : 2));
      }),
    ];
  }

  notes({ notes }: Result): string[] {
    return notes.flatMap((note) => this.#paragraph(`note: ${note}`, 6));
  }

  #signed({ line, graded, score }: LineResult, title: string): string {
    if (!this.#page.isTerminal) return title;
    const [sign, colour]: [string, Colour] =
      graded === 0
        ? ['–', 'dim']
        : score === graded
          ? ['✓', 'green']
          : line.extra
            ? ['–', 'dim']
            : ['✗', 'red'];
    return `${this.#coloured(colour, sign)}${title.slice(1)}`;
  }

  #coloured(colour: Colour, text: string): string {
    if (!this.#page.isTerminal || process.env.NO_COLOR) return text;
    return styleText(colour, text, { validateStream: false });
  }

  #paragraph(line: string, indent: number): string[] {
    return wrap(visible(line), this.#page.columns, indent);
  }
}

const inPoints = (count: number) => `${count} ${count === 1 ? 'point' : 'points'}`;

/** What was seen in a line: the evidence, or what was lost and why; each only once. */
export function details({ line, parts }: LineResult): string[] {
  if (line.teacher) return [`not graded: ${line.teacher}`];
  const evidence = parts.flatMap((part) =>
    'evidence' in part && part.evidence && part.deviations.length === 0 ? part.evidence : [],
  );
  const small = parts.flatMap((part) => ('evidence' in part ? part.deviations : []));
  const ungraded = parts.flatMap((part) => ('ungraded' in part ? `not graded: ${part.ungraded}` : []));
  const costs = small.filter(({ key }, i) => small.findIndex((other) => other.key === key) === i);
  return [...new Set([...evidence, ...ungraded]), ...costs.flatMap(detailsOfDeviation), ...lost(parts)];
}

function lost(parts: PartResult[]): string[] {
  return findings(parts).flatMap(({ expected, seen, hint, points }) => [
    `costs     ${inPoints(points)}`,
    `expected  ${expected}`,
    `seen      ${seen}`,
    `hint      ${hint}`,
  ]);
}

/** What has lost points, each once with the sum of its points. */
export function findings(parts: PartResult[]): (Finding & { points: number })[] {
  const found = new Map<string, Finding & { points: number }>();
  for (const part of parts) {
    if (!('finding' in part)) continue;
    const { expected } = part.finding;
    const points = (found.get(expected)?.points ?? 0) + part.points;
    found.set(expected, { ...(found.get(expected) ?? part.finding), points });
  }
  return [...found.values()];
}

/** Both texts, one above the other, and a mark where they part. */
function detailsOfDeviation({ cost, what, expected, seen, costsAll, isNoText }: Cost): string[] {
  const price = cost === 0 ? 'nothing more than above' : inPoints(cost);
  const texts = [`costs     ${price}: ${what}`, `expected  ${expected}`, `seen      ${seen}`];
  const isText = !costsAll && !isNoText && expected !== seen;
  if (!isText && cost === 0) return texts.slice(0, 1);
  return !isText ? texts : [...texts, `          ${' '.repeat(partAt(expected, seen))}^`];
}
