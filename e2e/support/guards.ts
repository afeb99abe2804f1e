import { expect } from 'vitest';
import type { Role } from '../../lib/roles';
import type { Sandkeeper } from './deployment';
import type { Moru } from './moru';

/** The roles below each role. */
export const LESSER: Record<Role, readonly Role[]> = {
  viewer: [],
  operator: ['viewer'],
  admin: ['viewer', 'operator'],
};

/** Headers of requests that pages of other origins could send, by description. */
export function foreignOrigins(sandkeeper: Sandkeeper): Record<string, Record<string, string>> {
  const { host, port } = new URL(sandkeeper.url);
  return {
    'a foreign origin': { origin: 'https://evil.example' },
    'another port': { origin: `http://localhost:${Number(port) + 1}` },
    'https instead of http': { origin: `https://${host}` },
    'a name that begins like ours': { origin: `http://${host}.evil.example` },
    'a null origin': { origin: 'null' },
    'no origin': { origin: '' },
    'a forged forwarded host': { origin: 'http://evil.example', 'x-forwarded-host': 'evil.example' },
    'a forged forwarded header': { origin: 'http://evil.example', forwarded: 'host=evil.example' },
  };
}

/** `Host` headers that name another server. */
export function otherHosts({ port }: Sandkeeper): string[] {
  return ['evil.example', `evil.example:${port}`, 'localhost', 'localhost:1'];
}

/** Expects exactly this sandbox, still running. */
export async function expectUntouched(moru: Moru, id: string): Promise<void> {
  expect(await moru.listIds()).toEqual([id]);
  expect(await moru.stateOf(id)).toBe('running');
}
