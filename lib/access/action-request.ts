import 'server-only';
import { IncomingMessage } from 'node:http';

/**
 * Checks the arguments of server actions before React decodes them. React's decoder and `apply` throw on many bodies that
 * no page sends, which ends in a logged error 500. Such a body is replaced by one that every action refuses as `invalid`,
 * so that the action still checks session and role first.
 */

/** The limit of Next.js for the body of an action. */
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;
/** One argument that is `undefined`. */
const REFUSED = Buffer.from('["$undefined"]');

/** Whether Next.js would take the request for a server action. */
export function isActionRequest({ method, headers }: IncomingMessage): boolean {
  if (method !== 'POST') return false;
  return headers['next-action'] !== undefined || isForm(headers['content-type']);
}

function isForm(contentType: string | undefined): boolean {
  return contentType?.startsWith('multipart/form-data') ?? false;
}

/**
 * Reads the whole request. Returns one with the same body, or with arguments that every action refuses, or `null` for a
 * malformed form that names no action in its headers. Rejects if the client disconnects.
 */
export async function checkActionRequest(req: IncomingMessage): Promise<IncomingMessage | null> {
  const id = req.headers['next-action'];
  const body = await readBody(req);
  const contentType = req.headers['content-type'];
  if (id === undefined) {
    return body !== null && (await isPlainForm(body, contentType, SCRIPTLESS)) ? withBody(req, body) : null;
  }
  const isAccepted =
    body !== null &&
    (isForm(contentType)
      ? await isPlainForm(body, contentType, argumentsOf(id))
      : isPlainArguments(body.toString('utf8'), { id, hasForms: false }));
  if (isAccepted) return withBody(req, body);
  return withBody(req, REFUSED, { 'content-type': 'text/plain;charset=UTF-8' });
}

/** `null` if the body is too large. The rest of it is then discarded. */
async function readBody(req: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A request like `req` that has been received completely. */
function withBody(req: IncomingMessage, body: Buffer, headers: Record<string, string> = {}): IncomingMessage {
  const read = new IncomingMessage(req.socket);
  const { 'transfer-encoding': _chunked, ...kept } = req.headers;
  const all = { ...kept, 'content-length': String(body.length), ...headers };
  Object.assign(read, {
    method: req.method,
    url: req.url,
    httpVersion: req.httpVersion,
    httpVersionMajor: req.httpVersionMajor,
    httpVersionMinor: req.httpVersionMinor,
    headers: all,
    rawHeaders: Object.entries(all).flatMap(([name, value]) => [name, String(value)]),
    complete: true,
  });
  read.push(body);
  read.push(null);
  return read;
}

type FormCheck = (name: string, value: FormDataEntryValue) => boolean;

/** Fields of a form that React sends for an action without scripts: references to the action, and its own fields. */
const SCRIPTLESS: FormCheck = (name, value) => {
  if (!name.startsWith('$')) return true;
  if (typeof value !== 'string') return false;
  if (/^\$ACTION_(REF_\d{1,3}|KEY|ID_[0-9a-f]{1,64})$/.test(name)) return true;
  // The reference itself, and the state of the form so far.
  if (/^\$ACTION_\d{1,3}:0$/.test(name)) return isPlainJson(value, /^\$@1$/);
  return /^\$ACTION_\d{1,3}:1$/.test(name) && isArray(value) && isPlainJson(value);
};

/** Fields of the arguments of an action: `0` is JSON that refers to forms, whose fields begin with their number. */
function argumentsOf(id: string | string[]): FormCheck {
  return (name, value) =>
    name === '0'
      ? typeof value === 'string' && isPlainArguments(value, { id, hasForms: true })
      : /^_[0-9a-f]{1,4}_/.test(name);
}

async function isPlainForm(body: Buffer, contentType = '', check: FormCheck): Promise<boolean> {
  const response = new Response(new Uint8Array(body), { headers: { 'content-type': contentType } });
  const form = await response.formData().catch(() => null);
  if (form === null || [...form].length === 0) return false;
  if (check !== SCRIPTLESS && form.getAll('0').length !== 1) return false;
  return [...form].every(([name, value]) => check(name, value));
}

/** Whether `text` is JSON of the arguments that the action declares, and these are plain. */
function isPlainArguments(
  text: string,
  { id, hasForms }: { id: string | string[]; hasForms: boolean },
): boolean {
  if (!isPlainJson(text, hasForms ? /^\$K[0-9a-f]{1,4}$/ : undefined)) return false;
  const args: unknown = JSON.parse(text);
  return Array.isArray(args) && args.length <= declaredArguments(String(id));
}

/**
 * The number of arguments that an action reads. The first byte of its id tells it: a bit for each of the first six, and
 * the lowest bit for a rest parameter. The client of Next.js drops arguments by the same byte.
 */
function declaredArguments(id: string): number {
  const info = Number.parseInt(id.slice(0, 2), 16);
  if (Number.isNaN(info) || info & 1) return Number.POSITIVE_INFINITY;
  const used = (info >> 1) & 0b111111;
  return used === 0 ? 0 : 6 - Math.log2(used & -used);
}

function isArray(text: string): boolean {
  return text.startsWith('[');
}

/**
 * Whether `text` is JSON without a reference to anything but what matches `references`. React gives text that starts with
 * `$` a meaning. Our pages send plain values, and `undefined` in objects.
 */
function isPlainJson(text: string, references?: RegExp): boolean {
  const whole = parse(text);
  if (whole === undefined) return false;
  const open: { value: unknown; depth: number }[] = [{ value: whole, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string') {
      const isMarked = value.startsWith('$') && !value.startsWith('$$') && value !== '$undefined';
      if (isMarked && !references?.test(value)) return false;
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH || Object.hasOwn(value, '__proto__')) return false;
    for (const inner of Object.values(value)) open.push({ value: inner, depth: depth + 1 });
  }
  return true;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
