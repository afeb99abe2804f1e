import { expect, it } from 'vitest';
import { visibleOutput } from './visible-output';

it.each([
  ['plain\ttext\n', 'plain\ttext\n'],
  ['a\r\nb\r\n', 'a\nb\n'],
  ['10%\r20%', '10%␍20%'],
  ['\u001b[31mred\u0007\0', '␛[31mred␇␀'],
  ['\u007f\u009b', '␡[U+009B]'],
  ['a\u202eb\u2066c', 'a[U+202E]b[U+2066]c'],
  ['<b>ä 😀 \uFFFD</b>', '<b>ä 😀 \uFFFD</b>'],
])('shows %j as %j', (text, shown) => {
  expect(visibleOutput(text)).toBe(shown);
});
