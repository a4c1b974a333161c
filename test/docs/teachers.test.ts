/** The page for teachers, and the files that it hands out, used as they are. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ASSIGNMENTS } from '../../dist/teach/assignments/names.js';
import { installed, run } from '../support/console-blocks.js';
import { needs } from '../support/needs.js';
import { concurrently, Process } from '../support/process.js';
import { close, workshop } from '../support/zoo.js';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const page = readFileSync(join(docs, 'teachers.md'), 'utf8');
const zoo = fileURLToPath(new URL('../teach/zoo', import.meta.url));

let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(() => {
  folder = workshop();
  env = installed(folder);
});
afterAll(() => close(folder));

/** A student's folder, with a server of the zoo in it. */
function submit(server: string, path: string): string {
  const submission = join(folder, path);
  mkdirSync(submission, { recursive: true });
  copyFileSync(join(zoo, server), join(submission, 'select_server.py'));
  copyFileSync(join(zoo, 'texts.py'), join(submission, 'texts.py'));
  return submission;
}

test('what the page links to exists', () => {
  const links = [...page.matchAll(/\]\((?!https?:)(.*?)\)/g)].map(([, link]) => link);
  expect(links.length).toBeGreaterThan(9);
  expect(links.filter((link) => !existsSync(join(docs, link)))).toEqual([]);
});

test.each(ASSIGNMENTS)('its command for %s is the one that the task gives', (name) => {
  const task = join(folder, name);
  execFileSync('posix-select', ['init', name, task, '--language', 'python'], { env });
  const readme = readFileSync(join(task, 'README.md'), 'utf8');
  const [, command] = readme.match(/posix-select grade .* -- (.*)/) ?? [];
  const [, points] = readme.match(/^Points: (\d+)/m) ?? [];
  const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` | ${points}`));
  expect(row).toContain(`\`${command}\``);
});

describe('a grading', () => {
  const test = needs('Linux');

  test('of a class, by the command of the page', async () => {
    submit('literal.py', 'class/ada');
    submit('threads.py', 'class/bob');
    submit('crash.py', 'class/cyd');
    await run(page, folder, env);
    expect(readFileSync(join(folder, 'class/bob/report.txt'), 'utf8')).toMatch(/^ +hint /m);
  });

  describe('on Gradescope', () => {
    const scripts = join(docs, 'teachers/gradescope');

    test.each(['setup.sh', 'run_autograder'])('%s is a bash script that may be executed', (script) => {
      const path = join(scripts, script);
      execFileSync('test', ['-x', path]);
      execFileSync('bash', ['-n', path]);
    });

    /** Runs `run_autograder` in folders laid out like Gradescope's; its exit code and result. */
    async function autograde(server: string, path = env.PATH) {
      const autograder = join(folder, `autograder-${server}`);
      submit(server, `autograder-${server}/submission`);
      mkdirSync(join(autograder, 'results'));
      const script = new Process(join(scripts, 'run_autograder'), [], {
        cwd: autograder,
        env: { ...env, PATH: path, AUTOGRADER: autograder, STUDENT: userInfo().username },
      });
      const exit = await script.exit;
      const results = join(autograder, 'results/results.json');
      return {
        exit,
        stderr: script.stderr,
        json: existsSync(results) ? readFileSync(results, 'utf8') : '',
      };
    }

    test.concurrent('a right server has all points', (context) =>
      concurrently(context, async () => {
        const { exit, json } = await autograde('literal.py');
        expect(exit).toBe(0);
        expect(JSON.parse(json)).toMatchObject({ score: 25 });
      }));

    test.concurrent('a server that has lost points is a result, too', (context) =>
      concurrently(context, async () => {
        const { exit, json } = await autograde('poll.py');
        expect(exit).toBe(0);
        expect(JSON.parse(json).score).toBe(15);
      }));

    test.concurrent('a grader that cannot run is no result', (context) =>
      concurrently(context, async () => {
        const { exit, json, stderr } = await autograde('busy.py', process.env.PATH);
        expect({ exit, json }).toEqual({ exit: 1, json: '' });
        expect(stderr).toMatch(/posix-select/);
      }));
  });

  describe('on GitHub Classroom', () => {
    const workflow = parse(readFileSync(join(docs, 'teachers/classroom.yml'), 'utf8'));
    const { steps } = workflow.jobs.autograding;
    const grade = steps.find(({ id }: { id?: string }) => id);
    const report = steps.at(-1);

    test('the reporter gets what the grading step has put out', () => {
      expect(workflow.on).toContain('push');
      expect(report.with.runners).toBe(grade.id);
      const name = `${grade.id.toUpperCase()}_RESULTS`;
      expect(report.env).toEqual({ [name]: `\${{ steps.${grade.id}.outputs.result }}` });
    });

    test.concurrent.for([
      ['literal.py', 'pass', [5, 5, 5, 5, 5]],
      ['listener_only.py', 'fail', [5, 5, 5, 5, 0]],
    ] as const)('the grading step on %s', ([server, status, points], context) =>
      concurrently(context, async () => {
        const output = join(folder, `${server}.output`);
        writeFileSync(output, '');
        const step = new Process('bash', ['-e', '-c', grade.run], {
          cwd: submit(server, `classroom/${server}`),
          env: { ...env, GITHUB_OUTPUT: output },
        });
        expect(await step.exit).toBe(0);
        const [, result] = readFileSync(output, 'utf8').match(/^result=(\S+)\n$/) ?? [];
        const { tests, ...whole } = JSON.parse(Buffer.from(result, 'base64').toString());
        expect(whole).toEqual({ version: 1, status, max_score: 25 });
        expect(tests.map(({ score }: { score: number }) => score)).toEqual(points);
      }),
    );
  });
});
