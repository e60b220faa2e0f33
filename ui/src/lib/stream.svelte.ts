// What the server sends by itself, once a second at most: in place of asking, wherever a stream gets through.

import { untrack } from 'svelte';
import { path } from '../api/client';
import { live } from './live.svelte';
import { after, type Part } from './parts';
import { base } from './router.svelte';

/** After how long a stream that was refused is tried again. */
const AGAIN = 30_000;
/** After how long without a part it is opened anew: a connection may be gone without a word. */
const SILENT = 60_000;

interface Topic {
  rows: ReadonlyMap<string, unknown>;
  more: boolean;
}
type Known = Readonly<Record<string, Topic>>;

/**
 * The topics that a page follows, by one stream. It ends with the component, while the page is hidden, and unless the refresh is the
 * fastest. While rows are chosen, what comes is kept, and shown once the choice is given up.
 */
export class Stream {
  private shown = $state.raw<Known>({});
  private known: Known = {};
  private meanwhile = new Set<string>();
  /** Whether it is open, or about to be. */
  isOpen = $state(false);
  /** How many things have changed that are not shown yet. */
  changed = $state(0);

  /** The topics, with what tells the items of each apart. */
  constructor(
    private readonly topics: Record<string, (item: never) => string>,
    may: () => boolean,
    private readonly parse: (text: string) => unknown = JSON.parse,
  ) {
    $effect(() => {
      if (!may() || live.refresh !== '2') return untrack(() => this.forget());
      if (live.hidden) return;
      return untrack(() => this.follow());
    });
    $effect(() => {
      void live.wanted;
      if (live.holds === 0 || !live.held) untrack(() => this.show());
    });
  }

  private follow(): () => void {
    let source: EventSource;
    let heardAt = 0;
    let failedAt = 0;
    let wasAway = false;
    const heard = (topic: string, text: string): void => {
      heardAt = Date.now();
      this.isOpen = true;
      this.take(topic, this.parse(text) as Part<unknown>);
      live.sent = true;
      live.answered();
    };
    const open = (): void => {
      this.isOpen = true;
      this.known = {};
      heardAt = Date.now();
      source = new EventSource(`${base}${path(['stream'], { topics: Object.keys(this.topics).join(',') })}`);
      for (const topic of Object.keys(this.topics)) {
        source.addEventListener(topic.split(':')[0]!, (event: MessageEvent<string>) => heard(topic, event.data));
      }
      // It goes on behind what came last, if the server still knows what that was, and perhaps there is nothing to tell.
      source.onopen = () => {
        if (Object.keys(this.known).length === 0) return;
        heardAt = Date.now();
        this.isOpen = true;
        live.sent = true;
        if (!live.held) this.show();
      };
      // Otherwise these are told of as a whole again.
      source.addEventListener('reset', (event: MessageEvent<string>) => {
        const { topics } = JSON.parse(event.data) as { topics: string[] };
        this.known = Object.fromEntries(Object.entries(this.known).filter(([topic]) => !topics.includes(topic)));
        if (!live.held) this.show();
      });
      source.onerror = () => {
        // What is shown is asked for until the stream is there again, which the browser sees to, unless it was refused.
        live.sent = false;
        if (!live.held) this.shown = {};
        this.isOpen = false;
        failedAt = Date.now();
        wasAway = false;
      };
    };
    open();
    const watch = setInterval(() => {
      wasAway ||= !live.reachable;
      const isBack = wasAway && live.reachable;
      const again = {
        [EventSource.CONNECTING]: false,
        [EventSource.OPEN]: Date.now() - heardAt >= SILENT,
        // Refused, or nobody was there: the browser has given up.
        [EventSource.CLOSED]: isBack || Date.now() - failedAt >= AGAIN,
      }[source.readyState];
      if (!again) return;
      source.close();
      open();
    }, 1000);
    return () => {
      clearInterval(watch);
      source.close();
      this.isOpen = false;
      live.sent = false;
    };
  }

  private take(topic: string, part: Part<unknown>): void {
    const key = this.topics[topic] as (item: unknown) => string;
    const isNew = !this.known[topic];
    // What has changed of something that is not known says nothing of the rest.
    if (isNew && part.kind === 'changes') return;
    this.known = { ...this.known, [topic]: { rows: after(this.known[topic]?.rows ?? null, part, key), more: part.more } };
    if (!live.held) return this.show();
    if (!isNew) for (const id of [...part.gone, ...part.items.map(key)]) this.meanwhile.add(`${topic} ${id}`);
    this.changed = this.meanwhile.size;
  }

  private show(): void {
    this.shown = this.known;
    this.meanwhile.clear();
    this.changed = 0;
  }

  private forget(): void {
    this.known = {};
    live.sent = false;
    if (!live.held) this.show();
  }

  /** What there is of a topic; null if it has to be asked for. */
  of<T>(topic: string): T[] | null {
    const known = this.shown[topic];
    return known ? ([...known.rows.values()] as T[]) : null;
  }

  /** Whether there is more of a topic than is told of. */
  hasMore(topic: string): boolean {
    return this.shown[topic]?.more ?? false;
  }
}
