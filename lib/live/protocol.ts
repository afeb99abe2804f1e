/**
 * The frames of `/live`. One socket per tab carries all channels. Events and messages are JSON text frames; bytes are
 * binary frames that start with their topic. For the server and the browser.
 */

export const CHANNELS = [
  'connections',
  'fleet',
  'operations',
  'folder',
  'wake',
  'archive',
  'consoles',
  'console',
  'run',
  'held',
  'process',
] as const;
export type Channel = (typeof CHANNELS)[number];

/** Whether the topics of a channel have keys, for example a sandbox id. */
const KEYED = {
  connections: false,
  fleet: true,
  operations: false,
  folder: true,
  wake: true,
  archive: true,
  consoles: true,
  console: true,
  run: true,
  held: true,
  process: true,
} satisfies Record<Channel, boolean>;

/**
 * What a browser without sockets does instead of subscribing:
 * - `polled`: reads the channel over HTTP. Its subscribers get the whole state first, may come and go at any time, and send
 *   nothing.
 * - `reread`: tells its listeners every few seconds that they have missed events, and they read the state again themselves.
 * - `none`: nothing. A person has to be told.
 */
const WITHOUT_SOCKET = {
  connections: 'polled',
  fleet: 'polled',
  operations: 'polled',
  folder: 'reread',
  wake: 'polled',
  archive: 'polled',
  consoles: 'polled',
  console: 'none',
  run: 'polled',
  held: 'none',
  process: 'none',
} satisfies Record<Channel, 'polled' | 'reread' | 'none'>;

/** How `channel` is read without a socket. */
export function withoutSocket(channel: Channel): 'polled' | 'reread' | 'none' {
  return WITHOUT_SOCKET[channel];
}

/** In one request, whose URL stays short. */
export const MAX_POLLED_TOPICS = 32;

/** An event of a polled topic. */
export type PolledEvent = Topic & { payload: unknown };

/** The polled topic that `printPolledTopic` printed; `null` if there is none. */
export function parsePolledTopic(text: string): Topic | null {
  const space = text.indexOf(' ');
  const topic = parseTopic(
    space < 0 ? { channel: text } : { channel: text.slice(0, space), key: text.slice(space + 1) },
  );
  return topic !== null && WITHOUT_SOCKET[topic.channel] === 'polled' ? topic : null;
}

/** For the query of a poll. */
export function printPolledTopic({ channel, key }: Topic): string {
  return key === undefined ? channel : `${channel} ${key}`;
}

/** What a tab subscribes to. Has a `key` if and only if its channel is keyed. */
export type Topic = { channel: Channel; key?: string };

/** From the browser. A `payload` is defined by the channel's own protocol and not checked here. */
export type ClientFrame =
  | ({ type: 'subscribe'; payload?: unknown } & Topic)
  | ({ type: 'message'; payload: unknown } & Topic)
  | ({ type: 'unsubscribe' } & Topic)
  | { type: 'ping' };

/**
 * From the server. `hello` is the first frame and names the build of the server, because a proxy may accept a socket and
 * pass nothing on. A `beat` follows at least every second, so that silence means a broken connection. `lost`: events
 * were dropped because the browser was too slow, so it has to subscribe again.
 */
export type ServerFrame =
  | { type: 'hello'; build: string }
  | { type: 'beat' }
  | ({ type: 'event'; payload: unknown } & Topic)
  | ({ type: 'lost' } & Topic)
  | { type: 'pong' };

/** A key for maps. */
export function topicName({ channel, key = '' }: Topic): string {
  return `${channel} ${key}`;
}

/** How often the server sends a frame at least, ms. */
export const BEAT_EVERY_MS = 1_000;

/** Close codes from the range for applications, 4000 to 4999. */
export const CLOSED_SIGNED_OUT = 4401;
export const CLOSED_BAD_FRAME = 4400;

const MAX_FRAME_CHARS = 8192;
const MAX_KEY_CHARS = 4400;

/** Returns `null` for a malformed frame. */
export function parseClientFrame(text: string): ClientFrame | null {
  if (text.length > MAX_FRAME_CHARS) return null;
  const value = parseObject(text);
  if (value?.type === 'ping') return { type: 'ping' };
  const topic = value === null ? null : parseTopic(value);
  if (value === null || topic === null) return null;
  const { payload } = value;
  if (value.type === 'subscribe')
    return { type: 'subscribe', ...topic, ...(payload === undefined ? {} : { payload }) };
  if (value.type === 'unsubscribe') return { type: 'unsubscribe', ...topic };
  return value.type === 'message' && payload !== undefined ? { type: 'message', ...topic, payload } : null;
}

/** Returns `null` for a malformed frame. Does not check payloads, which come from our own server. */
export function parseServerFrame(text: string): ServerFrame | null {
  const value = parseObject(text);
  if (value?.type === 'pong') return { type: 'pong' };
  if (value?.type === 'beat') return { type: 'beat' };
  if (value?.type === 'hello' && typeof value.build === 'string')
    return { type: 'hello', build: value.build };
  const topic = value === null ? null : parseTopic(value);
  if (topic === null) return null;
  if (value?.type === 'lost') return { type: 'lost', ...topic };
  return value?.type === 'event' ? { type: 'event', ...topic, payload: value.payload } : null;
}

const LENGTH_BYTES = 2;

/** Builds a binary frame: the length of the topic's JSON as two bytes, the JSON, then `bytes`. */
export function packBytes(topic: Topic, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(topic));
  const frame = new Uint8Array(LENGTH_BYTES + json.length + bytes.length);
  new DataView(frame.buffer).setUint16(0, json.length);
  frame.set(json, LENGTH_BYTES);
  frame.set(bytes, LENGTH_BYTES + json.length);
  return frame;
}

/** Returns `null` for a malformed frame. The bytes share the frame's memory. */
export function unpackBytes(frame: Uint8Array): { topic: Topic; bytes: Uint8Array } | null {
  if (frame.length < LENGTH_BYTES) return null;
  const end = LENGTH_BYTES + new DataView(frame.buffer, frame.byteOffset).getUint16(0);
  if (end > frame.length || end > MAX_FRAME_CHARS) return null;
  const value = parseObject(new TextDecoder().decode(frame.subarray(LENGTH_BYTES, end)));
  const topic = value === null ? null : parseTopic(value);
  return topic === null ? null : { topic, bytes: frame.subarray(end) };
}

function parseTopic({ channel: named, key }: Record<string, unknown>): Topic | null {
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
