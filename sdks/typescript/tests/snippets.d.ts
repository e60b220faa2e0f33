// What the examples of the documents take for granted.

declare function quote(sku: string, options: { signal: AbortSignal }): Promise<number>;
declare function resize(url: string, signal: AbortSignal): Promise<{ width: number }>;
declare function transcode(url: string, signal: AbortSignal): Promise<{ frames: number }>;
declare function findOrder(id: number): Promise<{ sku: string } | undefined>;
declare function ship(order: { sku: string }, options: { key: string; signal: AbortSignal }): Promise<void>;
declare const engine: import("enginehouse").Engine;
interface Database {
  query(sql: string, values?: unknown[]): Promise<{ id: string; type: string; payload: unknown }[]>;
}
