"""
Two well-behaved clients. They say something every 10 ms, in turn, and note when it was said and when it came to
whom it was for. A third one lets bytes pass by, if told to, as fast as the others get them.
"""
INTERVAL_S = 0.01
FLOW = 2**18
WANT = {'others': 1, 'all': 2, 'self': 1, 'nobody': 0}[S['reach']]


class Witness:
    def __init__(self):
        self.pair = [client(b'w0'), client(b'w1')]
        self.sent, self.got, self.tails = {}, {}, [b'', b'']
        self.due, self.last, self.paused = time.monotonic(), None, False
        self.flooder, self.flooding, self.to_flood, self.flooded, self.passed, self.block = None, False, 0, 0, 0, b''
        self.commands, self.changed = [], threading.Condition()
        self.wake_r, self.wake_w = os.pipe()
        threading.Thread(target=self._run, daemon=True).start()

    def command(self, change):
        """Lets the loop change something between two of its waits."""
        self.commands.append(change)
        os.write(self.wake_w, b'.')

    def wait_for(self, condition):
        with self.changed:
            self.changed.wait_for(condition)

    def all_heard(self):
        return all(len(self.got.get(n, [])) >= WANT for n in list(self.sent))

    def _run(self):
        try:
            while len(self.sent) != self.last or not self._is_over():
                self._round()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        self.is_over = True
        with self.changed:
            self.changed.notify_all()

    is_over = False

    def _is_over(self):
        return self.all_heard() or time.monotonic() > self.sent[self.last - 1] + SECONDS

    def _round(self):
        f = self.flooder
        flowing = self.to_flood > 0 and (not WANT or self.flooded - self.passed < FLOW)
        timeout = 1 if self.paused else max(0, self.due - time.monotonic())
        rlist = [self.wake_r, *self.pair] + [f] * bool(f)
        readable, writable, _ = select.select(rlist, [f] if flowing else [], [], timeout)
        for s in readable:
            if s == self.wake_r:
                os.read(self.wake_r, 100)
                while self.commands:
                    self.commands.pop(0)()
            else:
                self._receive(s)
        if writable:
            self._flood()
        if self.flooding and self.to_flood <= 0 and (not WANT or self.passed >= self.flooded):
            self.flooding = False
        if not self.paused and len(self.sent) != self.last and time.monotonic() >= self.due:
            self._say()
        with self.changed:
            self.changed.notify_all()

    def _say(self):
        n = len(self.sent)
        self.sent[n] = time.monotonic()
        self.pair[n % 2].sendall(b'w%d-%d;' % (n % 2, n) + END)
        self.due = max(self.due + INTERVAL_S, self.sent[n] - 0.1)

    def _receive(self, s):
        data = s.recv(2**20)
        if not data:
            raise EOFError('the server has closed a well-behaved connection')
        if self.flooding and s is (self.flooder if S['reach'] == 'self' else self.pair[0]):
            self.passed += data.count(b'x')
        if s is not self.flooder:
            self._hear(self.pair.index(s), data)

    def _hear(self, i, data):
        now = time.monotonic()
        text = re.sub(rb'\[127\.0\.0\.1:\d+\] ', b'', self.tails[i] + data)
        end = 0
        for ping in re.finditer(rb'w\d-(\d+);', text):
            self.got.setdefault(int(ping[1]), []).append(now)
            end = ping.end()
        self.tails[i] = text[end:][-100:]

    def _flood(self):
        self.block = self.block or (b'x' * 1000 + END) * 64
        n = self.flooder.send(self.block, socket.MSG_DONTWAIT)
        x = self.block[:n].count(b'x')
        self.flooded, self.to_flood, self.block = self.flooded + x, self.to_flood - x, self.block[n:]
        if self.to_flood <= 0 and not WANT:
            wait_until_read(self.flooder)


witness = Witness()


def wait_until_heard(count):
    """Waits until so many more messages of theirs have been sent, and, where somebody is to hear them, have come."""
    until = len(witness.sent) + count
    witness.wait_for(lambda: len(witness.got if WANT else witness.sent) >= until)
    return until


def flood(bytes):
    flooder, begun = witness.flooder or client(b'flo'), []

    def begin():
        witness.flooder, witness.flooding, witness.to_flood = flooder, True, bytes
        witness.flooded, witness.passed = 0, 0
        begun.append(True)

    witness.command(begin)
    witness.wait_for(lambda: begun and not witness.flooding)


def set_paused(paused):
    witness.command(lambda: setattr(witness, 'paused', paused))
    witness.wait_for(lambda: witness.paused == paused)


def pause():
    """They say nothing more, and what they have said has come: how many messages that were."""
    set_paused(True)
    witness.wait_for(witness.all_heard)
    return len(witness.sent)


def report():
    def end():
        witness.paused, witness.last = False, len(witness.sent) + 10

    witness.command(end)
    witness.wait_for(lambda: witness.is_over)
    got = [witness.got.get(n, []) for n in witness.sent]
    return {'sent': list(witness.sent.values()), 'got': got, 'want': WANT}
