// What the server sends by itself, once a second at most: in place of asking, wherever a stream gets through.

import { path } from '../api/client';
import { live } from './live.svelte';
import { after, type Part } from './parts';
import { base } from './router.svelte';

/** After how long a stream that was refused is tried again. */
const AGAIN = 30_000;

/** The topics that a page follows, by one stream. It ends with the component, while the page is hidden, and unless the refresh is the fastest. */
export class Stream {
  private topics = $state.raw<Record<string, ReadonlyMap<string, unknown>>>({});

  constructor(keys: Record<string, (item: never) => string>, may: () => boolean) {
    $effect(() => {
      if (!may() || live.hidden || live.refresh !== '2') return;
      let source: EventSource;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const open = (): void => {
        source = new EventSource(`${base}${path(['stream'], { topics: Object.keys(keys).join(',') })}`);
        for (const [topic, key] of Object.entries(keys)) {
          source.addEventListener(topic, (event: MessageEvent<string>) => {
            this.topics = { ...this.topics, [topic]: after(this.topics[topic] ?? null, JSON.parse(event.data) as Part<unknown>, key as (item: unknown) => string) };
            live.answered();
          });
        }
        source.onerror = () => {
          // What is shown is asked for until the stream is there again, which the browser sees to, unless it was refused.
          this.topics = {};
          if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN);
        };
      };
      open();
      return () => {
        clearTimeout(timer);
        source.close();
        this.topics = {};
      };
    });
  }

  /** What there is of a topic; null if it has to be asked for. */
  of<T>(topic: string): T[] | null {
    const known = this.topics[topic];
    return known ? ([...known.values()] as T[]) : null;
  }
}
