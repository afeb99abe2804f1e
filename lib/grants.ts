import { ROLES, type Role, roleSuffices } from './roles';
import { type ConnectionName, connectionOf, type SandboxKey } from './sandbox-key';

/** The roles of a person: on every connection, present and future, and on single ones. */
export type Grants = { everywhere: Role | null; on: Readonly<Record<ConnectionName, Role>> };

export const NO_GRANTS: Grants = { everywhere: null, on: {} };

/** A role on any connection is enough. */
export const ANYWHERE: unique symbol = Symbol('anywhere');
/** The role is needed on all connections, also on future ones. Written `*` in grants. */
export const EVERYWHERE = '*';

/** Where a role is needed: on a connection, on each of several, on any, or on all. */
export type Scope = ConnectionName | readonly ConnectionName[] | typeof ANYWHERE | typeof EVERYWHERE;

/** The role on a connection, or `null` if the person must not learn that it exists. */
export function roleOn({ everywhere, on }: Grants, connection: ConnectionName): Role | null {
  return higher(everywhere, Object.hasOwn(on, connection) ? (on[connection] ?? null) : null);
}

/** The role in a scope, or `null`. On several connections it is the lowest of their roles. */
export function roleIn(grants: Grants, scope: Scope): Role | null {
  if (scope === EVERYWHERE) return grants.everywhere;
  if (scope === ANYWHERE) return bestRole(grants);
  if (typeof scope === 'string') return roleOn(grants, scope);
  let lowest: Role | null = bestRole(grants);
  for (const connection of new Set(scope)) lowest = lower(lowest, roleOn(grants, connection));
  return lowest;
}

/** Whether the role in a scope includes the permissions of `role`. */
export function mayIn(grants: Grants, role: Role, scope: Scope): boolean {
  const held = roleIn(grants, scope);
  return held !== null && roleSuffices(held, role);
}

/** Both together: the higher role counts everywhere. */
export function joinGrants(all: readonly Grants[]): Grants {
  const on: Record<ConnectionName, Role> = {};
  let everywhere: Role | null = null;
  for (const grants of all) {
    everywhere = higher(everywhere, grants.everywhere);
    for (const [name, role] of Object.entries(grants.on))
      on[name] = higher(Object.hasOwn(on, name) ? (on[name] ?? null) : null, role) ?? role;
  }
  return { everywhere, on };
}

/** What both allow: the lower role counts on each connection. */
export function intersectGrants(one: Grants, other: Grants): Grants {
  const on: Record<ConnectionName, Role> = {};
  for (const name of [...Object.keys(one.on), ...Object.keys(other.on)]) {
    const role = lower(roleOn(one, name), roleOn(other, name));
    if (role !== null) on[name] = role;
  }
  return { everywhere: lower(one.everywhere, other.everywhere), on };
}

/** Identifies the grants: equal for equal ones. */
export function grantsFingerprint({ everywhere, on }: Grants): string {
  return JSON.stringify([everywhere, Object.entries(on).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** The roles in words: `admin`, or `viewer; operator on staging`. */
export function describeGrants({ everywhere, on }: Grants): string {
  const more = Object.entries(on).filter(([, role]) => higher(everywhere, role) !== everywhere);
  const parts = more.map(([name, role]) => `${role} on ${name}`);
  return [...(everywhere === null ? [] : [everywhere]), ...parts].join('; ') || 'none';
}

function bestRole({ everywhere, on }: Grants): Role | null {
  return Object.values(on).reduce(higher, everywhere);
}

function higher(one: Role | null, other: Role | null): Role | null {
  if (one === null || other === null) return one ?? other;
  return roleSuffices(one, other) ? one : other;
}

function lower(one: Role | null, other: Role | null): Role | null {
  if (one === null || other === null) return null;
  return roleSuffices(one, other) ? other : one;
}

/** Parses a stored role. Unknown text grants nothing. */
export function parseRole(text: string): Role | null {
  return ROLES.find((role) => role === text) ?? null;
}

/** The scopes of inputs that name sandboxes or a connection. */
export const onSandbox = ({ sandboxKey }: { sandboxKey: SandboxKey }): Scope => connectionOf(sandboxKey);
export const onSandboxes = ({ sandboxKeys }: { sandboxKeys: readonly SandboxKey[] }): Scope =>
  sandboxKeys.map(connectionOf);
export const onConnection = ({ connection }: { connection: ConnectionName }): Scope => connection;
