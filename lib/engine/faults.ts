import { validateHeaderName, validateHeaderValue } from 'node:http';
import { z } from 'zod';
import { randomId } from './ids';
import { expect } from './validation';

const ROUTE = /^(\*|[A-Z]+) (\/\S*)$/;
/**
 * - `pretend-kill`: a kill succeeds without killing.
 * - `repeat-cursor`: a list returns the cursor of the request.
 * - `lose-race`: a resume joins another client's `connect` (docs/protocol.md#join-race).
 * - `fail-late`: the request takes effect and still answers 500.
 * - `throw`: the engine throws an error that no handler catches. Control plane only.
 */
export const FaultEffect = z.enum(['pretend-kill', 'repeat-cursor', 'lose-race', 'fail-late', 'throw'], {
  error: 'expected "pretend-kill", "repeat-cursor", "lose-race", "fail-late" or "throw"',
});
export type FaultEffect = z.infer<typeof FaultEffect>;

/** Headers that describe the body, which the engine writes itself. */
const BODY_HEADERS = new Set(['content-length', 'content-type', 'transfer-encoding']);
const HEADERS_ERROR = 'expected an object of valid headers, without those that describe the body';

export const FaultInput = z
  .strictObject({
    route: z
      .string({ error: 'expected text such as "DELETE /sandboxes/*"' })
      .regex(ROUTE, { error: 'expected a method or *, a space and a path, such as "DELETE /sandboxes/*"' }),
    latencyMs: expect.integer(0, 600_000).optional(),
    status: expect.integer(400, 599).optional(),
    message: expect.text().optional(),
    retryAfterSeconds: expect.integer(0, 86_400).optional(),
    headers: expect.textMap().refine(areHeaders, { error: HEADERS_ERROR }).optional(),
    reset: expect.flag().optional(),
    probability: z
      .number({ error: 'expected a number from 0 to 1' })
      .min(0, { error: 'expected a number from 0 to 1' })
      .max(1, { error: 'expected a number from 0 to 1' })
      .optional(),
    count: expect.integer(1, 1_000_000).optional(),
    effect: FaultEffect.optional(),
    sandboxId: expect.text().optional(),
  })
  .refine(
    (fault) => fault.latencyMs !== undefined || fault.status !== undefined || fault.reset || fault.effect,
    {
      error: 'expected at least one of latencyMs, status, reset, effect',
    },
  )
  .refine((fault) => fault.retryAfterSeconds === undefined || fault.status !== undefined, {
    path: ['retryAfterSeconds'],
    error: 'expected only together with status',
  })
  .refine((fault) => fault.headers === undefined || fault.status !== undefined, {
    path: ['headers'],
    error: 'expected only together with status',
  });
export type FaultInput = z.infer<typeof FaultInput>;

/** `count` is the number of times the fault still fires. With `sandboxId`, it applies to requests to that sandbox alone. */
export type Fault = FaultInput & { id: string; fired: number };

/** The combined effect of all faults that match a request. */
export type FaultOutcome = {
  latencyMs: number;
  reset: boolean;
  failure: { status: number; message: string; headers: Record<string, string> } | null;
  effects: ReadonlySet<FaultEffect>;
};

/** Faults to inject into requests, for tests and demos. Kept in memory only. */
export class Faults {
  readonly #faults = new Map<string, Fault>();

  add(input: FaultInput): Fault {
    const fault: Fault = { ...input, id: randomId(8), fired: 0 };
    this.#faults.set(fault.id, fault);
    return fault;
  }

  list(): Fault[] {
    return [...this.#faults.values()];
  }

  remove(id: string): boolean {
    return this.#faults.delete(id);
  }

  clear(): void {
    this.#faults.clear();
  }

  /**
   * Fires the matching faults. Latencies add up; the first failure wins. `sandboxId`: of a request to a sandbox, whose path
   * does not name it.
   */
  fire(method: string, path: string, sandboxId: string | null = null): FaultOutcome | null {
    if (this.#faults.size === 0) return null;
    const effects = new Set<FaultEffect>();
    const outcome: FaultOutcome = { latencyMs: 0, reset: false, failure: null, effects };
    for (const fault of this.#faults.values()) {
      if (!concerns(fault, path, sandboxId) || !matches(fault.route, method, path)) continue;
      if (Math.random() >= (fault.probability ?? 1)) continue;
      this.#use(fault);
      outcome.latencyMs += fault.latencyMs ?? 0;
      outcome.reset ||= fault.reset ?? false;
      outcome.failure ??= failureOf(fault);
      if (fault.effect !== undefined) effects.add(fault.effect);
    }
    return outcome;
  }

  #use(fault: Fault): void {
    fault.fired += 1;
    if (fault.count === undefined) return;
    fault.count -= 1;
    if (fault.count === 0) this.#faults.delete(fault.id);
  }
}

function failureOf({
  status,
  message = 'Injected fault',
  retryAfterSeconds,
  headers,
}: Fault): FaultOutcome['failure'] {
  if (status === undefined) return null;
  if (retryAfterSeconds === undefined) return { status, message, headers: headers ?? {} };
  return { status, message, headers: { 'retry-after': String(retryAfterSeconds), ...headers } };
}

function areHeaders(headers: Readonly<Record<string, string>>): boolean {
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
      if (BODY_HEADERS.has(name.toLowerCase())) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function concerns(fault: Fault, path: string, sandboxId: string | null): boolean {
  if (fault.sandboxId === undefined || fault.sandboxId === sandboxId) return true;
  return sandboxId === null && path.split('/').includes(fault.sandboxId);
}

/** `*` matches any method, or exactly one segment of the path. */
function matches(route: string, method: string, path: string): boolean {
  const [, routeMethod, routePath = ''] = ROUTE.exec(route) ?? [];
  if (routeMethod !== '*' && routeMethod !== method) return false;
  const pattern = routePath.split('/');
  const segments = path.split('/');
  return (
    pattern.length === segments.length &&
    pattern.every((segment, index) => segment === '*' || segment === segments[index])
  );
}
