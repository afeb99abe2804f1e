/** The frames of `/live`, as JSON text. One socket per tab carries every channel. Runs anywhere. */

/** What can be listened to. */
export const CHANNELS = ['fleet', 'operations'] as const;
export type Channel = (typeof CHANNELS)[number];

/** From the browser. A ping is answered with a pong, so that both sides notice a dead connection. */
export type ClientFrame =
  | { type: 'subscribe'; channel: Channel }
  | { type: 'unsubscribe'; channel: Channel }
  | { type: 'ping' };

/** From the server. `lost` says that events were dropped because the browser was too slow: read everything again. */
export type ServerFrame =
  | { type: 'event'; channel: Channel; payload: unknown }
  | { type: 'lost'; channel: Channel }
  | { type: 'pong' };

/** Close codes of our own (the range 4000 to 4999 is for applications). */
export const CLOSED_SIGNED_OUT = 4401;
export const CLOSED_BAD_FRAME = 4400;

const MAX_FRAME_CHARS = 4096;

/** The frame in `text`, or `null` for anything that is not one. */
export function parseClientFrame(text: string): ClientFrame | null {
  if (text.length > MAX_FRAME_CHARS) return null;
  const value = parseObject(text);
  if (value?.type === 'ping') return { type: 'ping' };
  if (value?.type !== 'subscribe' && value?.type !== 'unsubscribe') return null;
  const channel = CHANNELS.find((known) => known === value.channel);
  return channel === undefined ? null : { type: value.type, channel };
}

/** The frame in `text`, or `null`. Payloads come from our own server and are taken as they are. */
export function parseServerFrame(text: string): ServerFrame | null {
  const value = parseObject(text);
  if (value?.type === 'pong') return { type: 'pong' };
  const channel = CHANNELS.find((known) => known === value?.channel);
  if (channel === undefined) return null;
  if (value?.type === 'lost') return { type: 'lost', channel };
  return value?.type === 'event' ? { type: 'event', channel, payload: value.payload } : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
