import type { z } from 'zod';
import type { Guest } from '../guests';
import type { GuestRoot, GuestUser } from '../safe-fs/guest-root';
import { ConnectError } from './connect-error';

/** What a handler knows of the call it serves. */
export type CallContext = {
  readonly guest: Guest;
  /** Whom the caller acts as: Basic auth or the default user (docs/protocol.md#envd-users). */
  readonly user: GuestUser;
  readonly root: GuestRoot;
  /**
   * Aborts when the caller has gone (`canceled`), the deadline has passed (`deadline_exceeded`) or the sandbox is
   * paused or killed (`unavailable`). `signal.reason` is the ConnectError; the transport has answered with it already.
   */
  readonly signal: AbortSignal;
  /** `Connect-Timeout-Ms` as a point in time (epoch, ms); null: none was sent. */
  readonly deadlineMs: number | null;
  /** `Keepalive-Ping-Interval` in ms; 90 s when absent or invalid. */
  readonly keepaliveMs: number;
};

/** The way out of a server stream. */
export interface MessageStream<Message> {
  /**
   * Sends one message in proto3 JSON form. Resolves once the connection takes more, so a handler that awaits it holds
   * at most one message for a slow reader. Rejects with a ConnectError once the stream has ended.
   */
  send(message: Message): Promise<void>;
}

export type UnaryRpc = {
  readonly kind: 'unary';
  readonly call: (message: unknown, context: CallContext) => Promise<unknown>;
};

export type ServerStreamRpc = {
  readonly kind: 'server-stream';
  /** Sent after each idle interval, but never as the first message. Undefined: the handler sees to it itself. */
  readonly keepalive: object | undefined;
  readonly call: (message: unknown, context: CallContext, stream: MessageStream<object>) => Promise<void>;
};

export type ClientStreamRpc = {
  readonly kind: 'client-stream';
  readonly call: (messages: AsyncIterable<unknown>, context: CallContext) => Promise<unknown>;
};

export type Rpc = UnaryRpc | ServerStreamRpc | ClientStreamRpc;

/** The methods of one service by their name in the URL, `Stat` and the like. */
export type Service = Readonly<Record<string, Rpc>>;

/**
 * One message in, one out. `handle` answers the reply in proto3 JSON form, or nothing for an empty one, and throws
 * ConnectError. Messages that do not fit `schema` never reach it (`invalid_argument`).
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

/** One message in, a stream out. The stream ends when `handle` settles; a ConnectError travels in its end. */
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

/** A stream in, one message out. The iteration ends with the request and throws ConnectError for a bad message. */
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
  const where = issue && issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  throw new ConnectError('invalid_argument', `${where}${issue?.message ?? 'invalid message'}`);
}

async function* parseEach<Schema extends z.ZodType>(
  schema: Schema,
  messages: AsyncIterable<unknown>,
): AsyncGenerator<z.output<Schema>, void, undefined> {
  for await (const message of messages) yield parse(schema, message);
}
