/** The report of a grading: its width, and the JSON forms that it takes. */
import { Ajv2020 as Ajv } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest';
import { check50, github } from '../../dist/teach/grade/forms.js';
import { extra, line, part, type Result } from '../../dist/teach/grade/rubric.js';
import { wrap } from '../../dist/teach/text.js';
import { CLI, concurrently, Process } from '../support/process.js';
import { close, command, GRADING_LIMIT_MS, startGrader, workshop } from '../support/zoo.js';

let folder: string;
beforeAll(() => {
  folder = workshop();
});
afterAll(() => close(folder));

vi.setConfig({ testTimeout: GRADING_LIMIT_MS });

describe('the width of a report', () => {
  test.concurrent('80 columns, where it goes to no terminal', (context) =>
    concurrently(context, async () => {
      const { COLUMNS, ...rest } = process.env;
      const args = [CLI, 'grade', 'select-server', '--', ...command(folder, 'crash.py'), '{port}'];
      const grader = new Process(process.execPath, args, { env: rest });
      await grader.exit;
      expect(grader.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
      expect(grader.stdout).toMatch(/^ {8}seen {6}it ended .*\n {18}\S/m);
    }));

  test.each([
    ['a short line', 80, 4, ['a short line']],
    ['   1  one two three four five', 24, 6, ['   1  one two three four', '      five']],
    ['   1  one two three four five', 26, 6, ['   1  one two three four', '      five']],
    [
      'label  a-word-that-is-longer-than-that and more',
      20,
      7,
      ['label  a-word-that-is-longer-than-that', '       and more'],
    ],
    ['a-word-that-is-longer-than-that-and-more', 20, 2, ['a-word-that-is-longer-than-that-and-more']],
  ])('%j at %i', (line, columns, indent, lines) => {
    expect(wrap(line, columns, indent)).toEqual(lines);
  });
});

/** From gradescope-autograders.readthedocs.io/en/latest/specs: the fields that there are. */
const GRADESCOPE = {
  type: 'object',
  additionalProperties: false,
  required: ['score', 'tests'],
  properties: {
    score: { type: 'number' },
    execution_time: { type: 'number' },
    output: { type: 'string' },
    tests: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'output'],
        properties: {
          score: { type: 'number', minimum: 0 },
          max_score: { type: 'number', exclusiveMinimum: 0 },
          status: { enum: ['passed', 'failed'] },
          name: { type: 'string' },
          output: { type: 'string' },
        },
        dependentRequired: { score: ['max_score'], max_score: ['score'] },
      },
    },
  },
};

/** What github-education-resources/autograding-grading-reporter reads, and its own graders write. */
const GITHUB = {
  type: 'object',
  required: ['version', 'status', 'max_score', 'tests'],
  properties: {
    version: { const: 1 },
    status: { enum: ['pass', 'fail', 'error'] },
    max_score: { type: 'number' },
    tests: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['name', 'status', 'score', 'message', 'test_code', 'filename', 'line_no'],
        properties: {
          name: { type: 'string' },
          status: { enum: ['pass', 'fail', 'error'] },
          score: { type: 'number' },
          message: { type: 'string' },
          test_code: { type: 'string' },
          filename: { type: 'string' },
          line_no: { type: 'integer' },
        },
      },
    },
  },
};

/** From cs50.github.io/check50/json_specification. */
const CHECK50 = {
  type: 'object',
  additionalProperties: false,
  required: ['slug', 'results', 'version'],
  properties: {
    slug: { type: 'string' },
    version: { type: 'string' },
    results: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'description', 'passed', 'log', 'cause', 'data', 'dependency'],
        properties: {
          name: { type: 'string', pattern: '^\\w+$' },
          description: { type: 'string' },
          passed: { enum: [true, false, null] },
          log: { type: 'array', items: { type: 'string' } },
          cause: {
            anyOf: [
              { type: 'null' },
              {
                type: 'object',
                required: ['rationale', 'help'],
                properties: { rationale: { type: 'string' }, help: { type: ['string', 'null'] } },
              },
            ],
          },
          data: { type: 'object' },
          dependency: { type: ['string', 'null'] },
        },
      },
    },
  },
};

async function graded(form: string, server: string, context: TestContext) {
  const args = ['select-server', '--json', form, '--', ...command(folder, server), '{port}'];
  const grader = startGrader(args, context);
  await grader.exit;
  return JSON.parse(grader.stdout);
}

describe('--json', () => {
  const valid = (schema: object, data: unknown) => {
    const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
    return ajv.validate(schema, data) ? [] : ajv.errors;
  };

  test.concurrent('gradescope', (context) =>
    concurrently(context, async () => {
      const result = await graded('gradescope', 'ends_well.py', context);
      expect(valid(GRADESCOPE, result)).toEqual([]);
      expect(result.score).toBe(24);
      const points = ({ score, max_score, status }: Record<string, unknown>) => [score, max_score, status];
      expect(result.tests.map(points)).toEqual([...Array(4).fill([5, 5, 'passed']), [4, 5, 'failed']]);
      expect(result.tests[4].output).toMatch(/^seen .*the program ended: exit code 0/m);
    }));

  test.concurrent('github', (context) =>
    concurrently(context, async () => {
      const result = await graded('github', 'ends_well.py', context);
      expect(valid(GITHUB, result)).toEqual([]);
      expect([result.status, result.max_score]).toEqual(['fail', 25]);
      expect(result.tests.map(({ score }: { score: number }) => score)).toEqual([5, 5, 5, 5, 4]);
      expect(result.tests[4].message).toMatch(/^hint /m);
      expect(result.tests[4].test_code).toBe([...command(folder, 'ends_well.py'), '{port}'].join(' '));
    }));

  test('extra credit costs nothing where it was not reached, and comes on top', () => {
    const check = async () => '';
    const [own, reached, missed] = [
      line('own', part(2, check)),
      ...['a', 'b'].map((title) => extra(title, part(1, check))),
    ];
    const result: Result = {
      assignment: {
        name: 'srv',
        command: '',
        skeleton: { file: '', given: '', run: '', grade: '' },
        lines: [own, reached, missed],
      },
      lines: [
        { line: own, score: 2, graded: 2, parts: [{ points: 2, evidence: 'seen', deviations: [] }] },
        { line: reached, score: 1, graded: 1, parts: [{ points: 1, evidence: 'seen', deviations: [] }] },
        {
          line: missed,
          score: 0,
          graded: 1,
          parts: [{ points: 1, finding: { expected: 'e', seen: 's', hint: 'h' } }],
        },
      ],
      notes: [],
      seconds: 1,
    };
    expect(github(result, ['x'])).toMatchObject({
      status: 'pass',
      max_score: 2,
      tests: [
        { name: 'own', status: 'pass', score: 2 },
        { name: 'a', status: 'pass', score: 1 },
      ],
    });
    const { results } = check50(result) as { results: { passed: boolean | null }[] };
    expect(results.map(({ passed }) => passed)).toEqual([true, true, null]);
  });

  test.concurrent('check50', (context) =>
    concurrently(context, async () => {
      const result = await graded('check50', 'crash.py', context);
      expect(valid(CHECK50, result)).toEqual([]);
      expect(result.slug).toBe('posix-select/select-server');
      expect(result.results.map(({ passed }: { passed: boolean }) => passed)).toEqual(Array(5).fill(false));
      expect(result.results[0].cause.rationale).toMatch(/NameError: name 'port' is not defined$/);
    }));
});
