"""
Executes the steps that come over descriptor 3, a line of JSON each, and answers each with a line of JSON.
Steps share their variables.
stdin, stdout and stderr are the steps' own. Between the steps, `on_readable[file]()` is called for each file that is
readable.
"""
import fcntl, json, os, resource, select, signal, socket, struct, sys, termios, textwrap, threading, time, traceback

on_readable = {}


def _execute(step):
    globals().update(args=step['args'], result=None)
    code = compile(textwrap.dedent(step['code']), '<step>', 'exec')
    if step['last']:
        exec(code, globals())
        sys.exit()
    try:
        exec(code, globals())
        return json.dumps({'result': result})
    except Exception:
        return json.dumps({'error': traceback.format_exc()})


def _serve():
    channel, pending = socket.socket(fileno=3), b''
    channel.set_inheritable(False)
    while True:
        readable, _, _ = select.select([channel, *on_readable], [], [])
        for file in readable:
            if file in on_readable:
                on_readable[file]()
        if channel not in readable:
            continue
        data = channel.recv(65536)
        if not data:
            return
        *lines, pending = (pending + data).split(b'\n')
        for line in lines:
            channel.sendall(_execute(json.loads(line)).encode() + b'\n')


_serve()
