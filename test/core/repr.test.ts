import { repr } from 'posix-select';
import { expect, test } from 'vitest';
import { python } from '../support/python.js';

/** Values, and the same in Python. */
const BYTES = ['', "it's", 'it\'s "q"', '"q"', '\\', '\0\x01\x1f\x7f\x80\xff', '\n\r\t\v\f\b', "\\'"];
const STRINGS = [
  ...BYTES,
  'é',
  '\u{a0}\u{ad}',
  'ſtraße €',
  '\u200b\u2028\u3000\ue000\ufeff',
  '😀\u{10ffff}\u{e0001}',
  '\u0378',
];

test('bytes as Python prints them, all 256 and both quotes', () => {
  const cases = [...BYTES, ...Array.from({ length: 256 }, (_, i) => String.fromCharCode(i))];
  const inputs = cases.map((text) => Buffer.from(text, 'latin1'));
  const theirs = python<string[]>(
    'import base64\nresult = [repr(base64.b64decode(b)) for b in args]',
    inputs.map((b) => b.toString('base64')),
  );
  expect(inputs.map(repr)).toEqual(theirs);
});

test('strings as Python prints them', () => {
  expect(STRINGS.map(repr)).toEqual(python('result = [repr(s) for s in args]', STRINGS));
});

test('addresses as Python prints tuples', () => {
  const addresses = [['127.0.0.1', 61457], ['::1', 80, 0, 0], ["o'host", 1], ['one'], []];
  expect(addresses.map(repr)).toEqual(python('result = [repr(tuple(a)) for a in args]', addresses));
});

test('None, True, False and numbers', () => {
  const values = [null, true, false, 0, -1, 1.5];
  expect(values.map(repr)).toEqual(python('result = [repr(v) for v in args]', values));
});
