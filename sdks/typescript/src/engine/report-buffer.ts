// What a handler has reported, until the server has it: it goes along with the next heartbeat, or with the settle.
//
// However much a handler reports, a buffer holds the newest of everything and as much of the log as the server keeps.

import { RawJson } from "../json.js";
import type { AttemptReport } from "./outcome.js";

/** What an attempt has used since it began. */
export type AttemptUsage = NonNullable<AttemptReport["usage"]>;

/** Most bytes of a checkpoint. */
export const MAX_CHECKPOINT_BYTES = 16 * 1024;
/** Most bytes of the log of an attempt: the last ones are kept. */
const MAX_LOG_BYTES = 64 * 1024;
const MAX_MESSAGE = 500;

/** Takes what handlers report. The arguments are plain data, which threads can pass on. */
export interface ReportSink {
  progress(percent: number | undefined, message: string | undefined): void;
  checkpoint(text: string): void;
  log(text: string): void;
  logUrl(url: string): void;
  usage(usage: AttemptUsage): void;
}

/** The reports of one attempt. */
export class ReportBuffer implements ReportSink {
  /** What was not sent yet, but for the log. */
  private pending: AttemptReport = {};
  private lines: string[] = [];
  private bytes = 0;
  /** What was sent, as long as nobody knows whether it has arrived. */
  private inFlight: AttemptReport | undefined;

  progress(percent: number | undefined, message: string | undefined): void {
    const progress: NonNullable<AttemptReport["progress"]> = {};
    if (percent !== undefined && Number.isFinite(percent)) progress.percent = Math.min(Math.max(percent, 0), 100);
    if (message !== undefined) progress.message = [...message].slice(0, MAX_MESSAGE).join("");
    this.pending.progress = progress;
  }

  checkpoint(text: string): void {
    this.pending.checkpoint = RawJson.trusted(text);
  }

  usage(usage: AttemptUsage): void {
    this.pending.usage = { ...this.pending.usage, ...usage };
  }

  logUrl(url: string): void {
    this.pending.log_url = url;
  }

  log(text: string): void {
    for (const line of text.split("\n")) this.push(line);
  }

  /** What is to be sent, if there is something and nothing else is under way. */
  begin(): AttemptReport | undefined {
    if (this.inFlight) return undefined;
    const report = this.take();
    if (isEmpty(report)) return undefined;
    this.inFlight = report;
    return report;
  }

  /** The server has taken what was sent, or refused it for what it is. */
  arrived(): void {
    this.inFlight = undefined;
  }

  /** What was sent has not been taken: it goes along with what is sent next. */
  failed(): void {
    const before = this.inFlight;
    if (!before) return;
    this.inFlight = undefined;
    const { log, ...rest } = before;
    const later = this.lines;
    this.lines = [];
    this.bytes = 0;
    for (const line of [...(log ?? []).flatMap((text) => text.split("\n")), ...later]) this.push(line);
    const usage = { ...rest.usage, ...this.pending.usage };
    this.pending = { ...rest, ...this.pending, ...(Object.keys(usage).length > 0 ? { usage } : {}) };
  }

  /** All that the server may not have, for the settle. */
  last(): AttemptReport {
    this.failed();
    return this.take();
  }

  private take(): AttemptReport {
    // A report takes fewer texts than a log may have lines.
    const report: AttemptReport = this.lines.length > 0 ? { ...this.pending, log: [this.lines.join("\n")] } : this.pending;
    this.pending = {};
    this.lines = [];
    this.bytes = 0;
    return report;
  }

  private push(text: string): void {
    // Of a line that is too long for the log of an attempt, the end counts.
    let line = text.length * 3 + 1 > MAX_LOG_BYTES ? endOf(text) : text;
    // The other half of a pair whose beginning was cut off.
    if (/^[\udc00-\udfff]/.test(line)) line = line.slice(1);
    this.lines.push(line);
    this.bytes += Buffer.byteLength(line) + 1;
    let gone = 0;
    while (this.bytes > MAX_LOG_BYTES && gone < this.lines.length) {
      this.bytes -= Buffer.byteLength(this.lines[gone] ?? "") + 1;
      gone += 1;
    }
    if (gone > 0) this.lines.splice(0, gone);
  }
}

function endOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length < MAX_LOG_BYTES) return text;
  // What is cut in the middle of a character is left out.
  return bytes.subarray(bytes.length - MAX_LOG_BYTES + 8).toString("utf8").replace(/^\ufffd+/, "");
}

function isEmpty(report: AttemptReport): boolean {
  return Object.keys(report).length === 0;
}

/** How many bytes of a body a report takes, roughly. */
export function reportWeight(report: AttemptReport): number {
  const length = (text: string | null | undefined) => Buffer.byteLength(text ?? "");
  const lines = (report.log ?? []).reduce((sum, line) => sum + length(line) + 4, 0);
  const checkpoint = report.checkpoint instanceof RawJson ? length(report.checkpoint.text) : 0;
  return 300 + length(report.progress?.message) + lines + checkpoint + length(report.log_url);
}
