'use client';

import { createContext, type ReactNode, useContext } from 'react';
import { type Grants, NO_GRANTS, roleIn, roleOn } from '@/lib/grants';
import type { Role } from '@/lib/roles';
import type { ConnectionName } from '@/lib/sandbox-key';

/** The person who is signed in. */
export type Person = { userId: string; actor: string; grants: Grants };

const Served = createContext<Person>({ userId: '', actor: '', grants: NO_GRANTS });

/** Tells everything below who is signed in. */
export function ServedPerson({ person, children }: { person: Person; children: ReactNode }) {
  return <Served value={person}>{children}</Served>;
}

export function usePerson(): Person {
  return useContext(Served);
}

/** The role on a connection, at least viewer: what is on screen may be seen. The server checks every action. */
export function useRoleOn(connection: ConnectionName): Role {
  return roleOn(usePerson().grants, connection) ?? 'viewer';
}

/** The role on each connection, at least viewer. */
export type Roles = (connection: ConnectionName) => Role;

export function rolesOf(grants: Grants): Roles {
  return (connection) => roleOn(grants, connection) ?? 'viewer';
}

/** The lowest role on several connections, which counts for what concerns all of them. At least viewer, as for one. */
export function useRoleInAll(connections: readonly ConnectionName[]): Role {
  return roleIn(usePerson().grants, connections) ?? 'viewer';
}
