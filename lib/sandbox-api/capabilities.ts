import 'server-only';
import type { ConnectionKind } from '../connection';
import {
  CAPABILITIES,
  CAPABILITY_FACTS,
  type Capability,
  LACKS_NOTHING,
  type Lacking,
} from '../sandbox/capabilities';
import type { SandboxKey } from '../sandbox-key';

/** `unknown`: nothing is known yet. It is tried, and the answer teaches. */
export type Support = 'yes' | 'no' | 'unknown';
/** How it is known: by the kind of service, a probe, or the answer to a call. */
export type SupportSource = 'preset' | 'probe' | 'answer';

type Preset = Readonly<Record<Capability, Support>>;

const MORU: Preset = {
  cursor: 'yes',
  startedAfter: 'no',
  limits: 'no',
  templates: 'yes',
  pause: 'yes',
  keepsMemory: 'yes',
  resume: 'yes',
  resumeAutoPause: 'yes',
  setTimeout: 'yes',
  lifecycle: 'no',
  metrics: 'yes',
  batchMetrics: 'yes',
  memoryCache: 'no',
  logs: 'yes',
  logsV2: 'no',
  events: 'no',
  runs: 'yes',
  teamMetrics: 'unknown',
  files: 'yes',
  processes: 'yes',
  snapshots: 'no',
  fork: 'no',
  demoFleet: 'no',
  sharesDisk: 'no',
};

const E2B: Preset = {
  ...MORU,
  startedAfter: 'yes',
  lifecycle: 'yes',
  memoryCache: 'yes',
  logsV2: 'yes',
  // Hosted E2B only (docs/protocol.md#e2b-self-hosted).
  events: 'unknown',
  runs: 'no',
  snapshots: 'yes',
  fork: 'yes',
};

/** What each kind is expected to offer (docs/protocol.md#e2b-and-moru and docs/protocol.md#compatible-services). */
const PRESETS = {
  local: {
    ...MORU,
    limits: 'yes',
    demoFleet: 'yes',
    sharesDisk: 'yes',
    startedAfter: 'unknown',
    lifecycle: 'unknown',
    logsV2: 'unknown',
    events: 'unknown',
    snapshots: 'unknown',
    fork: 'unknown',
  },
  moru: MORU,
  e2b: E2B,
  'e2b-compatible': {
    ...(Object.fromEntries(CAPABILITIES.map((name) => [name, 'unknown'])) as Preset),
    limits: 'no',
    demoFleet: 'no',
    sharesDisk: 'no',
  },
} satisfies Record<ConnectionKind, Preset>;

export type CapabilityFinding = {
  name: Capability;
  title: string;
  support: Support;
  source: SupportSource;
  /** What showed it, for example "answered 405". */
  evidence: string;
};

type Learned = Omit<CapabilityFinding, 'name' | 'title'> & { untilMs: number };

/** Statuses of a route that a service does not have, whatever the sandbox. */
const NO_ROUTE: ReadonlySet<number> = new Set([405, 501]);
/** How long a missing route is believed. A proxy may answer 404 for a moment, and nothing asks again meanwhile. */
const BELIEVED_MS = { 404: 10 * 60_000, other: 24 * 60 * 60_000 } as const;
/** So many sandboxes must exist while a route says that they do not, before the route counts as missing. */
const MIN_DOUBTED = 2;

/**
 * The capabilities of one connection: a preset by kind, corrected by what its routes answer. A 404 of a route of one sandbox
 * says nothing by itself, because the sandbox may be gone: see `doubt`.
 */
export class CapabilitySet {
  readonly #kind: ConnectionKind;
  readonly #learned = new Map<Capability, Learned>();
  /** The sandboxes that exist although a route says that they do not. */
  readonly #doubts = new Map<Capability, Set<SandboxKey>>();
  #lacking: Lacking = LACKS_NOTHING;

  constructor(kind: ConnectionKind) {
    this.#kind = kind;
  }

  /** Whether to offer what needs `name`. What is unknown is offered, because trying teaches. */
  can(name: Capability): boolean {
    return this.support(name) !== 'no';
  }

  support(name: Capability): Support {
    return this.#find(name).support;
  }

