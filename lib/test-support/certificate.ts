import { generateKeyPairSync, sign } from 'node:crypto';

/** Writes X.509 certificates for tests of TLS (RFC 5280), which Node.js can only read. */

type Options = { names: readonly string[]; from?: Date; until?: Date };

const DAY_MS = 86_400_000;
const SHA256_WITH_ECDSA = der(0x30, oid('2a8648ce3d040302'));

/** A certificate for these DNS names and 127.0.0.1, signed by its own key. Valid for a day unless told otherwise. */
export function selfSigned({
  names,
  from = new Date(Date.now() - DAY_MS),
  until = new Date(Date.now() + DAY_MS),
}: Options): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const subject = der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from(names[0] ?? 'test')))));
  const alternatives = der(
    0x30,
    ...names.map((name) => der(0x82, Buffer.from(name))),
    der(0x87, Buffer.from([127, 0, 0, 1])),
  );
  const extensions = der(0x30, der(0x30, oid('551d11'), der(0x04, alternatives)));
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    SHA256_WITH_ECDSA,
    subject,
    der(0x30, time(from), time(until)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', toBeSigned, privateKey)]);
  const certificate = der(0x30, toBeSigned, SHA256_WITH_ECDSA, der(0x03, signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

/** One value of ASN.1: its tag, its length and its parts. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

/** UTCTime, which is in seconds and ends in 2049. */
function time(at: Date): Buffer {
  return der(0x17, Buffer.from(`${at.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`));
}
