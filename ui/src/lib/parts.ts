// Parts of a stream: what is known after each.

export interface Part<T> {
  kind: 'snapshot' | 'changes';
  items: T[];
  gone: string[];
  /** Whether there is more than is told of. */
  more: boolean;
}

/** What is known after a part, by the keys of its topic. */
export function after<T>(known: ReadonlyMap<string, T> | null, part: Part<T>, key: (item: T) => string): Map<string, T> {
  const next = new Map(part.kind === 'snapshot' ? [] : known);
  for (const gone of part.gone) next.delete(gone);
  for (const item of part.items) next.set(key(item), item);
  return next;
}

/** Those of a page that ends with this key, or of all there are, in the order of their keys. */
export function withinPage<T>(rows: T[], key: (row: T) => string, last: string | null): T[] {
  const within = last === null ? [...rows] : rows.filter((row) => key(row) <= last);
  return within.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}
