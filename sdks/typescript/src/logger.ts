// What an engine says of itself, and to whom.

/** What goes along with a message: what one filters by. */
export type LogFields = Record<string, string | number | boolean | undefined>;

/** Takes the messages of an engine and of its handlers. Those of pino, winston and OpenTelemetry are adapted to it in a few lines. */
export interface Logger {
  /** For whoever looks for a mistake. */
  debug(message: string, fields?: LogFields): void;
  /** What happens in good order. */
  info(message: string, fields?: LogFields): void;
  /** What an engine copes with. */
  warn(message: string, fields?: LogFields): void;
  /** What a person should look at. */
  error(message: string, fields?: LogFields): void;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** How much is said: messages of this level and of those after it. */
export type LogLevel = (typeof LEVELS)[number] | "silent";

/** Writes a line to stderr for each message of `level` and above. */
export function consoleLogger(level: LogLevel = "info"): Logger {
  const least = level === "silent" ? LEVELS.length : LEVELS.indexOf(level);
  const write = (at: number) => (message: string, fields: LogFields = {}) => {
    if (at < least) return;
    const known = Object.entries(fields).filter(([, value]) => value !== undefined);
    const texts = known.map(([name, value]) => ` ${name}=${typeof value === "string" ? JSON.stringify(value) : value}`);
    const name = (LEVELS[at] ?? "").toUpperCase().padStart(5);
    process.stderr.write(`${new Date().toISOString()} ${name} enginehouse: ${message}${texts.join("")}\n`);
  };
  return { debug: write(0), info: write(1), warn: write(2), error: write(3) };
}

/** The same logger, with fields that go along with every message. */
export function loggerWith(logger: Logger, always: LogFields): Logger {
  const write = (level: (typeof LEVELS)[number]) => (message: string, fields?: LogFields) => {
    logger[level](message, { ...always, ...fields });
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
