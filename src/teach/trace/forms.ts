/** The forms in which calls are shown or recorded, each with the descriptor that it goes to. */
import type { Sys } from '../../posix/sys.js';
import type { Call, Head, Tail, TraceOptions } from '../recording/format.js';
import { writeCall } from '../recording/write.js';
import { Explanation, setsOf } from './explain.js';
import { Step } from './step.js';
import { strace } from './strace.js';
import { TraceWriter } from './writer.js';

export interface Form {
  output: TraceWriter;
  /** The text before a wait. */
  beforeWait?(call: Call): string;
  /** Writes a call that has returned. */
  write(call: Call): void;
  /** The last line. */
  tail?(tail: Tail): string;
}

type Target = { fd: number; name: string };

/** The forms that were asked for; and `pause`, which waits for Enter, where that was asked for. */
export function formsOf(
  options: TraceOptions,
  sys: Sys,
  stop: number,
): { forms: Form[]; pause?: (call: Call) => void } {
  const { trace, record, step } = options;
  const forms: Form[] = [];
  if (record) forms.push(recording(options, sys, record));
  if (trace?.form === 'json') forms.push(recording(options, sys, trace));
  else if (trace) forms.push(shown(trace.form, new TraceWriter(sys, trace.fd, trace.name)));
  if (step === undefined) return { forms };
  const { form, pause } = stepping(sys, step, stop, trace?.form === 'explain' && trace.fd === 2);
  return { forms: [...forms, form], pause };
}

function recording({ program, args }: TraceOptions, sys: Sys, { fd, name }: Target): Form {
  const output = new TraceWriter(sys, fd, name);
  const began = new Date().toISOString();
  const { platform } = process;
  const head: Head = { format: 'posix-select recording', version: 1, program, args, platform, began };
  output.write(`${JSON.stringify(head)}\n`);
  return { output, write: (call) => writeCall(output, call), tail: (tail) => `${JSON.stringify(tail)}\n` };
}

function shown(form: 'strace' | 'explain', output: TraceWriter): Form {
  if (form === 'strace') return { output, write: (call) => output.write(`${strace(call)}\n`) };
  const explanation = new Explanation();
  return {
    output,
    beforeWait: (call) => explanation.beforeWait(call),
    write: (call) => output.write(explanation.text(call)),
  };
}

/** @param isExplained whether the same text is on the terminal already */
function stepping(sys: Sys, tty: number, stop: number, isExplained: boolean) {
  const enter = new Step(sys, tty, stop);
  const explanation = new Explanation();
  const output = new TraceWriter(sys, tty, '/dev/tty');
  const form: Form = {
    output,
    write: (call) => {
      const text = explanation.text(call); // of all calls: names come with them
      if (call.after && enter.isOn && !isExplained) output.write(text);
    },
  };
  const pause = (call: Call) => {
    const text = explanation.beforeWait(call);
    enter.pause(isExplained ? '' : text, setsOf(call)?.readfds?.includes(0) ?? false);
  };
  return { form, pause };
}
