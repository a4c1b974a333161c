/** `posix-select record` and `trace`: the system calls of any program, in any language, by strace(1) (Linux). */
import { existsSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { warn } from '../../loop/terminal.js';
import { OSError } from '../../posix/errors.js';
import { sys } from '../../posix/sys.js';
import { threads } from '../observe/proc.js';
import type { Call, Form as FormName, Head } from '../recording/format.js';
import { writeCall } from '../recording/write.js';
import { headOf, StraceImport } from '../strace/import.js';
import { Explanation } from '../trace/explain.js';
import { strace } from '../trace/strace.js';
import { TraceWriter } from '../trace/writer.js';
import { UserError } from '../user-error.js';
import { endsOfSocket, openFilesOf } from './open-files.js';
import { type Ended, runStrace, type Target } from './strace-process.js';

export interface RecordOptions {
  /** the file of the recording */
  output: string;
  /** bytes after which the recording ends, and not the program */
  maxSize: number;
  /** Somebody looks at the recording while the program runs. */
  isLive: boolean;
}

/**
 * Records a command or running processes into a file.
 *
 * @throws UserError where strace cannot do it; OSError where the file cannot be written
 */
export async function record(target: Target, { output, maxSize, isLive }: RecordOptions): Promise<Ended> {
  const writer = new TraceWriter(sys, openFile(output), output);
  const head = headFor(target);
  let isFull = false;
  const endWhereFull = () => {
    isFull = writer.size > maxSize;
    if (isFull) warn(`record: ${output} has ${maxSize} bytes, and ends here; the program goes on`);
  };
  writer.write(`${JSON.stringify(head)}\n`);
  endWhereFull();
  const seen = await follow(
    target,
    head.program,
    (call) => {
      if (isFull) return;
      writeCall(writer, call);
      endWhereFull();
    },
    () => writer.flush(),
    isLive,
  );
  if (!isFull) writer.write(`${JSON.stringify({ ended: seen.seconds })}\n`);
  writer.flush();
  return seen.ended;
}

/** Shows the calls of a command or of running processes on stderr. */
export async function trace(target: Target, form: FormName): Promise<Ended> {
  const writer = new TraceWriter(sys, 2, 'stderr');
  const head = headFor(target);
  if (form === 'json') writer.write(`${JSON.stringify(head)}\n`);
  const write = form === 'json' ? writeCall : writingIn(form);
  const { ended, seconds } = await follow(
    target,
    head.program,
    (call) => write(writer, call),
    () => writer.flush(),
    true,
  );
  if (form === 'json') writer.write(`${JSON.stringify({ ended: seconds })}\n`);
  writer.flush();
  return ended;
}

/** Writes a call as text. Of several processes each has its names, and its number in front of its calls. */
function writingIn(form: 'strace' | 'explain'): (writer: TraceWriter, call: Call) => void {
  let first: number | undefined;
  const before = ({ pid = 0, tid = pid }: Call) => {
    first ??= tid;
    return tid === first ? '' : `[pid ${tid}] `;
  };
  if (form === 'strace') return (writer, call) => writer.write(`${before(call)}${strace(call)}\n`);
  const explanations = new Map<number, Explanation>();
  return (writer, call) => {
    const explanation = explanations.get(call.pid ?? 0) ?? new Explanation();
    explanations.set(call.pid ?? 0, explanation);
    writer.write(`${before(call)}${explanation.beforeWait(call)}${explanation.text(call)}`);
  };
}

async function follow(
  target: Target,
  program: string,
  onCall: (call: Call) => void,
  flush: () => void,
  isShown: boolean,
): Promise<{ ended: Ended; seconds: number }> {
  let count = 0;
  let isLater: (text: string) => boolean | undefined = () => undefined;
  const log = new StraceImport(
    program,
    (call) => {
      count++;
      onCall(call);
    },
    (pid, fd) => {
      const ends = endsOfSocket(pid, fd);
      // Where it has been closed by now, the number may be another socket's.
      return isLater(`close(${fd})`) === false ? ends : undefined;
    },
  );
  if ('pids' in target) for (const pid of target.pids) log.attached(pid, threads(pid), openFilesOf(pid));
  const begin = performance.now();
  const ended = await runStrace(target, {
    onLine: (line, isIn) => {
      isLater = isIn;
      log.line(line);
    },
    onAllRead: flush,
    // A wait gets out without the calls that explain it: its thread is busy elsewhere.
    onQuiet: () => {
      log.settle();
      flush();
    },
    isShown,
  });
  log.end();
  if (count === 0) throw new UserError(nothingRecorded(target));
  return { ended, seconds: Math.round((performance.now() - begin) * 1000) / 1e6 };
}

function nothingRecorded(target: Target): string {
  const [file = ''] = 'command' in target ? target.command : [];
  const interpreter = { py: 'python3', js: 'node', mjs: 'node', pl: 'perl', rb: 'ruby' }[
    file.split('.').at(-1) ?? ''
  ];
  if (interpreter && existsSync(file))
    return `${file} is a file and no command. Record what runs it: posix-select record -- ${interpreter} ${file}`;
  return 'command' in target
    ? `${target.command[0]} was not recorded: strace could not start it. Is the command there? Where ptrace is not permitted (a container, a debugger), nothing can be recorded`
    : 'nothing was recorded: strace could not attach. To record a process of another user, be root; Yama may allow a process to trace only what it has started (/proc/sys/kernel/yama/ptrace_scope)';
}

function headFor(target: Target): Head {
  const began = new Date().toISOString();
  const headOfCommand = ([program = '', ...args]: string[]) => headOf(basename(program), args, began);
  if ('command' in target) return headOfCommand(target.command);
  const commands = Object.fromEntries(target.pids.map((pid) => [pid, commandOf(pid)]));
  return { ...headOfCommand(commands[target.pids[0] ?? 0] ?? []), commands };
}

/** The command line of a process that runs. */
function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').split('\0');
  } catch {
    throw new UserError(`there is no process ${pid}`);
  }
}

function openFile(name: string): number {
  try {
    return openSync(name, 'w');
  } catch (err) {
    throw OSError.from(err, name);
  }
}
