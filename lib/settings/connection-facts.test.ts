import { expect, it } from 'vitest';
import type { ErrorCode } from '../errors';
import { connectionState } from './connection-facts';

const used = { isDisabled: false, hasKey: true };
const failed = (code: ErrorCode, asOfMs: number | null = 1) => ({ problem: { code, message: 'x' }, asOfMs });

it.each([
  ['disabled', { isDisabled: true, hasKey: false }, failed('timeout')],
  ['unauthorised', { isDisabled: false, hasKey: false }, { problem: null, asOfMs: null }],
  ['unread', used, { problem: null, asOfMs: null }],
  ['ok', used, { problem: null, asOfMs: 1 }],
  ['unauthorised', used, failed('unauthenticated')],
  ['unauthorised', used, failed('forbidden')],
  ['unreachable', used, failed('unavailable', null)],
  ['unreachable', used, failed('timeout')],
  ['failing', used, failed('rate_limited')],
  ['failing', used, failed('unexpected')],
] as const)('is %s for %j after %j', (state, known, status) => {
  expect(connectionState(known, status)).toBe(state);
});
