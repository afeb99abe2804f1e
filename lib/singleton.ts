/**
 * One value for the whole process. Route handlers, pages and `instrumentation.ts` each get module instances of their
 * own from Next.js but share `globalThis`, so what must exist once lives there.
 */
export function singleton<T>(name: string, create: () => T): T {
  const key = Symbol.for(`sandkeeper.${name}`);
  const shared = globalThis as { [key: symbol]: T | undefined };
  shared[key] ??= create();
  return shared[key];
}
