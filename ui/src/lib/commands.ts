// The commands of the command line that do what the page does.

import { base } from './router.svelte';
import { quoted } from './format';

/** A command with the address of this server, unless it is where the command line looks by itself. */
export function command(...parts: string[]): string {
  const url = (location.origin + base).replace(/\/$/, '');
  const server = url === 'http://127.0.0.1:7420' ? [] : ['--url', url];
  return ['enginehouse', ...parts, ...server].map(quoted).join(' ');
}
