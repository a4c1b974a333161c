/** Our programs in a terminal of their own. */
import { expect } from 'vitest';
import { CLI, Process, until } from './process.js';

/** Runs a command in a terminal of its own, whose keyboard is stdin and whose screen is stdout. */
const TERMINAL = `
import fcntl, os, pty, signal, subprocess, sys, termios, threading
master, slave = pty.openpty()
os.setsid()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, lambda *_: None)
def state(): return termios.tcgetattr(slave), fcntl.fcntl(slave, fcntl.F_GETFL)
def copy(source, sink):
    try:
        while data := os.read(source, 1024): os.write(sink, data)
    except OSError: pass  # nobody has the terminal open any more
before = state()
program = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave)
screen = threading.Thread(target=copy, args=(master, 1))
screen.start()
threading.Thread(target=copy, args=(0, master), daemon=True).start()
exit = program.wait()
if state() != before: print('before:', before, 'after:', state(), file=sys.stderr)
os.close(slave)
screen.join()
sys.exit(exit)
`;

export const CTRL_C = '\x03';
export const CTRL_D = '\x04';

export class Terminal extends Process {
  constructor(program: string, args: (string | number)[]) {
    super('python3', ['-c', TERMINAL, process.execPath, CLI, program, ...args.map(String)]);
  }

  /** Waits until the screen shows a text. */
  async shows(text: string): Promise<void> {
    await until(text, () => this.hasEnded || this.stdout.includes(text));
    expect(this.stdout).toContain(text);
  }

  /** Waits until the program has ended well and left the terminal as it was; returns what is on the screen. */
  async left(): Promise<string> {
    const exit = await this.exit;
    expect({ exit, stderr: this.stderr }).toEqual({ exit: 0, stderr: '' });
    return this.stdout.replaceAll('\r\n', '\n');
  }
}
