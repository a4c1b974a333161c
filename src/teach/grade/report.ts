/** The result of a grading: for a reader, and in the forms of Gradescope, GitHub Classroom and check50. */
import { visible } from '../../loop/terminal.js';
import { wrap } from '../text.js';
import type { Finding } from './failure.js';
import type { LineResult, PartResult, Result } from './rubric.js';

/** The points reached and those that could be; the extra ones are not among the latter. */
function totals({ lines }: Result): { score: number; graded: number; extra: number } {
  const sum = (some: LineResult[], of: 'score' | 'graded') =>
    some.reduce((total, line) => total + line[of], 0);
  const own = lines.filter(({ line }) => !line.extra);
  return {
    score: sum(own, 'score'),
    graded: sum(own, 'graded'),
    extra: sum(lines, 'score') - sum(own, 'score'),
  };
}

/** For a student's eyes. @param columns the width of the page */
export function text(result: Result, columns: number): string {
  const { score, graded, extra } = totals(result);
  const head = `${result.assignment.name}: ${score} of ${graded} points${extra > 0 ? `, and ${extra} extra` : ''}`;
  const paragraph = (line: string, indent: number) => wrap(visible(line), columns, indent);
  const shown = new Set<string>();
  const once = (details: string[]) => {
    const isNew = details.length === 0 || !shown.has(details.join());
    shown.add(details.join());
    return isNew ? details : ['as above'];
  };
  const lines = result.lines.flatMap((lineResult) => {
    const { line, graded } = lineResult;
    const reached = graded > 0 ? lineResult.score : '-';
    const points = `${line.extra ? '+' : ''}${reached}/${graded || line.points}`;
    return [
      ...paragraph(`${points.padStart(6)}  ${line.title}`, 8),
      ...once(details(lineResult)).flatMap((detail) => {
        const isLabelled = /^(expected|seen|hint) /.test(detail);
        return paragraph(`        ${detail}`, isLabelled ? 18 : 10);
      }),
    ];
  });
  const notes = result.notes.flatMap((note) => paragraph(`note: ${note}`, 6));
  return [...paragraph(head, 2), '', ...lines, ...notes].join('\n');
}

/** What was seen in a line: the evidence, or what was lost and why; each only once. */
function details({ line, parts }: LineResult): string[] {
  if (line.teacher) return [`not graded: ${line.teacher}`];
  const lost = findings(parts).flatMap(({ expected, seen, hint }) => [
    `expected  ${expected}`,
    `seen      ${seen}`,
    `hint      ${hint}`,
  ]);
  const ungraded = parts.flatMap((part) => ('ungraded' in part ? `not graded: ${part.ungraded}` : []));
  const evidence = parts.flatMap((part) => ('evidence' in part ? part.evidence : []));
  return [...new Set([...evidence, ...ungraded]), ...lost];
}

function findings(parts: PartResult[]): Finding[] {
  const lost = parts.flatMap((part) => ('finding' in part ? part.finding : []));
  return lost.filter(({ expected }, i) => lost.findIndex((other) => other.expected === expected) === i);
}

const allReached = ({ score, graded }: LineResult) => score === graded;

/** Extra credit that was not reached: no failure. */
const isMissedExtra = (result: LineResult) => result.line.extra === true && !allReached(result);

/** Gradescope's results.json. The score is given, so that lines without points need none. */
export function gradescope(result: Result): object {
  const { score, extra } = totals(result);
  return {
    score: score + extra,
    execution_time: result.seconds,
    output: visible(result.notes.join('\n')),
    tests: result.lines.map((lineResult) => ({
      name: lineResult.line.title,
      output: visible(details(lineResult).join('\n')),
      ...(lineResult.graded > 0 && {
        score: lineResult.score,
        max_score: lineResult.graded,
        status: allReached(lineResult) ? 'passed' : 'failed',
      }),
    })),
  };
}

/**
 * What a grader's step hands to GitHub Classroom's reporter, before it is put into base64. The points of the tests
 * are added up there: those of extra lines come on top of `max_score`, as in `gradescope`. Each test that has not
 * passed lowers the share it shows, so extra credit that was not reached is no test.
 *
 * @param command what was graded
 */
export function github(result: Result, command: string[]): object {
  const graded = result.lines.filter((lineResult) => lineResult.graded > 0 && !isMissedExtra(lineResult));
  const ours = graded.filter(({ line }) => !line.extra);
  return {
    version: 1,
    status: ours.every(allReached) ? 'pass' : 'fail',
    max_score: totals(result).graded,
    tests: graded.map((lineResult) => ({
      name: lineResult.line.title,
      status: allReached(lineResult) ? 'pass' : 'fail',
      score: lineResult.score,
      message: visible(details(lineResult).join('\n')),
      test_code: command.join(' '),
      filename: '',
      line_no: 0,
      execution_time: '',
    })),
  };
}

/** check50's results: a line whose points were not all reached has not passed; an extra one is then null. */
export function check50(result: Result): object {
  return {
    slug: `posix-select/${result.assignment.name}`,
    results: result.lines.map((lineResult, i) => {
      const { line, graded, parts, score } = lineResult;
      const [first] = findings(parts);
      return {
        name: `line_${i + 1}`,
        description: line.title,
        passed: graded === 0 || isMissedExtra(lineResult) ? null : allReached(lineResult),
        log: visible([...details(lineResult), ...result.notes].join('\n')).split('\n'),
        cause: first
          ? { rationale: visible(`expected ${first.expected}; seen: ${first.seen}`), help: first.hint }
          : graded === 0
            ? { rationale: details(lineResult).join(' '), help: null }
            : null,
        data: { score, max_score: graded },
        dependency: null,
      };
    }),
    version: '3.0.0',
  };
}
