import { z } from 'zod';
import { type ConsoleInfo, TerminalSize } from './schema';

/**
 * The protocol of the channel `console`, keyed by console id. Output and input are binary frames, everything else is
 * JSON. For the server and the browser.
 */

/** The limit of unacknowledged output to one viewer. */
export const WINDOW_BYTES = 512 * 1024;
/** A viewer acknowledges after drawing this much more. */
export const ACK_EVERY_BYTES = 128 * 1024;
/** The limits of one frame. */
export const MAX_OUTPUT_BYTES = 64 * 1024;
export const MAX_INPUT_BYTES = 16 * 1024;
/** The limit of unacknowledged input from one viewer. */
export const INPUT_WINDOW_BYTES = 128 * 1024;

const Offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Sent on subscribing. `client` identifies the tab; `offset` is the end of the output it already has. */
export const ConsoleJoin = z.strictObject({
  client: z.string().regex(/^[A-Za-z0-9_-]{8,40}$/),
  offset: Offset,
  size: TerminalSize.nullable(),
});
export type ConsoleJoin = z.infer<typeof ConsoleJoin>;

/**
 * - `ack`: the output before `offset` is drawn.
 * - `resize`: the size of the tab that types has changed.
 * - `take-over`: this tab types from now on.
 * - `keep`: restarts the idle timeout.
 * - `reset`: switch off all terminal modes, for every tab.
 * - `reconnect`: retry now, because the sandbox may be running again.
 */
export const ConsoleMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ack'), offset: Offset }),
  z.strictObject({ kind: z.literal('resize'), size: TerminalSize }),
  z.strictObject({ kind: z.literal('take-over'), size: TerminalSize }),
  z.strictObject({ kind: z.literal('keep') }),
  z.strictObject({ kind: z.literal('reset') }),
  z.strictObject({ kind: z.literal('reconnect') }),
]);
export type ConsoleMessage = z.infer<typeof ConsoleMessage>;

/** The reason for refusing input. `watching`: another tab types. */
export type Refusal = 'watching' | 'not_open' | 'failed' | 'too_much';

/**
 * - `attached`: output starts at `from`, and everything before `end` is a replay. `typed` is the last accepted input of
 *   this tab, `refusals` the number of its refused inputs.
 * - `gap`: the viewer was too slow, and output continues at `from`.
 * - `restored`: a program left modes behind, and they were switched off.
 */
export type ConsoleEvent =
  | ({ kind: 'attached'; end: number; typed: number; refusals: number } & Gap)
  | ({ kind: 'gap' } & Gap)
  | { kind: 'state'; info: ConsoleInfo; drives: boolean; sentAtMs: number }
  | { kind: 'typed'; seq: number }
  | { kind: 'restored' }
  | { kind: 'refused'; seq: number; why: Refusal; refusals: number }
  | { kind: 'unknown' }
  | { kind: 'forbidden' };

/** `missing` bytes before the offset `from` are lost. `preamble` sets the terminal modes that apply at `from`. */
export type Gap = { from: number; missing: number; preamble: string };

const OFFSET_BYTES = 8;
const SEQ_BYTES = 4;

/** Builds an output frame: the offset, then the bytes. */
export function packOutput(offset: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(OFFSET_BYTES + bytes.length);
  new DataView(frame.buffer).setFloat64(0, offset);
  frame.set(bytes, OFFSET_BYTES);
  return frame;
}

/** Returns `null` for a malformed frame. The bytes share the frame's memory. */
export function unpackOutput(frame: Uint8Array): { offset: number; bytes: Uint8Array } | null {
  if (frame.length < OFFSET_BYTES) return null;
  const offset = new DataView(frame.buffer, frame.byteOffset).getFloat64(0);
  if (!Number.isSafeInteger(offset) || offset < 0) return null;
  return { offset, bytes: frame.subarray(OFFSET_BYTES) };
}

/**
 * One piece of input. `seq` is counted by the tab from 1. `after` is the number of refusals that the tab knew of when it
 * sent this: input that was meant to follow refused input must be refused too.
 */
export type ConsoleInput = { seq: number; after: number; bytes: Uint8Array };

/** Builds an input frame: the two numbers, then the bytes. */
export function packInput({ seq, after, bytes }: ConsoleInput): Uint8Array {
  const frame = new Uint8Array(2 * SEQ_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, seq);
  view.setUint32(SEQ_BYTES, after);
  frame.set(bytes, 2 * SEQ_BYTES);
  return frame;
}

/** Returns `null` for a malformed frame. */
export function unpackInput(frame: Uint8Array): ConsoleInput | null {
  if (frame.length <= 2 * SEQ_BYTES || frame.length > 2 * SEQ_BYTES + MAX_INPUT_BYTES) return null;
  const view = new DataView(frame.buffer, frame.byteOffset);
  const [seq, after] = [view.getUint32(0), view.getUint32(SEQ_BYTES)];
  return seq === 0 ? null : { seq, after, bytes: frame.subarray(2 * SEQ_BYTES) };
}
