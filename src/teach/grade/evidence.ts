/** Evidence for a grade: each line that lost points is run once more under strace(1), and its recording becomes a page. */
import { closeSync, existsSync, ftruncateSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cwd } from 'node:process';
import { OSError } from '../../posix/errors.js';
import { isInstalled, NOT_INSTALLED, STRACE_OPTIONS } from '../record/strace-process.js';
import { page } from '../replay/page.js';
import { programsOf } from '../replay/programs.js';
import { Story } from '../story/story.js';
import { UserError } from '../user-error.js';
import { whenGraderEnds } from './ending.js';
import { Output } from './output.js';
import { text } from './report.js';
import type { LineResult, Part, PartResult, Result } from './rubric.js';
import type { Run } from './run.js';

/** A busy loop makes a million calls: this much of its recording is enough to see it. */
const MAX_STRACE_BYTES = 2_000_000;

/** Columns of the report in the page. */
const COLUMNS = 100;

/** What is shown of a line that lost points: the page of its run with the wait to open it on, or why there is none. */
type Evidence = { title: string } & ({ html: string; wait: number } | { why: string });

/** Writes the report as one page that needs nothing but a browser. @throws OSError */
export async function writePage(
  file: string,
  result: Result,
  begin: (wrapper: string[]) => Run,
): Promise<void> {
  const evidence: Evidence[] = [];
  const causes = new Map<string, string>();
  for (const line of result.lines.filter(isLost)) {
    const cause = causeOf(line);
    const before = causes.get(cause);
    const { title } = line.line;
    evidence.push(
      before === undefined ? await recorded(line, begin) : { title, why: `it is that of "${before}"` },
    );
    causes.set(cause, before ?? title);
  }
  new Output(file).write(pageOf(result, evidence));
}

const isLost = ({ line, score, graded }: LineResult) => !line.extra && graded > 0 && score < graded;

/** What a line was lost by: one fault that has cost several lines is recorded once. */
function causeOf({ parts }: LineResult): string {
  const causes = parts.filter(hasLost).map((part) => JSON.stringify('finding' in part ? part.finding : part));
  return [...new Set(causes)].join();
}

async function recorded({ line, parts }: LineResult, begin: (wrapper: string[]) => Run): Promise<Evidence> {
  const { title } = line;
  const part = line.parts.find((_, i) => hasLost(parts[i]));
  if (!part) return { title, why: 'it was not reached' };
  if (!isInstalled()) return { title, why: NOT_INSTALLED };
  // In the submission's folder, where it runs: elsewhere it may write nothing.
  const log = join(cwd(), `.posix-select-${process.pid}.strace`);
  const remove = () => rmSync(log, { recursive: true, force: true });
  const forget = whenGraderEnds(remove);
  try {
    await runUnder(['strace', ...STRACE_OPTIONS, '-o', log, '--'], part, begin);
    if (!existsSync(log)) return { title, why: 'strace could not start the program here' };
    cutTo(log, MAX_STRACE_BYTES);
    const shown = programsOf(log);
    const [program] = shown.programs;
    return { title, html: page(shown), wait: program ? new Story(program).length : 1 };
  } catch (err) {
    if (!(err instanceof UserError)) throw err;
    return { title, why: err.message };
  } finally {
    remove();
    forget();
  }
}

const hasLost = (part?: PartResult) =>
  part !== undefined && ('finding' in part || ('deviations' in part && part.deviations.length > 0));

/** The check once more, for its recording alone: what it finds has no weight. */
async function runUnder(wrapper: string[], part: Part, begin: (wrapper: string[]) => Run): Promise<void> {
  const run = begin(wrapper);
  try {
    await part.check(run);
  } catch (err) {
    if (err instanceof OSError) throw err; // the machine's fault; those of a check were found in its first run
  } finally {
    await run.end(true); // gently: strace writes a call down when it ends, and SIGKILL ends none
  }
}

function cutTo(file: string, bytes: number): void {
  if (statSync(file).size <= bytes) return;
  const fd = openSync(file, 'r+');
  ftruncateSync(fd, bytes);
  closeSync(fd);
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; padding: 0 1rem; max-width: 90rem; }
pre { font: 14px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
summary { cursor: pointer; padding: 0.5rem 0; font-weight: 600; }
iframe { width: 100%; height: 85vh; border: 1px solid; }
`;

/** A page within the page has an address of its own, so that its links to a wait work. */
const SCRIPT = `
for (const details of document.querySelectorAll('details')) {
  details.addEventListener('toggle', () => {
    const frame = details.querySelector('iframe');
    if (!details.open || frame.src) return;
    const bytes = Uint8Array.from(atob(details.querySelector('template').innerHTML), (char) => char.charCodeAt(0));
    frame.src = URL.createObjectURL(new Blob([bytes], { type: 'text/html' })) + '#' + frame.dataset.wait;
  });
}
document.querySelector('details')?.setAttribute('open', '');
`;

const ABOUT =
  '<p>Each recording is of a second run. It opens on the last wait, which the grader ended with Ctrl-C.</p>';

function pageOf(result: Result, evidence: Evidence[]): string {
  const name = `${escaped(result.assignment.name)}: report`;
  const shown = evidence.map((one) => {
    const title = escaped(one.title);
    if ('why' in one) return `<p><b>${title}</b>: no recording: ${escaped(one.why)}</p>`;
    const base64 = Buffer.from(one.html).toString('base64');
    const frame = `<iframe title="Recording: ${title}" data-wait="${one.wait}"></iframe>`;
    return `<details><summary>${title}: what happened</summary>${frame}<template>${base64}</template></details>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<style>${STYLE}</style>
<h1>${name}</h1>
<pre>${escaped(text(result, COLUMNS))}</pre>
${evidence.some((one) => 'html' in one) ? ABOUT : ''}
${shown.join('\n')}
<script>${SCRIPT}</script>
</html>
`;
}
