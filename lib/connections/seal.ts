import 'server-only';
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts the keys of connections with AES-256-GCM under a secret of this installation. */
export class KeySeal {
  readonly #key: Buffer;
  /** Identifies the secret without revealing it. Stored beside what it sealed. */
  readonly fingerprint: string;

  /** @param secret at least 32 characters of any text */
  constructor(secret: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'sandkeeper connection keys', 32));
    this.fingerprint = createHash('sha256')
      .update(Buffer.from(hkdfSync('sha256', secret, '', 'sandkeeper fingerprint', 32)))
      .digest('base64url')
      .slice(0, 12);
  }

  /** Seals `key` for one connection: it cannot be opened under another name. */
  seal(connection: string, key: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(connection));
    const sealed = Buffer.concat([cipher.update(key, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** The key, or `null` if it was sealed under another secret or name, or was changed. */
  open(connection: string, sealed: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < IV_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(connection));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      return Buffer.concat([
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)),
        decipher.final(),
      ]).toString('utf8');
    } catch {
      return null;
    }
  }
}
