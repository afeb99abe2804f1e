import { z } from 'zod';
import { type ConsoleInfo, TerminalSize } from './schema';

/**
 * What a tab and the server say to each other on the channel `console`, keyed by the console. Output and input are bytes
 * in binary frames, everything else is JSON. Runs anywhere.
 */

/** How much output may be under way to one viewer, unacknowledged. */
export const WINDOW_BYTES = 512 * 1024;
/** A viewer acknowledges each time it has drawn this much more. */
export const ACK_EVERY_BYTES = 128 * 1024;
/** The most output in one frame. */
export const MAX_OUTPUT_BYTES = 64 * 1024;
/** The most input in one frame; the socket takes no larger ones. */
export const MAX_INPUT_BYTES = 16 * 1024;
/** How much input may be under way from one viewer, unacknowledged. */
export const INPUT_WINDOW_BYTES = 128 * 1024;

const Offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What a tab says on joining: who it is, up to where it has the output, and its size. */
export const ConsoleOpening = z.strictObject({
  client: z.string().regex(/^[A-Za-z0-9_-]{8,40}$/),
  offset: Offset,
  size: TerminalSize.nullable(),
});
export type ConsoleOpening = z.infer<typeof ConsoleOpening>;

/**
 * `ack`: the output before this offset is drawn. `resize`: of who drives. `take-over`: from now on I type. `keep`: do not
 * end it for being idle. `reconnect`: its sandbox should be there again.
 */
export const ConsoleMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ack'), offset: Offset }),
  z.strictObject({ kind: z.literal('resize'), size: TerminalSize }),
  z.strictObject({ kind: z.literal('take-over'), size: TerminalSize }),
  z.strictObject({ kind: z.literal('keep') }),
  z.strictObject({ kind: z.literal('reconnect') }),
]);
export type ConsoleMessage = z.infer<typeof ConsoleMessage>;

/** Why input was not passed on. */
export type Refusal = 'watching' | 'not_open' | 'failed' | 'too_much';

/**
 * What the server says. `attached`: output comes from offset `from`; `missing` bytes before it are no longer there; what
 * ends at `end` was written before now; `typed` is the last input that has been taken from this tab, `refusals` how often
 * one of it was refused so far.
 * `gap`: this viewer was too slow, output goes on at `from`. `preamble` brings a screen into the modes that hold there.
 */
export type ConsoleEvent =
  | ({ kind: 'attached'; end: number; typed: number; refusals: number } & Gap)
  | ({ kind: 'gap' } & Gap)
  | { kind: 'state'; info: ConsoleInfo; drives: boolean; sentAtMs: number }
  | { kind: 'typed'; seq: number }
  | { kind: 'refused'; seq: number; why: Refusal; refusals: number }
  | { kind: 'unknown' }
  | { kind: 'forbidden' };

export type Gap = { from: number; missing: number; preamble: string };

const OFFSET_BYTES = 8;
const SEQ_BYTES = 4;

/** Output as it travels: its offset, then the bytes. */
export function packOutput(offset: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(OFFSET_BYTES + bytes.length);
  new DataView(frame.buffer).setFloat64(0, offset);
  frame.set(bytes, OFFSET_BYTES);
  return frame;
}

/** The output in a frame, or `null` for what is none. The bytes share the frame's memory. */
export function unpackOutput(frame: Uint8Array): { offset: number; bytes: Uint8Array } | null {
  if (frame.length < OFFSET_BYTES) return null;
  const offset = new DataView(frame.buffer, frame.byteOffset).getFloat64(0);
  if (!Number.isSafeInteger(offset) || offset < 0) return null;
  return { offset, bytes: frame.subarray(OFFSET_BYTES) };
}

/**
 * What one frame brings to type. `seq`: its number, counted by the tab from 1. `after`: how many refusals there had been by
 * what the tab has heard; what was sent before hearing of one must not be typed without what was refused.
 */
export type ConsoleInput = { seq: number; after: number; bytes: Uint8Array };

/** Input as it travels: its two numbers, then the bytes. */
export function packInput({ seq, after, bytes }: ConsoleInput): Uint8Array {
  const frame = new Uint8Array(2 * SEQ_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, seq);
  view.setUint32(SEQ_BYTES, after);
  frame.set(bytes, 2 * SEQ_BYTES);
  return frame;
}

/** The input in a frame, or `null`. */
export function unpackInput(frame: Uint8Array): ConsoleInput | null {
  if (frame.length <= 2 * SEQ_BYTES || frame.length > 2 * SEQ_BYTES + MAX_INPUT_BYTES) return null;
  const view = new DataView(frame.buffer, frame.byteOffset);
  const [seq, after] = [view.getUint32(0), view.getUint32(SEQ_BYTES)];
  return seq === 0 ? null : { seq, after, bytes: frame.subarray(2 * SEQ_BYTES) };
}
