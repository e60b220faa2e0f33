// A list as a file of JSON lines: all that matches, each line as the server sent it.

import { CallError } from '../api/client';
import { actions } from './actions.svelte';
import { count, plural } from './format';
import type { Query } from './router.svelte';
import { readWhole } from './wholeList';

/** How many lines a file has at most, and how many characters: a browser holds all of it until it is written. */
export const MOST_LINES = 100_000;
export const MOST_CHARACTERS = 256 * 1024 * 1024;

/** The name of a file: what is in it, and as of when. */
export function fileName(what: string, narrowed: string, at: Date): string {
  const words = narrowed.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[-.]+|[-.]+$/g, '').slice(0, 60);
  const moment = at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  return `enginehouse-${what}${words === '' ? '' : `-${words}`}-${moment}Z.jsonl`;
}

export class Export {
  /** How many lines have been read; null while nothing is. */
  lines = $state<number | null>(null);
  error = $state.raw<CallError | null>(null);
  private under: AbortController | null = null;

  cancel(): void {
    this.under?.abort();
  }

  async run(section: string, query: Query, narrowed: string): Promise<void> {
    if (this.lines !== null) return;
    const under = new AbortController();
    this.under = under;
    this.error = null;
    this.lines = 0;
    const parts: string[] = [];
    let lines = 0;
    let characters = 0;
    const began = new Date();
    try {
      const isCut = await readWhole(section, {
        query,
        most: MOST_LINES,
        signal: under.signal,
        take: (items) => {
          for (const item of items) characters += item.length + 1;
          if (items.length > 0) parts.push(`${items.join('\n')}\n`);
          lines += items.length;
          this.lines = lines;
          return characters < MOST_CHARACTERS;
        },
      });
      save(fileName(section, narrowed, began), parts);
      actions.say(`${plural(lines, 'line')} written.${isCut ? ` There is more: a file has ${count(MOST_LINES)} lines or ${MOST_CHARACTERS / 1024 / 1024} MiB at most. A filter narrows it, or the command writes all.` : ''}`);
    } catch (error) {
      if (under.signal.aborted) actions.say(`The download was cancelled after ${plural(lines, 'line')}. Nothing was written.`);
      else if (error instanceof CallError) this.error = error;
      else throw error;
    } finally {
      this.lines = null;
    }
  }
}

function save(name: string, parts: string[]): void {
  const address = URL.createObjectURL(new Blob(parts, { type: 'application/x-ndjson' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  // The link is of the page, and not a way to another one.
  link.dataset.load = '';
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
