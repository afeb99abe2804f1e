import { expect, it } from 'vitest';
import { deviceName } from './device-name';
import { describeKinds } from './sign-in-page';

it('describes the connections by number and kind, without names', () => {
  expect(describeKinds([])).toBe('No connections yet');
  expect(describeKinds(['local'])).toBe('1 connection: Local engine');
  expect(describeKinds(['moru', 'local', 'moru', 'e2b-compatible'])).toBe(
    '4 connections: Moru (2), Local engine, E2B-compatible',
  );
});

it.each([
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
    'Chrome on macOS',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0',
    'Edge on Windows',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
  ],
  ['curl/8.5.0', 'Unknown browser'],
  ['', 'Unknown browser'],
])('names the browser of %j', (userAgent, device) => {
  expect(deviceName(userAgent, 'Unknown browser')).toBe(device);
});
