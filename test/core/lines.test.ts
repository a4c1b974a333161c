import { Lines } from 'posix-select/lines';
import { expect, test } from 'vitest';

const texts = (lines: Buffer[]) => lines.map(String);
const push = (lines: Lines, ...pieces: (string | Uint8Array)[]) =>
  pieces.flatMap((piece) => texts(lines.push(Buffer.from(piece))));

test('lines come out whole, however their bytes come in', () => {
  const text = Buffer.from('one\n\ntwo €\nthree');
  for (let size = 1; size <= text.length; size++) {
    const lines = new Lines();
    const got: string[] = [];
    for (let i = 0; i < text.length; i += size) got.push(...texts(lines.push(text.subarray(i, i + size))));
    expect(got).toEqual(['one', '', 'two €']);
    expect(lines.pending).toBe(5);
    expect(String(lines.take())).toBe('three');
    expect(lines.pending).toBe(0);
  }
});

test('what is pending is a copy: the caller may use its memory again', () => {
  const lines = new Lines();
  const data = Buffer.from('begun');
  lines.push(data);
  data.fill('x');
  expect(push(lines, '\n')).toEqual(['begun']);
});

test('a line of exactly the limit is one line, wherever its newline comes', () => {
  expect(push(new Lines(4), 'abcd\nef\n')).toEqual(['abcd', 'ef']);
  expect(push(new Lines(4), 'abcd', '\nef\n')).toEqual(['abcd', 'ef']);
  expect(push(new Lines(4), 'abc', 'd', '\n', '\n')).toEqual(['abcd', '']);
});

test('a longer line comes in pieces of the limit', () => {
  const lines = new Lines(4);
  expect(push(lines, 'abcde')).toEqual(['abcd']);
  expect(push(lines, 'fghijklmn\no')).toEqual(['efgh', 'ijkl', 'mn']);
  expect(lines.pending).toBe(1);
});

test('no piece ends within a character; bytes that are no text are cut at the limit', () => {
  expect(push(new Lines(4), 'ab€c\n')).toEqual(['ab', '€c']);
  expect(push(new Lines(4), 'a😀bc\n')).toEqual(['a', '😀', 'bc']);
  const lines = new Lines(4).push(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0a]));
  expect(lines.map((line) => line.length)).toEqual([4, 1]);
});

test('a line that could have no byte is refused: it would never end', () => {
  for (const bound of [0, -1, 0.5, Number.NaN]) expect(() => new Lines(bound)).toThrow(RangeError);
  expect(new Lines(1).push(Buffer.from('ab\n')).map(String)).toEqual(['a', 'b']);
});