  /** What is lacking, with the reason to show. The same object until something changes. */
  lacking(): Lacking {
    const names = CAPABILITIES.filter((name) => !this.can(name));
    const known = Object.keys(this.#lacking);
    const isSame = names.length === known.length && names.every((name) => name in this.#lacking);
    if (!isSame)
      this.#lacking = Object.fromEntries(names.map((name) => [name, CAPABILITY_FACTS[name].lacking]));
    return this.#lacking;
  }

  findings(): CapabilityFinding[] {
    return CAPABILITIES.map((name) => {
      const { support, source, evidence } = this.#find(name);
      return { name, title: CAPABILITY_FACTS[name].title, support, source, evidence };
    });
  }

  /** `believedMs`: how long a missing capability counts as missing. */
  learn(
    name: Capability,
    isOffered: boolean,
    source: Exclude<SupportSource, 'preset'>,
    evidence: string,
    believedMs: number = BELIEVED_MS.other,
  ): void {
    if (isOffered) this.#doubts.delete(name);
    const known = this.#find(name);
    // What a call was answered weighs more than a probe, which has less to ask about.
    if (source === 'probe' && known.source === 'answer' && known.support === 'yes') return;
    const untilMs = isOffered ? Number.POSITIVE_INFINITY : Date.now() + believedMs;
    this.#learned.set(name, { support: isOffered ? 'yes' : 'no', source, evidence, untilMs });
  }

  #find(name: Capability): Learned {
    const learned = this.#learned.get(name);
    if (learned !== undefined && learned.untilMs > Date.now()) return learned;
    const { [this.#kind]: preset } = PRESETS;
    return { support: preset[name], source: 'preset', evidence: PRESET_EVIDENCE[this.#kind], untilMs: 0 };
  }

  /** Takes the status that a route answered. `missing` is what a 404 of this route says is missing. */
  observe(name: Capability, status: number, missing: 'sandbox' | 'route' | 'service'): void {
    const evidence = `answered ${status}`;
    if (NO_ROUTE.has(status)) this.learn(name, false, 'answer', evidence);
    else if (status === 404 && missing === 'route')
      this.learn(name, false, 'answer', evidence, BELIEVED_MS[404]);
    // The route exists, whatever it thought of the request.
    else if ((status >= 200 && status < 300) || status === 409) this.learn(name, true, 'answer', evidence);
  }

  /**
   * Notes that a route answered 404 for a sandbox that exists. That happens once in a while, to a sandbox that is about to end.
   * A route that has never answered otherwise, and says so of several sandboxes, is not offered.
   */
  doubt(name: Capability, key: SandboxKey): void {
    const known = this.#find(name);
    if (known.source === 'answer' && known.support === 'yes') return;
    const doubted = this.#doubts.get(name) ?? new Set();
    this.#doubts.set(name, doubted.add(key));
    if (doubted.size >= MIN_DOUBTED)
      this.learn(name, false, 'answer', `answered 404 for ${doubted.size} sandboxes that exist`);
  }
}

const PRESET_EVIDENCE = {
  local: 'as the local engine does',
  moru: 'as Moru does',
  e2b: 'as E2B does',
  'e2b-compatible': 'not known of compatible services',
} satisfies Record<ConnectionKind, string>;

const SUPPORT_WORDS = { yes: 'yes', no: 'no', unknown: 'not known yet' } satisfies Record<Support, string>;

/** The capabilities of a service, to read and to copy: one line each, and as JSON. */
export function describeCapabilities(
  service: { kind: ConnectionKind; apiUrl: string },
  findings: readonly CapabilityFinding[],
): { text: string; json: string } {
  const width = Math.max(...findings.map(({ title }) => title.length));
  const lines = findings.map(
    ({ title, support, source, evidence }) =>
      `${title.padEnd(width)}  ${SUPPORT_WORDS[support].padEnd(13)}  ${source}: ${evidence}`,
  );
  const capabilities = Object.fromEntries(
    findings.map(({ name, support, source, evidence }) => [name, { support, source, evidence }]),
  );
  const { kind, apiUrl } = service;
  return {
    text: [`${kind} at ${apiUrl}`, ...lines].join('\n'),
    json: JSON.stringify({ kind, apiUrl, capabilities }, null, 2),
  };
}
