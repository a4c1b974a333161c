/** The texts of all hints that no single assignment owns. An assignment's own stand in its checks. */

/** By the call that a program was found in, or by what it did instead of waiting. */
const BY_CALL: Record<string, string> = {
  running:
    'select() does not wait with a timeout of 0, nor while a socket in its write set has room to send; and no call waits on a non-blocking socket: which is it here?',
  timeout:
    'select() has been called with a timeout that was not 0, and later it does not wait any more: what is its timeout then? In C on Linux, select() changes the timeval that it is given',
  unreported:
    'select() had not reported that descriptor when this call was made on it: what decided that the call is made?',
  nfds: 'select() looks only at descriptors that are below its first argument, nfds: from what is that computed?',
  writable:
    'a socket with room to send is ready to be written nearly always: when should a socket be in the write set?',
  endless: 'a loop goes round for ever: which one is it, and what should end it, or be done in it?',
  accept:
    'a thread that is blocked in accept() hears nothing else: which call can tell you that a connection is there?',
  recv: 'a thread that is blocked in recv() hears nothing else: which call can tell you that data is there?',
  send: 'send() waits when the send queue of its socket is full: what would it do on a socket that does not block?',
  each: 'one call can wait for all of them: that is what its sets are for',
  select: 'which descriptors are in the read set each time that select() is called?',
  nanosleep:
    'a program that sleeps between two tries is late, or busy: let select() wait until there is something to do',
  other: 'which call does the program wait in, and for which descriptors? "posix-select observe" shows it',
};

/** The calls that wait for many descriptors. */
export const MULTIPLEXERS = ['select', 'poll', 'epoll_wait'];

/** Of those calls, each where the assignment does not allow it. */
const NOT_ALLOWED: Record<string, string> = {
  select: 'select(2) is another system call',
  poll: 'poll(2) is another system call',
  epoll_wait: "asyncio, selectors.DefaultSelector and Node's event loop wait in epoll on Linux",
};

/** Where a program waits in a call that it should not be in. */
export function hintForCall(call: string): string {
  return (
    BY_CALL[call] ??
    `while a program is blocked in one call (${call}) it hears nothing else: what is it waiting for?`
  );
}

/** The same where the assignment allows some of the calls that wait for many. */
export function hintForWait(call: string, allowed: string[]): string {
  if (!MULTIPLEXERS.includes(call)) return hintForCall(call);
  if (allowed.includes(call)) return call === 'select' ? hintForCall(call) : SETS;
  const about = allowed.map((one) => `${one}(2)`).join(' and ');
  return `this assignment is about ${about}: ${NOT_ALLOWED[call]}`;
}

const SETS = 'which descriptors does it wait for, each time that it makes that call?';

/** Where a program does not read what has come for it, whichever call it may wait in. */
export function hintForNotReading(call: string): string {
  if (MULTIPLEXERS.includes(call)) return SETS;
  return hintForCall(call);
}

const OTHER_END =
  'the other end may close or reset its connection at any time: handle the errors of recv() and send()';

/** What a program says whose port is in use. */
export const PORT_IN_USE = /EADDRINUSE|address (is )?already in use/i;

/** By the error that ended a program, or a thread of it; the first that matches. */
const BY_ERROR: [error: RegExp, hint: string][] = [
  [
    /ECONNRESET|EPIPE|ConnectionReset|BrokenPipe|ConnectionAborted|connection reset|broken pipe|SIGPIPE/i,
    OTHER_END,
  ],
  [
    /ENOTCONN|not connected/i,
    'a call that needs a connection was made on a socket that has none: is it the listener, or one that was closed?',
  ],
  [
    PORT_IN_USE,
    'the port was in use: is SO_REUSEADDR set before bind(), and is no other server of yours running?',
  ],
  [
    /EBADF|bad file descriptor|file descriptor cannot be a negative|\(-1\)/i,
    'a socket was used after it had been closed: is it still in a list or a set?',
  ],
  [
    /EAGAIN|EWOULDBLOCK|BlockingIOError|temporarily unavailable/i,
    'a call on a non-blocking socket had nothing to give: was the descriptor ready?',
  ],
  [/EINTR|KeyboardInterrupt|interrupted/i, 'a signal came while it was waiting: what should it do then?'],
  [/EACCES|permission denied/i, 'it was not allowed to do that: which file or which port is it?'],
  [
    /No such file|cannot open|can't open|ENOENT|Cannot find module|MODULE_NOT_FOUND|ModuleNotFound/i,
    'a file that it needs is not there: is the command right, and run in the right folder?',
  ],
  [/timed out|ETIMEDOUT/i, 'a call gave up after its timeout: should it have one?'],
  [
    /SyntaxError|IndentationError|error: expected|Compilation failed/i,
    'the program cannot even be read: look at the line that the error names',
  ],
  [/UnicodeDecodeError|codec can't/i, 'bytes are not text: not all of them can be decoded'],
  [
    /usage:|unrecognized arguments|invalid argument|argparse/i,
    'it did not take its command line: which arguments should it know?',
  ],
];

/** A program that has ended by itself, or a thread that died of an error. */
export function hintForEnd(ended: string, complaint: string): string {
  const [, hint] = BY_ERROR.find(([error]) => error.test(complaint) || error.test(ended)) ?? [];
  if (hint) return hint;
  if (complaint === '' && ended === 'exit code 0')
    return 'it ended as if all were done: which line ends its loop, and when?';
  if (ended.startsWith('signal')) return 'its own code brought that signal about: a debugger shows the line';
  return 'run it yourself and do the same to it: the last lines of its error say what failed, and where';
}

export const HINTS = {
  listen: 'a socket takes connections only after bind() and listen(): what comes before them?',
  port: 'the port is the one on the command line',
  connect: 'a client needs socket() and connect(), with the host and the port of the command line',
  otherEnd: OTHER_END,
  refused: 'a listener that is closed takes no client',
  stderr: 'what a program has to say goes to stdout',
  heldBack: 'flush stdout after each line',
  newline: 'each line ends with a newline',
  nothingPrinted: 'nothing of it was printed: is the line reached that should print it?',
  otherText: 'read the two texts side by side: where do they part?',
  staysReady:
    'select() returns at once for as long as a descriptor in its sets is ready: what is in the write set, or not read to its end?',
  leftInSet: 'a stream that has ended can be read for ever: what becomes of its descriptor?',
  ignored:
    'Ctrl-C sends SIGINT, which ends a program that does nothing about it: what is done about it here?',
  interrupt:
    'Ctrl-C comes while it is blocked in a call: as KeyboardInterrupt in Python. Which lines can that come from?',
  nonReading:
    'send() waits when a client does not read and its send queue is full: what if its socket did not block?',
  partly: 'send() tells how many bytes it took: what becomes of the others?',
  missingFile: 'is it there, compiled, and spelled as its file is? it is started in this folder',
};
