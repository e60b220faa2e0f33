// A list as a whole: page after page, each item with every character as the server sent it.

import { path, send } from '../api/client';
import { rawItems } from './rawItems';
import type { Query } from './router.svelte';

/** The most that one page holds, and what is asked for while nobody knows how large the items are. */
const PAGE = 1000;
const FIRST = 200;
/** How many characters a page is to have about: items may be of a megabyte each. */
const CHARACTERS = 4_000_000;

export interface Reading {
  query: Query;
  /** How many items are read at most. */
  most: number;
  signal: AbortSignal;
  /** Answers false where that is enough. */
  take: (items: string[]) => boolean;
}

/** Reads a list page by page, and answers whether there is more than was read. */
export async function readWhole(section: string, { query, most, signal, take }: Reading): Promise<boolean> {
  let cursor: string | null = null;
  let left = most;
  let size = FIRST;
  do {
    const text = await send({ method: 'GET', path: path([section], { ...query, limit: Math.min(size, left), cursor }) }, signal);
    const page = rawItems(text);
    left -= page.items.length;
    cursor = page.next;
    size = Math.min(PAGE, Math.max(10, Math.floor((CHARACTERS * page.items.length) / text.length)));
    if (!take(page.items)) break;
  } while (cursor !== null && left > 0);
  return cursor !== null;
}

/** A list of at most so many as one text of JSON. */
export async function wholeText(section: string, query: Query, most: number, signal: AbortSignal): Promise<string> {
  const all: string[] = [];
  const take = (items: string[]): boolean => {
    all.push(...items);
    return true;
  };
  await readWhole(section, { query, most, signal, take });
  return `[${all.join(',')}]`;
}
