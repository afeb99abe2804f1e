type FlightClient = {
  encodeReply: (value: unknown) => Promise<FormData | string>;
  createFromFetch: (response: Promise<Response>, options: object) => Promise<{ a: unknown }>;
};

let client: Promise<FlightClient> | undefined;

/** The encoding of server actions that Next.js uses. It expects the loader of its own bundler, which plain results do not need. */
function flightClient(): Promise<FlightClient> {
  Reflect.set(globalThis, '__webpack_require__', { u: () => '' });
  // @ts-expect-error Next.js has no types for it.
  client ??= import('next/dist/compiled/react-server-dom-webpack/client.browser');
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
  return (await createFromFetch(response, { callServer: callAction })).a;
}
