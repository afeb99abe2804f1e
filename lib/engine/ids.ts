import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** Bytes above this would make the first letters more likely. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length);

export function randomId(length: number): string {
  let id = '';
  while (id.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < FAIR_BYTES && id.length < length) id += ALPHABET[byte % ALPHABET.length];
    }
  }
  return id;
}

export const SANDBOX_ID = /^i[a-z0-9]{20}$/;

export function newSandboxId(): string {
  return `i${randomId(20)}`;
}

/** The id without the `-<clientID>` of old clients; null if invalid (docs/protocol.md#sandbox-ids). */
export function parseSandboxId(text: string): string | null {
  const [id = '', client, ...rest] = text.split('-');
  if (rest.length > 0 || client === '') return null;
  return SANDBOX_ID.test(id) ? id : null;
}

/** Derives the tokens of sandboxes from one secret, which saves storing them (docs/protocol.md#sandbox-tokens). */
export class Tokens {
  readonly #seed: Buffer;

  constructor(seed: Buffer) {
    this.#seed = seed;
  }

  access(id: string): string {
    return createHmac('sha256', this.#seed).update(id).digest('hex');
  }

  /** Token for the other ports of a sandbox without public traffic. */
  traffic(id: string): string {
    return createHmac('sha256', this.#seed).update(`sandbox-traffic-${id}`).digest('hex');
  }
}

/** Compares in constant time, even for different lengths. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** The signed query values of a file URL, as sent (docs/protocol.md#file-url-signatures). */
export type SignedFile = {
  path: string;
  operation: 'read' | 'write';
  username: string;
  /** Unix seconds; absent if the signature does not expire. */
  expiration?: string;
};

export function fileSignature(file: SignedFile, accessToken: string): string {
  const parts = [file.path, file.operation, file.username, accessToken];
  if (file.expiration !== undefined) parts.push(file.expiration);
  return `v1_${createHash('sha256').update(parts.join(':')).digest('base64').replace(/=+$/, '')}`;
}

/** The signature that a request to `/files` with this method and query must carry. */
export function signatureFor(
  method: string | undefined,
  query: URLSearchParams,
  accessToken: string,
): string {
  const expiration = query.get('signature_expiration');
  const file: SignedFile = {
    path: query.get('path') ?? '',
    operation: method === 'POST' ? 'write' : 'read',
    username: query.get('username') ?? '',
    ...(expiration === null ? {} : { expiration }),
  };
  return fileSignature(file, accessToken);
}
