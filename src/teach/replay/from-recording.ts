/** A recording's calls in words and sets: all that a player shows of them. */
import { StringDecoder } from 'node:string_decoder';
import { visible } from '../../loop/terminal.js';
import type { Call, OtherCall } from '../recording/format.js';
import type { Recording } from '../recording/read.js';
import { Explanation, outcome, patience, setsOf } from '../trace/explain.js';
import { NAME, type TimelineCall, type TimelineData, type Wait } from './timeline.js';

/** What turns the direction of a text, or ends its line: like control characters it is shown, not obeyed. */
const STEERING = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Few texts have any of it: this is asked first. */
const STEERS = new RegExp(`\\p{Cc}|${STEERING.source}`, 'u');

export function timelineOf({ head, calls, missing }: Recording): TimelineData {
  const explanation = new Explanation();
  const decoders = new Map<number, StringDecoder>();
  const notes = [`recorded on ${head.platform}, ${head.began.replace(/T(\d\d:\d\d)\S*Z$/, ' $1 UTC')}`];
  if (missing) notes.push(missing);
  return {
    program: shown([head.program, ...head.args].join(' ')),
    notes: notes.map(shown),
    calls: Array.from(calls, (call) => told(call, explanation, decoders)),
  };
}

function told(call: Call, explanation: Explanation, decoders: Map<number, StringDecoder>): TimelineCall {
  const told: TimelineCall = { fds: touched(call) };
  if (setsOf(call)) {
    explanation.learn(call);
    told.wait = waitOf(call, explanation);
  } else {
    told.sentence = nameless(shown(explanation.sentence(call as OtherCall)), call as OtherCall, explanation);
    explanation.learn(call);
    const output = written(call as OtherCall, decoders);
    if (output) told.output = output;
  }
  if (call.names) {
    const names = Object.entries(call.names);
    told.names = Object.fromEntries(names.map(([fd, name]) => [fd, name && shown(name)]));
  }
  return told;
}

function waitOf(call: Call, explanation: Explanation): Wait {
  const { readfds, writefds, exceptfds } = setsOf(call) ?? { readfds: null, writefds: null, exceptfds: null };
  return {
    call: shown(call.call),
    at: Math.round(call.at * 1000) / 1000,
    patience: patience(call.timeout),
    nfds: 'nfds' in call ? call.nfds : 0,
    before: { readfds, writefds, exceptfds },
    after: call.errno === undefined ? (call.after ?? null) : null,
    outcome: shown(outcome(call)),
    reasons: explanation.reasons(call).map(shown),
  };
}

/** A sentence without its descriptor's name, which the timeline knows: with two hundred users it is most of a page. */
function nameless(sentence: string, { call, fd = -1 }: OtherCall, explanation: Explanation): string {
  const begin = `${shown(call)} `;
  const of = shown(explanation.of(fd));
  return sentence.startsWith(begin + of) ? begin + NAME + sentence.slice(begin.length + of.length) : sentence;
}

/** The descriptors that a call does something on, or has found ready. */
function touched(call: Call): number[] {
  if (setsOf(call)) return (call.why ?? []).flatMap(({ fd }) => fd ?? []);
  const { fd, result } = call as OtherCall;
  const fds = fd === undefined ? [] : [fd];
  if (result >= 0 && MAKES_ONE.has(call.call)) fds.push(result);
  return fds;
}

const MAKES_ONE = new Set(['socket', 'accept', 'epoll_create1', 'kqueue']);

/** What a call prints; a character may come in two pieces. */
function written(call: OtherCall, decoders: Map<number, StringDecoder>): string | undefined {
  const { fd = -1, data, result } = call;
  if (call.call !== 'write' || (fd !== 1 && fd !== 2) || data === undefined) return undefined;
  const bytes = Buffer.from(data, 'base64');
  const decoder = decoders.get(fd) ?? new StringDecoder('utf8');
  decoders.set(fd, decoder);
  const text = decoder.write(bytes);
  return escaped(text) + (result > bytes.length ? '…\n' : '');
}

/** A line of text that comes from elsewhere, whatever is in it. */
function shown(text: string): string {
  if (!STEERS.test(text)) return text;
  return escaped(text).replace(/[\n\t]/g, (char) => (char === '\n' ? '\\n' : '\\t'));
}

function escaped(text: string): string {
  return visible(text).replace(STEERING, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
