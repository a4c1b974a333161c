"""
Two well-behaved clients. They say something every 10 ms, in turn, and note when it was said and when it came to
whom it was for. A third one lets bytes pass by, if told to, as fast as the others get them.
"""
INTERVAL = 0.01
FLOW = 2**18
WANT = {'others': 1, 'all': 2, 'self': 1, 'nobody': 0}[S['reach']]

w = [client(b'w0'), client(b'w1')]
sent, got, tails = {}, {}, [b'', b'']
due, last = time.monotonic(), None
on = paused = pausing = False
f, flooding, to_flood, flooded, passed, block = None, False, 0, 0, 0, b''


def hear(i, data):
    now = time.monotonic()
    text = re.sub(rb'\[127\.0\.0\.1:\d+\] ', b'', tails[i] + data)
    end = 0
    for ping in re.finditer(rb'w\d-(\d+);', text):
        got.setdefault(int(ping[1]), []).append(now)
        end = ping.end()
    tails[i] = text[end:][-100:]


def all_heard():
    return all(len(got.get(n, [])) >= WANT for n in sent)


while True:
    flowing = to_flood > 0 and (not WANT or flooded - passed < FLOW)
    timeout = 1 if paused else max(0, due - time.monotonic())
    readable, writable, _ = select.select([0, *w] + [f] * bool(f), [f] if flowing else [], [], timeout)
    for s in readable:
        if s == 0:
            for command, *n in map(str.split, os.read(0, 100).decode().splitlines()):
                paused = pausing = command == 'pause'
                if command == 'stop':
                    last = len(sent) + 10
                if command == 'flood':
                    f, flooding, to_flood, flooded, passed = client(b'flo'), True, int(n[0]), 0, 0
            continue
        data = s.recv(2**20)
        if not data:
            sys.exit('the server has closed a well-behaved connection')
        if flooding and s is (f if S['reach'] == 'self' else w[0]):
            passed += data.count(b'x')
        if s is not f:
            hear(w.index(s), data)
    if writable:
        block = block or (b'x' * 1000 + END) * 64
        n = f.send(block, socket.MSG_DONTWAIT)
        x = block[:n].count(b'x')
        flooded, to_flood, block = flooded + x, to_flood - x, block[n:]
        if to_flood <= 0 and not WANT:
            taken(f)
    if flooding and to_flood <= 0 and (not WANT or passed >= flooded):
        flooding = False
        print('flooded', flush=True)
    if not paused and len(sent) != last and time.monotonic() >= due:
        n = len(sent)
        sent[n] = time.monotonic()
        w[n % 2].sendall(b'w%d-%d;' % (n % 2, n) + END)
        due = max(due + INTERVAL, sent[n] - 0.1)
    if pausing and all_heard():
        pausing = False
        print('paused', len(sent), flush=True)
    if len(sent) == last and (all_heard() or time.monotonic() > sent[last - 1] + 40):
        break
    if not on and len(sent if not WANT else got) >= 10:
        on = True
        print('on', flush=True)

report = {'sent': list(sent.values()), 'got': [got.get(n, []) for n in sent], 'want': WANT}
print('report', json.dumps(report), flush=True)
