// The items of a page of a list, as they are written.

export interface RawPage {
  items: string[];
  next: string | null;
}

/** Cuts a page of a list into its items, as they are written: nothing is read of them, so no number loses a digit. */
export function rawItems(page: string): RawPage {
  const items: string[] = [];
  let depth = 0;
  let begin = -1;
  let end = 0;
  for (let at = page.indexOf('[') + 1; at < page.length; at += 1) {
    const sign = page.charCodeAt(at);
    if (sign === 0x22) {
      // A text: its end is the next quote that no backslash stands before.
      at += 1;
      while (page.charCodeAt(at) !== 0x22) at += page.charCodeAt(at) === 0x5c ? 2 : 1;
    } else if (sign === 0x7b || sign === 0x5b) {
      if (depth === 0) begin = at;
      depth += 1;
    } else if (sign === 0x7d || sign === 0x5d) {
      if (depth === 0) {
        end = at;
        break;
      }
      depth -= 1;
      if (depth === 0) items.push(page.slice(begin, at + 1));
    }
  }
  const { next_cursor } = JSON.parse(`{"items":[${page.slice(end)}`) as { next_cursor: string | null };
  return { items, next: next_cursor };
}
