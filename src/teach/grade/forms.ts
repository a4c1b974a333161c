/** The result of a grading as JSON: in the forms of Gradescope, GitHub Classroom and check50. */
import { visible } from '../../loop/terminal.js';
import { details, findings, totals } from './report.js';
import type { LineResult, Result } from './rubric.js';

const allReached = ({ score, graded }: LineResult) => score === graded;

/** Extra credit that was not reached: no failure. */
const isMissedExtra = (result: LineResult) => result.line.extra === true && !allReached(result);

export interface Gradescope {
  score: number;
  execution_time: number;
  output: string;
  tests: { name: string; output: string; score?: number; max_score?: number; status?: string }[];
}

/** Gradescope's results.json. The score is given, so that lines without points need none. */
export function gradescope(result: Result): Gradescope {
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
