/**
 * An environment of exactly these variables. The cast is needed because Next.js types require `NODE_ENV`, which
 * sandboxes must not have.
 */
export function exactEnv(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...variables } as NodeJS.ProcessEnv;
}
