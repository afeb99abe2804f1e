import { isIP } from 'node:net';
import { z } from 'zod';
import { ApiError } from '../http';
import { ALL_TRAFFIC, NetworkRules } from '../record';
import { expect, fields } from '../validation';

const egress = {
  allowOut: expect.textList().optional(),
  denyOut: z
    .array(z.string().refine(isAddressRange, { error: 'expected an IP address or CIDR range' }))
    .optional(),
};

/** Rules that this engine cannot enforce. Empty ones ask for nothing. */
const unsupported = {
  allowIn: z.array(z.unknown()).nullish(),
  denyIn: z.array(z.unknown()).nullish(),
  dnsServers: z.array(z.unknown()).nullish(),
  egressProxy: z.unknown().optional(),
  rules: z.record(z.string(), z.unknown()).nullish(),
};
const UNSUPPORTED = Object.keys(unsupported) as (keyof typeof unsupported)[];

const DOMAINS_NEED_DENY = {
  path: ['allowOut'],
  error: 'expected 0.0.0.0/0 in denyOut if it contains domains',
};

/** `network` of docs/protocol.md#network-options. */
export const NetworkBody = fields({
  ...egress,
  ...unsupported,
  allowPublicTraffic: expect.flag().optional(),
  maskRequestHost: z
    .string({ error: 'expected a string' })
    .regex(/^[!-~]+$/, { error: 'expected a host of ASCII characters' })
    .optional(),
  httpsPorts: z.array(expect.integer(1, 65_535), { error: 'expected a list of ports' }).nullish(),
}).refine(allowsDomainsOnlyIfClosed, DOMAINS_NEED_DENY);
export type NetworkBody = z.infer<typeof NetworkBody>;

/** Body of docs/protocol.md#updating-the-network. What is absent is cleared. */
export const NetworkUpdateBody = fields({
  ...egress,
  ...unsupported,
  allow_internet_access: expect.flag().nullish(),
}).refine(allowsDomainsOnlyIfClosed, DOMAINS_NEED_DENY);
export type NetworkUpdateBody = z.infer<typeof NetworkUpdateBody>;

type Egress = Pick<NetworkBody, 'allowOut' | 'denyOut' | keyof typeof unsupported>;

/**
 * The rules to record, after a check that this engine enforces each of them. Sandboxes have either the network of this
 * machine or none, so the only rules it can keep are the ones that one of the two already fulfils.
 * @param prefix of the names in messages, such as `network.`
 * @throws ApiError 400 that names the rule.
 */
export function enforceable(
  body: NetworkBody,
  { prefix, allowInternetAccess, hasNetwork }: EgressContext,
): NetworkRules {
  requireEnforceable(body, { prefix, allowInternetAccess, hasNetwork });
  const { allowOut, denyOut, allowPublicTraffic, maskRequestHost, httpsPorts } = body;
  return NetworkRules.parse({
    ...{ allowOut, denyOut, allowPublicTraffic, maskRequestHost },
    httpsPorts: httpsPorts ?? undefined,
  });
}

type EgressContext = {
  prefix: string;
  allowInternetAccess: boolean | null;
  /** Whether sandboxes of this engine may have a network at all. */
  hasNetwork: boolean;
};

export function requireEnforceable(body: Egress, context: EgressContext): void {
  const { prefix, allowInternetAccess, hasNetwork } = context;
  for (const rule of UNSUPPORTED) {
    if (asksForSomething(body[rule])) throw notEnforced(`${prefix}${rule}`, 'it offers no such rule');
  }
  const denied = body.denyOut ?? [];
  const isClosed = allowInternetAccess === false || denied.includes(ALL_TRAFFIC);
  if ((body.allowOut ?? []).length > 0 && (isClosed || !hasNetwork)) {
    throw notEnforced(
      `${prefix}allowOut`,
      'a sandbox reaches either everything or nothing beyond its own loopback',
    );
  }
  if (hasNetwork && denied.length > 0 && !isClosed) {
    throw notEnforced(`${prefix}denyOut`, `it can only deny all traffic, with ${ALL_TRAFFIC}`);
  }
}

function asksForSomething(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** The refusal of a rule that nothing would enforce. */
export function notEnforced(rule: string, reason: string): ApiError {
  return new ApiError(400, `${rule}: not enforced by the local engine: ${reason}`);
}

function allowsDomainsOnlyIfClosed({
  allowOut = [],
  denyOut = [],
}: Pick<NetworkRules, 'allowOut' | 'denyOut'>): boolean {
  return allowOut.every(isAddressRange) || denyOut.includes(ALL_TRAFFIC);
}

function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (prefix === undefined || (/^\d+$/.test(prefix) && +prefix <= bits))
  );
}
