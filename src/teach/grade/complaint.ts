/** What a program says of its own errors, on stderr. */

/** Characters of a line that are looked at. */
const MAX_LINE_CHARS = 500;
/** Characters of a line that a reader is shown. */
const SHOWN_CHARS = 200;

const linesOf = (text: string) => text.split('\n').map((line) => line.slice(0, MAX_LINE_CHARS).trimEnd());

/** How the line begins that names an error: of Python, Node, Java, Go; of a thread in Perl. */
const NAMES_ERROR =
  /^(Uncaught )?(([A-Za-z_][\w.]*)?(Error|Exception|Interrupt)\b|[a-z_]+\.(timeout|error|gaierror)\b|panic: |Exception in thread "|Thread \d+ terminated abnormally: )/;

/** The line that names the error, or else the last one. */
export function lastError(stderr: string): string {
  const lines = linesOf(stderr.trimEnd());
  return cut(lines.findLast((line) => NAMES_ERROR.test(line)) ?? lines.at(-1) ?? '');
}

/** What only a stack trace has in it: of Python, Node, Java, Go; and the last words of a thread in Perl. */
const TRACE_LINES = [
  /^Traceback \(most recent call last\):$/,
  /^Exception in thread /,
  /^Thread \d+ terminated abnormally: /,
  /^ {4}at .*(node:|file:|\/)[^:]*:\d+:\d+\)?$/,
  /^\tat [\w.$/]+\([\w$]+\.\w+:\d+\)$/,
  /^goroutine \d+ \[[^\]]*\]:$/,
];

/** Whether a text has a stack trace in it. */
export function hasTrace(text: string): boolean {
  return linesOf(text).some((line) => TRACE_LINES.some((trace) => trace.test(line)));
}

/** A line for the reader, a long one cut. */
export function cut(line: string): string {
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)} …` : line;
}
