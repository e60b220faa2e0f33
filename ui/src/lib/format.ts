// How numbers, times and lengths of time are written.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const count = (value: number): string => whole.format(value);

export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;

/** A length of time in its two largest units, short: `3 h 20 min`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 0.001) return '<1 ms';
  if (size < 1) return `${Math.round(size * 1000)} ms`;
  if (size < 10) return `${size.toFixed(1)} s`;
  const parts: [number, string][] = [[86_400, 'd'], [3_600, 'h'], [60, 'min'], [1, 's']];
  let rest = Math.round(size);
  const shown: string[] = [];
  for (const [length, unit] of parts) {
    const many = Math.floor(rest / length);
    rest -= many * length;
    if (many > 0) shown.push(`${many} ${unit}`);
    else if (shown.length > 0) break;
    if (shown.length === 2) break;
  }
  return shown.join(' ');
}

/** How long ago, or in how long. */
export function ago(at: string | null | undefined, now: number): string {
  if (!at) return '–';
  const seconds = (now - Date.parse(at)) / 1000;
  if (Math.abs(seconds) < 1) return 'now';
  const rounded = Math.round(Math.abs(seconds));
  const size = rounded < 60 ? `${rounded} s` : duration(rounded).split(' ').slice(0, 2).join(' ');
  return seconds >= 0 ? `${size} ago` : `in ${size}`;
}

/** A moment in full, by the clock that was chosen. */
export function moment(at: string, utc: boolean): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  if (utc) return `${date.toISOString().replace('T', ' ').replace('Z', '')} UTC`;
  const part = (value: number, length = 2): string => String(value).padStart(length, '0');
  const day = `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`;
  return `${day} ${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${part(date.getMilliseconds(), 3)}`;
}

export const clockTime = (at: string, utc: boolean): string => moment(at, utc).split(' ')[1] ?? at;

export function megabytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return value >= 1024 ? `${(value / 1024).toFixed(1)} GiB` : `${whole.format(value)} MiB`;
}

export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} %`;

/** An argument as a shell takes it. */
export const quoted = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

export const words = (name: string): string => name.replaceAll('_', ' ');
