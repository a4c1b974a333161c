"""A terminal: its keyboard is stdin, its screen is stdout."""
import pty, subprocess


def show_in_terminal(command):
    """Runs a command there, and ends with its exit code; on stderr, if it left the terminal in another state."""
    master, slave = pty.openpty()
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, lambda *_: None)

    def state():
        return termios.tcgetattr(slave), fcntl.fcntl(slave, fcntl.F_GETFL)

    def copy(source, sink):
        try:
            while data := os.read(source, 1024):
                os.write(sink, data)
        except OSError:
            pass  # nobody has the terminal open any more

    before = state()
    program = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
    screen = threading.Thread(target=copy, args=(master, 1))
    screen.start()
    threading.Thread(target=copy, args=(0, master), daemon=True).start()
    exit = program.wait()
    if state() != before:
        print('before:', before, 'after:', state(), file=sys.stderr)
    os.close(slave)
    screen.join()
    sys.exit(exit)
