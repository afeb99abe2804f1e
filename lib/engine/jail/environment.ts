/**
 * An environment of exactly these variables. Only a type stands between: Next.js declares that every environment has
 * `NODE_ENV`, which is true of its own processes and must not be true of a sandbox's.
 */
export function exactEnv(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...variables } as NodeJS.ProcessEnv;
}
