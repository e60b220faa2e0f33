// Parts of a stream: what is known after each.

export interface Part<T> {
  kind: 'snapshot' | 'changes';
  items: T[];
  gone: string[];
}

/** What is known after a part, by the keys of its topic. */
export function after<T>(known: ReadonlyMap<string, T> | null, part: Part<T>, key: (item: T) => string): Map<string, T> {
  const next = new Map(part.kind === 'snapshot' ? [] : known);
  for (const gone of part.gone) next.delete(gone);
  for (const item of part.items) next.set(key(item), item);
  return next;
}
