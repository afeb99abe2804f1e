import type { z } from 'zod';
import type { Guest } from '../guests';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { ConnectError } from './connect-error';

export type CallContext = {
  readonly guest: Guest;
  /** The user in Basic auth, or the default user (docs/protocol.md#envd-users). */
  readonly user: GuestUser;
  readonly root: GuestRoot;
  /**
   * Aborts with a ConnectError if the client disconnects (`canceled`), the deadline passes (`deadline_exceeded`) or the
   * sandbox is paused or killed (`unavailable`). The transport has then already responded.
   */
  readonly signal: AbortSignal;
  /** Deadline of `Connect-Timeout-Ms` in Unix milliseconds; null without one. */
  readonly deadlineMs: number | null;
  /** `Keepalive-Ping-Interval`; 90 s if absent or invalid. */
  readonly keepaliveMs: number;
};

export interface MessageStream<Message> {
  /**
   * Sends a message in proto3 JSON. Resolves once the connection accepts more, which gives back-pressure. Rejects with a
   * ConnectError after the end of the stream.
   */
  send(message: Message): Promise<void>;
}

export type UnaryRpc = {
  readonly kind: 'unary';
  readonly call: (message: unknown, context: CallContext) => Promise<unknown>;
};

export type ServerStreamRpc = {
  readonly kind: 'server-stream';
  /** Sent after each idle interval, but never as the first message. Default: none. */
  readonly keepalive: object | undefined;
  readonly call: (message: unknown, context: CallContext, stream: MessageStream<object>) => Promise<void>;
};

export type ClientStreamRpc = {
  readonly kind: 'client-stream';
  readonly call: (messages: AsyncIterable<unknown>, context: CallContext) => Promise<unknown>;
};

export type Rpc = UnaryRpc | ServerStreamRpc | ClientStreamRpc;

/** The methods of a service by their name in the URL, such as `Stat`. */
export type Service = Readonly<Record<string, Rpc>>;

/**
 * Defines an RPC with one message in and one out, both in proto3 JSON. `handle` may throw a ConnectError. Invalid
 * messages get `invalid_argument` without reaching it.
 */
export function unary<Schema extends z.ZodType>(
  schema: Schema,
  handle: (message: z.output<Schema>, context: CallContext) => Promise<object | undefined>,
): UnaryRpc {
  return {
    kind: 'unary',
    call: async (message, context) => (await handle(parse(schema, message), context)) ?? {},
  };
}

/** Defines an RPC with one message in and a stream out, which ends when `handle` settles. */
export function serverStream<Schema extends z.ZodType, Message extends object>(
  schema: Schema,
  handle: (message: z.output<Schema>, context: CallContext, stream: MessageStream<Message>) => Promise<void>,
  options: { keepalive?: NoInfer<Message> } = {},
): ServerStreamRpc {
  return {
    kind: 'server-stream',
    keepalive: options.keepalive,
    call: (message, context, stream) => handle(parse(schema, message), context, stream),
  };
}

/** Defines an RPC with a stream in and one message out. Iterating throws a ConnectError for an invalid message. */
export function clientStream<Schema extends z.ZodType>(
  schema: Schema,
  handle: (messages: AsyncIterable<z.output<Schema>>, context: CallContext) => Promise<object | undefined>,
): ClientStreamRpc {
  return {
    kind: 'client-stream',
    call: async (messages, context) => (await handle(parseEach(schema, messages), context)) ?? {},
  };
}

function parse<Schema extends z.ZodType>(schema: Schema, message: unknown): z.output<Schema> {
  const parsed = schema.safeParse(message);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  throw new ConnectError('invalid_argument', `${field}${issue?.message ?? 'invalid message'}`);
}

async function* parseEach<Schema extends z.ZodType>(
  schema: Schema,
  messages: AsyncIterable<unknown>,
): AsyncGenerator<z.output<Schema>, void, undefined> {
  for await (const message of messages) yield parse(schema, message);
}
