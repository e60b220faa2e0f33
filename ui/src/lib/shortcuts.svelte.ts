// Keys: what each does, in one list that the help shows, too.

import { live } from './live.svelte';
import { href, route } from './router.svelte';
import { keys, theme } from './stored.svelte';

export interface Shortcut {
  keys: string;
  what: string;
  act: () => void;
}

class Open {
  palette = $state(false);
  help = $state(false);
}
export const opened = new Open();

const choose = (selector: string): HTMLElement | null => document.querySelector<HTMLElement>(selector);

/** Moves the focus between the links of the rows of a table. */
function move(step: number): void {
  const links = [...document.querySelectorAll<HTMLElement>('main tbody tr td > a:first-child, main .attention a, main [data-row] h2 a, main a[data-row]')].filter((link) => link.offsetParent);
  const at = links.indexOf(document.activeElement as HTMLElement);
  links[at === -1 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

/** Chooses the row in which the focus is, or not. */
function mark(): void {
  document.activeElement?.closest('tr')?.querySelector<HTMLElement>('input[type=checkbox]')?.click();
}

export function shortcuts(pages: { key?: string; section: string; title: string }[]): Shortcut[] {
  return [
    ...pages.filter((page) => page.key).map((page) => ({ keys: `g ${page.key}`, what: `Go to ${page.title.toLowerCase()}`, act: () => route.go(href(page.section ? [page.section] : [])) })),
    { keys: '/', what: 'Narrow the list', act: () => choose('main form[role=search] :is(input, select)')?.focus() },
    { keys: 'j', what: 'Next row', act: () => move(1) },
    { keys: 'k', what: 'Row before', act: () => move(-1) },
    { keys: 'x', what: 'Choose the row', act: mark },
    { keys: 'r', what: 'Refresh', act: () => live.again() },
    { keys: 'p', what: 'Pause the refresh, or go on', act: () => (live.refresh = live.refresh === 'off' ? '2' : 'off') },
    { keys: 't', what: 'Light or dark', act: () => (theme.value = isDark() ? 'light' : 'dark') },
    { keys: '?', what: 'Show the keys', act: () => (opened.help = true) },
  ];
}

const isDark = (): boolean => theme.value === 'dark' || (theme.value === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);

/** Listens for keys. Answers what stops it. */
export function listen(known: Shortcut[]): () => void {
  let first = '';
  let firstAt = 0;
  const pressed = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement | null;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      opened.palette = true;
      return;
    }
    const isTyping = target?.matches('input:not([type=checkbox]), textarea, select, [contenteditable]') ?? false;
    if (keys.value === 'off' || isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    const pair = Date.now() - firstAt < 1500 && first === 'g' ? `g ${event.key}` : '';
    first = event.key;
    firstAt = Date.now();
    const found = known.find((one) => one.keys === pair) ?? (pair ? undefined : known.find((one) => one.keys === event.key));
    if (!found) return;
    event.preventDefault();
    first = '';
    found.act();
  };
  addEventListener('keydown', pressed);
  return () => removeEventListener('keydown', pressed);
}
