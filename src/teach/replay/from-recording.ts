/** The timeline of a recording: its calls in words and sets. */
import { StringDecoder } from 'node:string_decoder';
import { visible } from '../../loop/terminal.js';
import type { Call, OtherCall } from '../recording/format.js';
import type { Recording } from '../recording/read.js';
import { Explanation, outcome, setsOf, timeoutText } from '../trace/explain.js';
import { rowOf } from '../trace/syscalls.js';
import { NAME, type TimelineCall, type TimelineData, type Wait } from './timeline.js';

/** Characters that turn the direction of a text or end its line: they are shown as escapes, like control characters. */
const DIRECTION = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Few texts have such characters: this test is the faster way. */
const HAS_CONTROL = new RegExp(`\\p{Cc}|${DIRECTION.source}`, 'u');

export function timelineOf({ head, calls, notes: notesOf }: Recording): TimelineData {
  const explanation = new Explanation();
  const decoders = new Map<number, StringDecoder>();
  const began = head.began && `, ${head.began.replace(/T(\d\d:\d\d)\S*Z$/, ' $1 UTC')}`;
  const notes = [`recorded on ${head.platform}${began}`];
  const shownCalls = Array.from(calls, (call) => timelineCall(call, explanation, decoders));
  notes.push(...notesOf());
  return {
    program: shown([head.program, ...head.args].join(' ')),
    notes: notes.map(shown),
    calls: shownCalls,
  };
}

function timelineCall(
  call: Call,
  explanation: Explanation,
  decoders: Map<number, StringDecoder>,
): TimelineCall {
  const shownCall: TimelineCall = { fds: touched(call) };
  if (setsOf(call)) {
    explanation.learn(call);
    shownCall.wait = waitOf(call, explanation);
  } else {
    shownCall.sentence = nameless(
      shown(explanation.sentence(call as OtherCall)),
      call as OtherCall,
      explanation,
    );
    explanation.learn(call);
    const output = written(call as OtherCall, decoders);
    if (output) shownCall.output = output;
  }
  if (call.names) {
    const names = Object.entries(call.names);
    shownCall.names = Object.fromEntries(names.map(([fd, name]) => [fd, name && shown(name)]));
  }
  return shownCall;
}

function waitOf(call: Call, explanation: Explanation): Wait {
  const { readfds, writefds, exceptfds } = setsOf(call) ?? { readfds: null, writefds: null, exceptfds: null };
  return {
    call: shown(call.call),
    at: Math.round(call.at * 1000) / 1000,
    timeout: timeoutText(call.timeout),
    nfds: 'nfds' in call ? call.nfds : 0,
    before: { readfds, writefds, exceptfds },
    after: call.errno === undefined ? (call.after ?? null) : null,
    outcome: shown(outcome(call)),
    reasons: explanation.reasons(call).map(shown),
  };
}

/** A sentence with NAME for its descriptor's name, which the timeline knows: names of 200 users would fill the page. */
function nameless(sentence: string, { call, fd = -1 }: OtherCall, explanation: Explanation): string {
  const begin = `${shown(call)} `;
  const of = shown(explanation.label(fd));
  return sentence.startsWith(begin + of) ? begin + NAME + sentence.slice(begin.length + of.length) : sentence;
}

/** The descriptors that a call works on, or has found ready. */
function touched(call: Call): number[] {
  if (setsOf(call)) return (call.why ?? []).flatMap(({ fd }) => fd ?? []);
  const { fd, result } = call as OtherCall;
  const fds = fd === undefined ? [] : [fd];
  if (result >= 0 && rowOf(call.call).makesFd) fds.push(result);
  return fds;
}

/** The text that a call prints. A character may be split between two calls. */
function written(call: OtherCall, decoders: Map<number, StringDecoder>): string | undefined {
  const { fd = -1, data, result } = call;
  if (rowOf(call.call).data !== 'sent' || (fd !== 1 && fd !== 2) || data === undefined) return undefined;
  const bytes = Buffer.from(data, 'base64');
  const decoder = decoders.get(fd) ?? new StringDecoder('utf8');
  decoders.set(fd, decoder);
  const text = decoder.write(bytes);
  return escaped(text) + (result > bytes.length ? '…\n' : '');
}

/** Text from outside as one line that is safe to show. */
function shown(text: string): string {
  if (!HAS_CONTROL.test(text)) return text;
  return escaped(text).replace(/[\n\t]/g, (char) => (char === '\n' ? '\\n' : '\\t'));
}

function escaped(text: string): string {
  return visible(text).replace(DIRECTION, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
