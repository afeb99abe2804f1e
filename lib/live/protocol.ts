/**
 * The frames of `/live`. One socket per tab carries every channel: what is said travels as JSON text, bytes as binary
 * frames that name their place ahead of the bytes as they are. Runs anywhere.
 */

/** What can be listened to. */
export const CHANNELS = [
  'fleet',
  'operations',
  'folder',
  'wake',
  'archive',
  'consoles',
  'console',
  'run',
  'process',
] as const;
export type Channel = (typeof CHANNELS)[number];

/** Whether a channel is one of many of its kind, told apart by a key such as the id of a sandbox. */
const KEYED = {
  fleet: false,
  operations: false,
  folder: true,
  wake: true,
  archive: true,
  consoles: true,
  console: true,
  run: true,
  process: true,
} satisfies Record<Channel, boolean>;

/** What exactly is listened to. `key` is there for channels that have one, and for no other. */
export type Place = { channel: Channel; key?: string };

/**
 * From the browser. A ping is answered with a pong, so that both sides notice a dead connection. `payload` is whatever the
 * channel's own protocol says, as of now unchecked; with `subscribe` it is what the listener has to say on joining.
 */
export type ClientFrame =
  | ({ type: 'subscribe'; payload?: unknown } & Place)
  | ({ type: 'message'; payload: unknown } & Place)
  | ({ type: 'unsubscribe' } & Place)
  | { type: 'ping' };

/** From the server. `lost` says that events were dropped because the browser was too slow: read everything again. */
export type ServerFrame =
  | ({ type: 'event'; payload: unknown } & Place)
  | ({ type: 'lost' } & Place)
  | { type: 'pong' };

/** One text for each place, to look it up by. */
export function placeName({ channel, key = '' }: Place): string {
  return `${channel} ${key}`;
}

/** Close codes of our own (the range 4000 to 4999 is for applications). */
export const CLOSED_SIGNED_OUT = 4401;
export const CLOSED_BAD_FRAME = 4400;

const MAX_FRAME_CHARS = 8192;
const MAX_KEY_CHARS = 4400;

/** The frame in `text`, or `null` for anything that is not one. */
export function parseClientFrame(text: string): ClientFrame | null {
  if (text.length > MAX_FRAME_CHARS) return null;
  const value = parseObject(text);
  if (value?.type === 'ping') return { type: 'ping' };
  const place = value === null ? null : parsePlace(value);
  if (value === null || place === null) return null;
  const said = value.payload === undefined ? {} : { payload: value.payload };
  if (value.type === 'subscribe') return { type: 'subscribe', ...place, ...said };
  if (value.type === 'unsubscribe') return { type: 'unsubscribe', ...place };
  return value.type === 'message' && 'payload' in said
    ? { type: 'message', ...place, payload: said.payload }
    : null;
}

/** The frame in `text`, or `null`. Payloads come from our own server and are taken as they are. */
export function parseServerFrame(text: string): ServerFrame | null {
  const value = parseObject(text);
  if (value?.type === 'pong') return { type: 'pong' };
  const place = value === null ? null : parsePlace(value);
  if (place === null) return null;
  if (value?.type === 'lost') return { type: 'lost', ...place };
  return value?.type === 'event' ? { type: 'event', ...place, payload: value.payload } : null;
}

/** A binary frame: the length of the place's JSON in two bytes, that JSON, and the bytes. */
const LENGTH_BYTES = 2;

/** Bytes for or from a place, as one binary frame. */
export function packBytes(place: Place, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(JSON.stringify(place));
  const frame = new Uint8Array(LENGTH_BYTES + name.length + bytes.length);
  new DataView(frame.buffer).setUint16(0, name.length);
  frame.set(name, LENGTH_BYTES);
  frame.set(bytes, LENGTH_BYTES + name.length);
  return frame;
}

/** What a binary frame carries, or `null` for anything that is not one. The bytes share the frame's memory. */
export function unpackBytes(frame: Uint8Array): { place: Place; bytes: Uint8Array } | null {
  if (frame.length < LENGTH_BYTES) return null;
  const end = LENGTH_BYTES + new DataView(frame.buffer, frame.byteOffset).getUint16(0);
  if (end > frame.length || end > MAX_FRAME_CHARS) return null;
  const value = parseObject(new TextDecoder().decode(frame.subarray(LENGTH_BYTES, end)));
  const place = value === null ? null : parsePlace(value);
  return place === null ? null : { place, bytes: frame.subarray(end) };
}

function parsePlace({ channel: named, key }: Record<string, unknown>): Place | null {
  const channel = CHANNELS.find((known) => known === named);
  if (channel === undefined || KEYED[channel] !== (key !== undefined)) return null;
  if (key === undefined) return { channel };
  return typeof key === 'string' && key !== '' && key.length <= MAX_KEY_CHARS ? { channel, key } : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
