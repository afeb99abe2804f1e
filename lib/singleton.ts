/**
 * Returns the one instance of `name` in this process. Next.js loads a module several times, for route handlers, pages and
 * `instrumentation.ts`, but all of them share `globalThis`.
 */
export function singleton<T>(name: string, create: () => T): T {
  const key = Symbol.for(`sandkeeper.${name}`);
  const shared = globalThis as { [key: symbol]: T | undefined };
  shared[key] ??= create();
  return shared[key];
}
