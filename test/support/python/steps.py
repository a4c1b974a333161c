"""
Executes the steps that come over descriptor 3, a line of JSON each, and answers each with a line of JSON.
Steps share their variables.
stdin, stdout and stderr are the steps' own. Between the steps, `on_readable[file]()` is called for each file that is
readable.
What few steps need is imported where they need it: to import it takes as long as many a test.
"""
import fcntl, json, os, resource, select, signal, socket, struct, sys, termios, threading, time

on_readable = {}


def _dedented(code):
    if not code.lstrip('\n').startswith(' '):
        return code
    import textwrap
    return textwrap.dedent(code)


def _execute(step):
    globals().update(args=step['args'], result=None)
    code = compile(_dedented(step['code']), '<step>', 'exec')
    if step['last']:
        exec(code, globals())
        sys.exit()
    try:
        exec(code, globals())
        return json.dumps({'result': result})
    except Exception:
        import traceback
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
