/** A Python that is told what to do step by step: for peers that act in turn with the program under test. */
import { Process, until } from './peers.js';

const SHELL = `
import fcntl, json, os, resource, select, signal, socket, struct, sys, termios, textwrap, threading, time, traceback

def connect(port, host='127.0.0.1', timeout=30):
    return socket.create_connection((host, port), timeout=timeout)

def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()

def names(socks):
    return [repr(sock.getsockname()) for sock in socks]

for line in sys.stdin:
    step = json.loads(line)
    args, result = step['args'], None
    try:
        exec(textwrap.dedent(step['code']), globals())
        print(json.dumps({'result': result}), flush=True)
    except Exception:
        print(json.dumps({'error': traceback.format_exc()}), flush=True)
`;

/**
 * Its steps share their variables. There are `connect(port)`, `reset(sock)` (SO_LINGER 0) and `names(socks)` (the
 * addresses as Python prints them), and the modules that a peer needs.
 */
export class PythonShell extends Process {
  #steps = 0;

  /** @param within a command that runs another: `nsenter …` */
  constructor(...within: string[]) {
    const [command, ...args] = [...within, 'python3', '-c', SHELL];
    super(command as string, args);
    this.child.stdin?.on('error', () => {}); // run() says what it ended with
  }

  /** Runs a step that finds its input in `args`, and returns what it has left in `result`. */
  async run<T = void>(code: string, args: unknown = null, ms = 50_000): Promise<T> {
    const step = this.#steps++;
    this.child.stdin?.write(`${JSON.stringify({ code, args })}\n`);
    const ended = () => this.child.exitCode ?? this.child.signalCode;
    await until(`Python runs ${code}`, () => this.lines.length > step || ended() !== null, ms);
    if (this.lines.length <= step) throw new Error(`Python ended with ${ended()}\n${this.stderr}`);
    const { result, error } = JSON.parse(this.lines[step] as string);
    if (error) throw new Error(error);
    return result;
  }
}
