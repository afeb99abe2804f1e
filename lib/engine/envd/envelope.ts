import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ConnectError } from './connect-error';

/** Largest request message. Messages are held in memory whole. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

const HEADER_BYTES = 5;
const FLAG_COMPRESSED = 0x01;
const FLAG_END_STREAM = 0x02;

/** An envelope: one flag byte, the length as a big-endian uint32, then JSON (docs/protocol.md#streams). */
export function encodeMessage(message: unknown): Buffer {
  return encode(0, message);
}

/** The required last envelope of a stream. Without it the SDKs report a broken stream. */
export function encodeEndStream(error?: ConnectError): Buffer {
  return encode(FLAG_END_STREAM, error ? { error } : {});
}

/**
 * Parses the messages of a request body, buffering at most one.
 * @param mayCompress whether messages may be compressed with gzip
 * @throws ConnectError `invalid_argument` for a malformed envelope, `resource_exhausted` for one that is too large.
 */
export async function* decodeMessages(
  body: AsyncIterable<Buffer>,
  mayCompress = false,
): AsyncGenerator<unknown, void, undefined> {
  let chunks: Buffer[] = [];
  let bufferedBytes = 0;
  let neededBytes = HEADER_BYTES;
  for await (const chunk of body) {
    chunks.push(chunk);
    bufferedBytes += chunk.length;
    if (bufferedBytes < neededBytes) continue;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (;;) {
      neededBytes = sizeOfNext(rest, mayCompress);
      if (rest.length < neededBytes) break;
      if (rest.length >= HEADER_BYTES) yield await readMessage(rest.subarray(0, neededBytes));
      rest = rest.subarray(neededBytes);
    }
    chunks = rest.length > 0 ? [rest] : [];
    bufferedBytes = rest.length;
  }
  if (bufferedBytes > 0) throw new ConnectError('invalid_argument', 'protocol error: incomplete envelope');
}

async function readMessage(envelope: Buffer): Promise<unknown> {
  const content = envelope.subarray(HEADER_BYTES);
  return parseJson(envelope.readUInt8(0) === FLAG_COMPRESSED ? await gunzipMessage(content) : content);
}

/** @throws ConnectError `invalid_argument` for data that is not gzip, `resource_exhausted` for a message that is too large */
export async function gunzipMessage(compressed: Buffer): Promise<Buffer> {
  try {
    return await promisify(gunzip)(compressed, { maxOutputLength: MAX_MESSAGE_BYTES });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ConnectError('resource_exhausted', `message is larger than ${MAX_MESSAGE_BYTES} bytes`);
    }
    throw new ConnectError('invalid_argument', 'protocol error: message is not valid gzip data');
  }
}

/** @throws ConnectError `invalid_argument` */
export function parseJson(encoded: Buffer): unknown {
  try {
    return JSON.parse(encoded.toString('utf8')) as unknown;
  } catch {
    throw new ConnectError('invalid_argument', 'protocol error: message is not valid JSON');
  }
}

/** Size of the first envelope, or of its header if that is incomplete. */
function sizeOfNext(buffer: Buffer, mayCompress: boolean): number {
  if (buffer.length < HEADER_BYTES) return HEADER_BYTES;
  const flags = buffer.readUInt8(0);
  const lengthBytes = buffer.readUInt32BE(1);
  if (flags === FLAG_COMPRESSED && !mayCompress) {
    throw new ConnectError('internal', 'protocol error: sent compressed message without compression support');
  }
  if (flags !== 0 && flags !== FLAG_COMPRESSED)
    throw new ConnectError('invalid_argument', `protocol error: invalid envelope flags ${flags}`);
  if (lengthBytes > MAX_MESSAGE_BYTES) {
    throw new ConnectError('resource_exhausted', `message is larger than ${MAX_MESSAGE_BYTES} bytes`);
  }
  return HEADER_BYTES + lengthBytes;
}

function encode(flags: number, message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(flags, 0);
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}
