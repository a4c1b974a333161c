/** Reading a recording: a bad line is an error of one line, a missing end is a note. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { until } from '../support/process.js';
import { Python } from '../support/python.js';
import { record } from '../support/recordings.js';
import { fileFor, posixSelect, traced } from '../support/traced.js';

describe('a bad recording is an error of one line', () => {
  async function refused(text: string | null): Promise<string> {
    const file = fileFor('bad.jsonl');
    if (text !== null) writeFileSync(file, text);
    const replay = posixSelect(['replay', file]);
    expect(await replay.exit).toBe(1);
    expect(replay.stdout).toBe('');
    expect(replay.stderr.split('\n')).toHaveLength(2);
    return replay.stderr.trimEnd().replace(file, 'bad.jsonl');
  }
  const HEAD =
    '{"format":"posix-select recording","version":1,"program":"srv","args":[],"platform":"linux","began":"2026-01-01T00:00:00.000Z"}';
  const CALL = '{"n":1,"at":0,"took":0,"call":"close","result":0,"fd":3}';

  test.each([
    [null, 'open bad.jsonl: No such file or directory (ENOENT)'],
    ['', 'bad.jsonl, line 1: the file is empty'],
    ['hello\n', 'bad.jsonl: it is neither a recording nor output of strace with system calls'],
    ['{hello\n', /^bad\.jsonl, line 1: it is not JSON \(.*\)$/],
    ['{}\n', /^bad\.jsonl, line 1: it is not a recording; `posix-select record/],
    ['{"format":', 'bad.jsonl, line 1: it is not a recording, or it ends within its first line'],
    [`${HEAD.replace('"version":1', '"version":3')}\n`, /^bad\.jsonl, line 1: its version is 3; /],
    [`${HEAD.replace('"args":[]', '"args":[1]')}\n`, `bad.jsonl, line 1: the recording's "args" is wrong`],
    [`${HEAD}\n`, 'bad.jsonl, line 1: the recording ends before the first call'],
    [`${HEAD}\n${CALL}\nnull\n`, "bad.jsonl, line 3: the call's object is missing"],
    [`${HEAD}\n{"n":1,"at":\n${CALL}\n`, /^bad\.jsonl, line 2: it is not JSON/],
    [`${HEAD}\n${CALL.replace('"took":0,', '')}\n`, 'bad.jsonl, line 2: the call\'s "took" is missing'],
    [`${HEAD}\n${CALL.replace('close', 'select')}\n`, 'bad.jsonl, line 2: the call\'s "readfds" is missing'],
    [
      `${HEAD}\n${CALL.replace('}', ',"address":[1,2]}')}\n`,
      'bad.jsonl, line 2: the call\'s "address" is wrong',
    ],
  ])('%j', async (text, message) => {
    expect(await refused(text)).toMatch(message);
  });

  test.each([
    ['a last line without newline', '', ''],
    ['blank last lines', '', '\n\r\n \n'],
    ['a byte order mark', '\uFEFF', '\n'],
  ])('but not %s', async (_, begin, end) => {
    const file = fileFor('whole.jsonl');
    const text = readFileSync((await record('select-server', [0])).file, 'utf8').trimEnd();
    writeFileSync(file, begin + text + end);
    const replay = posixSelect(['replay', file]);
    expect(await replay.exit).toBe(0);
    expect(replay.stdout).not.toContain('ends within');
    expect(replay.stdout).toMatch(/ {2}close .* listener\n\n$/);
  });

  test.each([
    ['a line and a half', -30, /^the recording ends within line (\d+)$/],
    ['its tail', -5, /^the recording ends within line (\d+)$/],
    [
      'the whole of its tail',
      undefined,
      /^the end is missing: the program was killed, or was still running$/,
    ],
  ])('a recording without %s is shown up to there, with a note', async (_, end, note) => {
    const { file } = await record('select-server', [0]);
    const text = readFileSync(file, 'utf8');
    const lines = text.trimEnd().split('\n');
    writeFileSync(file, text.slice(0, end ?? text.lastIndexOf('{"ended":')));
    const replay = posixSelect(['replay', file]);
    expect(await replay.exit).toBe(0);
    const [, line] = replay.lines[2].match(note) ?? expect.fail(replay.lines[2]);
    if (line) expect(Number(line)).toBe(end === -5 ? lines.length : lines.length - 1);
    expect(replay.stdout).toContain('the loop is told to end');
  });

  test('the recording of a program that was killed is shown, with a note', async () => {
    const { server, port, text } = await traced(['--trace=json'], ['select-server', 0]);
    Python.program(
      `import socket, sys
while True: socket.create_connection(('127.0.0.1', int(sys.argv[1]))).send(b'hello')`,
      [port],
    );
    await until('many have come', () => text().split('"call":"accept"').length > 50);
    await server.end('SIGKILL');
    const file = fileFor('killed.jsonl');
    writeFileSync(file, text());
    const replay = posixSelect(['replay', file]);
    expect(await replay.exit).toBe(0);
    expect(replay.lines[2]).toMatch(/^the (end is missing: |recording ends within line )/);
    expect(replay.stdout).toContain(': a connection is waiting');
  });

  test('a bad command line is exit code 2', async () => {
    for (const args of [['replay'], ['replay', 'a', 'b'], ['replay', 'a', '--html']]) {
      const replay = posixSelect(args);
      expect(await replay.exit).toBe(2);
      expect(replay.stderr).toMatch(/^usage: posix-select replay/);
    }
  });
});
