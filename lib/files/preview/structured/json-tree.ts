export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';
const KINDS = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const;
const KIND_OF_WORD = { true: 'boolean', false: 'boolean', null: 'null' } as const;

/** `line` and `column` from 1. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
  constructor(
    message: string,
    readonly offset: number,
    readonly line: number,
    readonly column: number,
  ) {
    super(message);
  }
}

const NONE = -1;
const WORK_PER_STEP = 2_000;

/** A growable integer array. Nodes are rows of such columns, which keeps millions of them small. */
class Column {
  #held = new Int32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#held.length) {
      const larger = new Int32Array(this.#held.length * 2);
      larger.set(this.#held);
      this.#held = larger;
    }
    this.#held[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#held[index] ?? NONE;
  }

  set(index: number, value: number): void {
    this.#held[index] = value;
  }
}

/** A syntax tree over a JSON text. Keeps all digits of numbers and duplicate keys. Nodes are numbers; 0 is the root. */
export class JsonTree {
  readonly #kinds = new Column();
  readonly #starts = new Column();
  readonly #ends = new Column();
  readonly #parents = new Column();
  /** The offset of the key; `NONE` in arrays. */
  readonly #keys = new Column();
  readonly #firsts = new Column();
  readonly #nexts = new Column();
  readonly #counts = new Column();
  /** The index within the parent. */
  readonly #places = new Column();

  constructor(readonly text: string) {}

  get size(): number {
    return this.#kinds.length;
  }

  /** For the parser: adds a node after `previous` in `parent`. */
  add(kind: JsonKind, start: number, parent: number, previous: number, key: number): number {
    const node = this.size;
    this.#kinds.push(KINDS.indexOf(kind));
    this.#starts.push(start);
    this.#ends.push(start);
    this.#parents.push(parent);
    this.#keys.push(key);
    this.#firsts.push(NONE);
    this.#nexts.push(NONE);
    this.#counts.push(0);
    this.#places.push(parent === NONE ? 0 : this.#counts.at(parent));
    if (parent !== NONE) this.#counts.set(parent, this.#counts.at(parent) + 1);
    if (previous !== NONE) this.#nexts.set(previous, node);
    else if (parent !== NONE) this.#firsts.set(parent, node);
    return node;
  }

  end(node: number, at: number): void {
    this.#ends.set(node, at);
  }

