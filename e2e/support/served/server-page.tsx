import { type ComponentType, createContext, type ReactNode, Suspense, use } from 'react';
import { callAction, flightClient, loadedModules } from './actions';
import Link from './link';

/** Pages as the running Sandkeeper renders them, with the components of the source in place of those of the build. */

/** A layout or a page, with the ones inside it. */
type Segment = { s: unknown; d: { r: ReactNode }; c?: Map<string, Segment> };

export type ServerPage = { segment: Segment; head: ReactNode };

/** The files of components by the id of their module in the build. Defined by `plugin.ts`. */
declare const SERVED_MODULES: Record<string, string>;

/** A component: the id of its module, the scripts of the build that contain it, and its name. */
const REFERENCE = /^([0-9a-f]+):I\[(\d+),\[.*?\],(".*")\]\n?$/;
/** Styles and fonts of the build, to load early. */
const HINT = /^[0-9a-f]*:H/;
const TEXT = /^[0-9a-f]+:T/;

/** Requests a page as the router of Next.js does, and waits until all of it has arrived. */
export async function requestPage(href: string): Promise<ServerPage> {
  const response = await fetch(href, { headers: { rsc: '1' } });
  if (response.headers.get('content-type') !== 'text/x-component')
    throw new Error(`${href} was answered with ${response.status} ${response.headers.get('content-type')}`);
  const rows = [...rowsOf(new Uint8Array(await response.arrayBuffer()))];
  for (const row of rows) {
    const [, , id] = REFERENCE.exec(row) ?? [];
    if (id !== undefined) loadedModules[id] ??= await moduleOf(SERVED_MODULES[id]);
  }
  const withoutScripts = rows.map(withoutBuild).join('');
  const { createFromFetch } = await flightClient();
  const whole = Promise.resolve(new Response(inOnePart(withoutScripts)));
  const { t } = (await createFromFetch(whole, { callServer: callAction })) as {
    t: { t: Segment; h: { r: ReactNode } };
  };
  // The layout of the document is the test's own.
  const [segment] = t.t.c?.values() ?? [];
  if (segment === undefined) throw new Error(`${href} has no page`);
  return { segment, head: t.h.r };
}

/** The rows of an answer in the encoding of React. A text has a known length and no line break at its end. */
function* rowsOf(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder();
  const find = (character: string, from: number) => bytes.indexOf(character.charCodeAt(0), from);
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    const lineEnd = find('\n', start) + 1 || bytes.length;
    const head = decoder.decode(bytes.subarray(start, Math.min(lineEnd, start + 40)));
    const [text, length = ''] = /^[0-9a-f]+:T([0-9a-f]+),/.exec(head) ?? [];
    end = text === undefined ? lineEnd : start + text.length + Number.parseInt(length, 16);
    yield decoder.decode(bytes.subarray(start, end));
  }
}

/** A row without the scripts and styles of the build, which are not served here. */
function withoutBuild(row: string): string {
  if (HINT.test(row)) return '';
  if (TEXT.test(row)) return row;
  return row
    .replace(REFERENCE, '$1:I[$2,[],$3]\n')
    .replaceAll(/\["\$","(script|link)",/g, '["$","template",');
}

/** A page whose end has not been decoded would hide what it replaces, and take the focus from it. */
function inOnePart(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

async function moduleOf(file = ''): Promise<object> {
  if (file.startsWith('components/')) return import(/* @vite-ignore */ `/${file}`);
  if (file.endsWith('/app-dir/link.js')) return { __esModule: true, default: Link };
  return whatever(file.endsWith('/layout-router.js') ? Slot : Inside);
}

/** A module that exports a component by every name. */
function whatever(component: ComponentType): object {
  const property = { value: component, enumerable: true, configurable: true };
  return new Proxy(
    {},
    {
      // It is no promise.
      get: (_, name) => (name === 'then' ? undefined : component),
      getOwnPropertyDescriptor: () => property,
    },
  );
}

/** Stands in for the components of Next.js itself. */
function Inside({ children }: { children?: ReactNode }) {
  return children;
}

const InnerSegment = createContext<Segment | undefined>(undefined);

/** The place in a layout where the page or the next layout goes. */
function Slot() {
  const segment = use(InnerSegment);
  return segment === undefined ? null : <ServerSegment key={JSON.stringify(segment.s)} segment={segment} />;
}

export function ServerSegment({ segment }: { segment: Segment }) {
  const [inner] = segment.c?.values() ?? [];
  return (
    <InnerSegment value={inner}>
      <Suspense>{segment.d.r}</Suspense>
    </InnerSegment>
  );
}
