import { onTestFinished } from 'vitest';
import type { ConsoleRules } from '../config';
import type { Subscriber } from '../live/hub';
import type { Role } from '../roles';
import { apiOf } from '../sandbox-api/configured';
import type { SandboxKey } from '../sandbox-key';
import { eventually, localKey, type ServiceEngine } from '../test-support/environment';
import { someone } from '../test-support/people';
import { type ConsoleEvent, packInput, unpackOutput } from './protocol';
import type { ConsoleRequest } from './schema';
import { ConsoleSessions } from './sessions';

/** Consoles of a test, with their own sessions, clock and audit log. */

const RULES: ConsoleRules = {
  perSandbox: 2,
  perPerson: 3,
  total: 4,
  idleMs: 30 * 60_000,
  maxMs: 12 * 3_600_000,
};
export const ANA = someone('ana');
export const LI = someone('li');

/** Consoles with their own sessions, clock and audit log. */
export function openServer(rules: Partial<ConsoleRules> = {}) {
  const audited: string[] = [];
  const roles = new Map<string, Role>([
    [ANA.id, 'operator'],
    [LI.id, 'operator'],
  ]);
  const clock = { nowMs: Date.now() };
  const consoles = new ConsoleSessions({
    rules: { ...RULES, ...rules },
    openEnvd: (sandboxKey) => apiOf(sandboxKey).openEnvd(sandboxKey),
    recordAccess: async (person, { kind, detail }) =>
      void audited.push(`${person?.actor ?? '–'} ${kind}: ${detail}`),
    findSession: async (id) => {
      const role = roles.get(id);
      return role === undefined ? null : { grants: { everywhere: role, on: {} } };
    },
    now: () => clock.nowMs,
  });
  onTestFinished(() => consoles.closeAll());
  return { consoles, audited, roles, clock };
}

export type Server = ReturnType<typeof openServer>;

export const requestFor = (sandboxKey: SandboxKey): ConsoleRequest => ({
  sandboxKey,
  user: null,
  cwd: null,
  size: { cols: 80, rows: 24 },
});

/** A tab that shows a console and draws its output at once. */
export async function openTab(
  { consoles }: Server,
  id: string,
  person = ANA,
  { offset = 0, acks = true, client = `tab-of-${person.actor}` } = {},
) {
  const events: ConsoleEvent[] = [];
  const pieces: Uint8Array[] = [];
  let end = offset;
  let seq = 0;
  const subscriber: Subscriber = {
    key: id,
    session: { ...person, sessionId: person.id },
    joinPayload: { client, offset, size: { cols: 80, rows: 24 } },
    sendBytes: (frame) => {
      const output = unpackOutput(frame);
      if (output === null) throw new Error('Not output.');
      const gapEnd = last('gap')?.from;
      if (output.offset !== end && output.offset !== gapEnd && pieces.length > 0)
        throw new Error('Output is missing or doubled.');
      pieces.push(Buffer.from(output.bytes));
      end = output.offset + output.bytes.length;
      if (acks) setImmediate(() => subscription.onMessage({ kind: 'ack', offset: end }));
    },
    recheck: async () => true,
  };
  const subscription = consoles.subscribe((payload) => events.push(payload as ConsoleEvent), subscriber);
  const last = <K extends ConsoleEvent['kind']>(kind: K) =>
    events.findLast((event): event is Extract<ConsoleEvent, { kind: K }> => event.kind === kind);
  const tab = {
    ...subscription,
    events,
    last,
    raw: () => Buffer.concat(pieces),
    text: () => Buffer.concat(pieces).toString('utf8'),
    end: () => end,
    type(text: string) {
      seq += 1;
      const counts = events.flatMap((event) => ('refusals' in event ? [event.refusals] : []));
      const after = counts.at(-1) ?? 0;
      subscription.onBytes(packInput({ seq, after, bytes: Buffer.from(text) }));
      return seq;
    },
    /** Uses up a number without sending input. */
    skip: () => {
      seq += 1;
    },
    state: () => last('state')?.info,
  };
  await eventually(() => tab.state()?.state === 'open');
  return tab;
}

/** Opens consoles in sandboxes of an engine, in a new one unless one is given. */
export function consolesIn(engine: Pick<ServiceEngine, 'create'>) {
  return async (server: Server, sandboxKey?: SandboxKey, person = ANA) => {
    const key = sandboxKey ?? localKey(await engine.create());
    const id = await server.consoles.open(person, requestFor(key));
    return { id, sandboxKey: key };
  };
}
