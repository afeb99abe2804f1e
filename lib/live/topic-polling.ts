import { MAX_POLLED_TOPICS, type PolledEvent, printPolledTopic, type Topic, withoutSocket } from './protocol';

/** How long to wait after a failed poll, and between rounds that ask the server nothing, ms. */
const PAUSE_MS = 5_000;

type Listener = {
  /** Events of the topic were missed. */
  onGap: (topic: Topic) => void;
  onEvent: (event: PolledEvent) => void;
};

/**
 * Reads topics over HTTP while no socket works, until `stop`. One request at a time serves all of them, because a browser
 * opens few connections to a server, and they are shared by all its tabs. Browser only.
 */
export class TopicPolling {
  readonly #topics: () => readonly Topic[];
  readonly #listener: Listener;
  readonly #stopping = new AbortController();

  constructor(topics: () => readonly Topic[], listener: Listener) {
    this.#topics = topics;
    this.#listener = listener;
    void this.#run();
  }

  /** Reads the state of a topic now, and not with the next round. */
  readNow(topic: Topic): void {
    if (withoutSocket(topic.channel) === 'polled') void this.#poll([topic], false);
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let round = 0; !signal.aborted; round += 1) {
      const topics = this.#topics();
      const polled = topics.filter(({ channel }) => withoutSocket(channel) === 'polled');
      const isAnswered = polled.length > 0 && (await this.#poll(polled, round > 0));
      if (!isAnswered) await sleep(PAUSE_MS, signal);
      if (signal.aborted) return;
      for (const topic of topics) if (withoutSocket(topic.channel) === 'reread') this.#listener.onGap(topic);
    }
  }

  /** Returns whether the server answered. `waits`: the server waits for news. */
  async #poll(topics: readonly Topic[], waits: boolean): Promise<boolean> {
    const parts: Topic[][] = [];
    for (let at = 0; at < topics.length; at += MAX_POLLED_TOPICS)
      parts.push(topics.slice(at, at + MAX_POLLED_TOPICS));
    const answers = await Promise.all(parts.map((part) => this.#pollPart(part, waits)));
    return answers.every((isAnswered) => isAnswered);
  }

  async #pollPart(topics: readonly Topic[], waits: boolean): Promise<boolean> {
    const events = await fetchEvents(topics, waits, this.#stopping.signal);
    if (events === null || this.#stopping.signal.aborted) return false;
    // What happened since the last answer was missed.
    for (const topic of topics) this.#listener.onGap(topic);
    for (const event of events) this.#listener.onEvent(event);
    return true;
  }
}

/** `null` on failure. */
async function fetchEvents(
  topics: readonly Topic[],
  waits: boolean,
  signal: AbortSignal,
): Promise<PolledEvent[] | null> {
  const query = topics.map((topic) => `topic=${encodeURIComponent(printPolledTopic(topic))}`);
  if (waits) query.push('wait');
  try {
    const response = await fetch(`/api/live?${query.join('&')}`, { cache: 'no-store', signal });
    if (!response.ok) return null;
    const { events } = (await response.json()) as { events: PolledEvent[] };
    return events;
  } catch {
    return null;
  }
}

/** Resolves early when `signal` aborts. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