  kind(node: number): JsonKind {
    return KINDS[this.#kinds.at(node)] ?? 'null';
  }

  isBranch(node: number): boolean {
    return this.#kinds.at(node) < 2;
  }

  count(node: number): number {
    return this.#counts.at(node);
  }

  /** `null` for the root. */
  parent(node: number): number | null {
    const parent = this.#parents.at(node);
    return parent === NONE ? null : parent;
  }

  firstChild(node: number): number | null {
    const child = this.#firsts.at(node);
    return child === NONE ? null : child;
  }

  next(node: number): number | null {
    const next = this.#nexts.at(node);
    return next === NONE ? null : next;
  }

  /** The decoded key, or the index in an array; `null` for the root. At most `maxChars`. */
  key(node: number, maxChars = 1_000): string | number | null {
    const key = this.#keys.at(node);
    if (key === NONE) return this.#parents.at(node) === NONE ? null : this.#places.at(node);
    return decodeString(this.text.slice(key, Math.min(endOfString(this.text, key), key + maxChars)));
  }

  /** The source of a leaf, at most `maxChars`; a string includes its quotes. */
  source(node: number, maxChars = 10_000): string {
    return this.text.slice(
      this.#starts.at(node),
      Math.min(this.#ends.at(node), this.#starts.at(node) + maxChars),
    );
  }

  span(node: number): number {
    return this.#ends.at(node) - this.#starts.at(node);
  }
}

/** Decodes a JSON string. Returns the source if it is cut off or invalid. */
export function decodeString(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.replace(/^"/, '');
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; ) {
    const end = text.indexOf('"', at);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    at = end + 1;
  }
}

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
/** The valid part of a string. Bounded, because a regular expression can fail on very long input. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a string may not contain these.
const STRING_PART = /(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4})){1,4096}/y;

type ParseOptions = {
  /** The text is a sequence of values, as in JSON Lines. The root is then an array of them. */
  isSequence?: boolean;
};

/** Parses JSON of any depth. A generator for `inSlices`. Throws `JsonSyntaxError`. */
export function* parseJson(text: string, { isSequence = false }: ParseOptions = {}) {
  const tree = new JsonTree(text);
  /** The node being read, and the last child at each level. */
  let open = isSequence ? tree.add('array', 0, NONE, NONE, NONE) : NONE;
  const lasts: number[] = [NONE];
  let at = skipSpace(text, 0);
  let key = NONE;
  let steps = 0;
  let expects: 'value' | 'first' | 'member' | 'rest' = 'value';
  const close = (end: number) => {
    tree.end(open, end);
    lasts.pop();
    open = tree.parent(open) ?? NONE;
    expects = 'rest';
  };

  for (;;) {
    steps += 1;
    if (steps % WORK_PER_STEP === 0) yield;
    const isTop = open === NONE || (isSequence && open === 0);
    if (expects === 'rest' && isTop) {
      if (at === text.length) break;
      if (!isSequence) throw syntaxErrorAt(text, at, 'unexpected text after the end');
      expects = 'value';
    }
    if (isSequence && isTop && at === text.length) break;
    const character = text[at];
    const isObject = open !== NONE && tree.kind(open) === 'object';
    const closer = isObject ? '}' : ']';
    if (expects === 'rest' || (expects === 'first' && character === closer)) {
      if (character === closer) close(at + 1);
      else if (character === ',') expects = isObject ? 'member' : 'value';
      else throw syntaxErrorAt(text, at, `expected “,” or “${closer}”`);
      at = skipSpace(text, at + 1);
      continue;
    }
    if (isObject && (expects === 'first' || expects === 'member')) {
      if (character !== '"') throw syntaxErrorAt(text, at, 'expected a key in quotes');
      key = at;
      at = skipSpace(text, yield* readString(text, at));
      if (text[at] !== ':') throw syntaxErrorAt(text, at, 'expected “:”');
      at = skipSpace(text, at + 1);
      expects = 'value';
      continue;
    }
    const kind = kindAt(text, at);
    const node = tree.add(kind, at, open, lasts[lasts.length - 1] ?? NONE, key);
    lasts[lasts.length - 1] = node;
    key = NONE;
    if (kind === 'object' || kind === 'array') {
      open = node;
      lasts.push(NONE);
      expects = 'first';
      at = skipSpace(text, at + 1);
      continue;
    }
    const end = kind === 'string' ? yield* readString(text, at) : endOfPlain(text, at, kind);
    tree.end(node, end);
    at = skipSpace(text, end);
    expects = 'rest';
  }
  if (isSequence) tree.end(0, text.length);
  return tree;
}

function kindAt(text: string, at: number): JsonKind {
  const character = text[at];
  if (character === '{') return 'object';
  if (character === '[') return 'array';
  if (character === '"') return 'string';
  WORD.lastIndex = at;
  const word = WORD.exec(text)?.[0] as keyof typeof KIND_OF_WORD | undefined;
  if (word !== undefined) return KIND_OF_WORD[word];
  if (endOf(NUMBER, text, at) > at) return 'number';
  throw syntaxErrorAt(text, at, at >= text.length ? 'unexpected end' : 'expected a value');
}

function endOfPlain(text: string, at: number, kind: JsonKind): number {
  return endOf(kind === 'number' ? NUMBER : WORD, text, at);
}

function* readString(text: string, start: number): Generator<void, number, void> {
  let at = start + 1;
  for (let parts = 1; ; parts += 1) {
    const end = endOf(STRING_PART, text, at);
    if (end === at) break;
    at = end;
    if (parts % 64 === 0) yield;
  }
  if (text[at] === '"') return at + 1;
  throw syntaxErrorAt(text, at, at >= text.length ? 'unterminated string' : 'invalid character in a string');
}

function skipSpace(text: string, at: number): number {
  return endOf(SPACE, text, at);
}

/** The end of a match at `at`, or `at` if there is none. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function syntaxErrorAt(text: string, offset: number, what: string): JsonSyntaxError {
  let line = 1;
  let begin = 0;
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', end + 1)) {
    line += 1;
    begin = end + 1;
  }
  return new JsonSyntaxError(what, offset, line, offset - begin + 1);
}

export type JsonRow = { node: number; level: number };

/** The visible rows for a set of unfolded nodes, at most `max`. */
export function jsonRows(tree: JsonTree, open: ReadonlySet<number>, max: number): JsonRow[] {
  const rows: JsonRow[] = [];
  let node: number | null = 0;
  let level = 1;
  while (node !== null && rows.length < max) {
    rows.push({ node, level });
    const child: number | null = open.has(node) ? tree.firstChild(node) : null;
    if (child !== null) {
      node = child;
      level += 1;
      continue;
    }
    let after: number | null = tree.next(node);
    let up: number | null = node;
    while (after === null && up !== null) {
      up = tree.parent(up);
      level -= 1;
      after = up === null ? null : tree.next(up);
    }
    node = after;
  }
  return rows;
}

/** The path of a node, such as `$.items[3]["odd key"]`. A very long path is cut in the middle. */
export function jsonPath(tree: JsonTree, node: number): string {
  const steps: string[] = [];
  for (let at: number | null = node; at !== null; at = tree.parent(at)) {
    const key = tree.key(at);
    if (typeof key === 'number') steps.push(`[${key}]`);
    else if (key !== null)
      steps.push(/^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
  }
  steps.reverse();
  const shown = steps.length <= 64 ? steps : [...steps.slice(0, 32), '…', ...steps.slice(-32)];
  return `$${shown.join('')}`;
}

/** The initially unfolded nodes: whole upper levels, up to `maxRows`. */
export function firstOpen(tree: JsonTree, maxRows = 200): Set<number> {
  const open = new Set<number>();
  let level = [0];
  let rows = 1;
  while (level.length > 0) {
    const branches = level.filter((node) => tree.isBranch(node));
    const more = branches.reduce((sum, node) => sum + tree.count(node), 0);
    const isFirst = open.size === 0;
    if (more === 0 || (!isFirst && rows + more > maxRows)) break;
    rows += more;
    level = [];
    for (const node of branches) {
      open.add(node);
      if (rows <= maxRows)
        for (let child = tree.firstChild(node); child !== null; child = tree.next(child)) level.push(child);
    }
  }
  return open;
}

/** Carries unfolded nodes over to a new tree by their paths. Scans no more members than necessary: there may be millions. */
export function carryOpen(from: JsonTree, open: ReadonlySet<number>, to: JsonTree): Set<number> {
  const within = new Map<number | null, number[]>();
  for (const node of open) {
    const parent = from.parent(node);
    const beside = within.get(parent);
    if (beside) beside.push(node);
    else within.set(parent, [node]);
  }
  const still = new Set<number>();
  const pairs: [number, number][] = open.has(0) ? [[0, 0]] : [];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [before, now] = pair;
    if (!to.isBranch(now)) continue;
    still.add(now);
    const wanted = new Map((within.get(before) ?? []).map((node) => [from.key(node), node]));
    for (let child = to.firstChild(now); child !== null && wanted.size > 0; child = to.next(child)) {
      const key = to.key(child);
      const same = wanted.get(key);
      if (same === undefined) continue;
      wanted.delete(key);
      pairs.push([same, child]);
    }
  }
  return still;
}
