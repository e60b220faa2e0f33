/** Copies a text. Off localhost and without TLS, browsers have no clipboard for pages: then a selection is copied. */
export async function copy(text: string): Promise<boolean> {
  if (navigator.clipboard && isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // It may be forbidden.
    }
  }
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  const holder = document.querySelector('dialog[open]') ?? document.body;
  const focused = document.activeElement as HTMLElement | null;
  holder.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  return copied;
}
