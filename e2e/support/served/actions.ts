type FlightClient = {
  encodeReply: (value: unknown) => Promise<FormData | string>;
  createFromFetch: (response: Promise<Response>, options: object) => Promise<unknown>;
};

let client: Promise<FlightClient> | undefined;

/** The modules of the components that the server refers to, by their id in the build. `pages.ts` loads them. */
export const loadedModules: Record<string, object> = {};

/** The encoding of pages and server actions that Next.js uses. It expects the loader of its own bundler. */
export function flightClient(): Promise<FlightClient> {
  const load = Object.assign((id: string) => loadedModules[id], { u: () => '' });
  Reflect.set(globalThis, '__webpack_require__', load);
  client ??= import(
    // @ts-expect-error Next.js has no types for it. The one for development expects a server that runs in development.
    'next/dist/compiled/react-server-dom-webpack/cjs/react-server-dom-webpack-client.browser.production'
  );
  return client as Promise<FlightClient>;
}

/** Calls a server action of the running Sandkeeper. */
export async function callAction(id: string, args: unknown[]): Promise<unknown> {
  const { encodeReply, createFromFetch } = await flightClient();
  const response = fetch('/sandboxes?action', {
    method: 'POST',
    headers: { accept: 'text/x-component', 'next-action': id },
    body: await encodeReply(args),
  });
  const answer = (await createFromFetch(response, { callServer: callAction })) as { a: unknown };
  return answer.a;
}
