import type { components } from './schema';

type Schemas = components['schemas'];
export type Engine = Schemas['Engine'];
export type EngineLoad = Schemas['EngineLoad'];
export type EngineExplanation = Schemas['EngineExplanation'];
export type Event = Schemas['Event'];
export type EventExplanation = Schemas['EventExplanation'];
export type Change = Schemas['ChangeView'];
export type History = Schemas['HistoryResponse'];
export type Attempt = Schemas['Attempt'];
export type AttemptError = Schemas['AttemptError'];
export type Log = Schemas['LogResponse'];
export type Stats = Schemas['Stats'];
export type EventTypeStats = Schemas['EventTypeStats'];
export type BlockedLane = Schemas['BlockedLane'];
export type Suspects = Schemas['SuspectList'];
export type Suspect = Schemas['SuspectView'];
export type DeadLetter = Schemas['DeadLetter'];
export type DeadLetterGroup = Schemas['DeadLetterGroup'];
export type DeadLetterSummary = Schemas['DeadLetterSummary'];
export type QueueSettings = Schemas['QueueSettings'];
export type EventTypeSettings = Schemas['EventTypeSettings'];
export type ScenarioRun = Schemas['ScenarioRun'];
export type AuditItem = Schemas['AuditItem'];
export type TokenView = Schemas['TokenView'];
export type ProblemDocument = Schemas['Problem'];
export type Minutes = Schemas['MinutesResponse'];
export type BulkOperation = Schemas['BulkOperation'];
export type OperationAction = Schemas['OperationAction'];
export type OperationPreview = Schemas['OperationPreview'];
export type Unchanged = Schemas['UnchangedItem'];
export type Overview = Schemas['Overview'];
export type AttentionItem = Schemas['AttentionItem'];
export type QueueActivities = Schemas['QueueActivityList'];
export type System = Schemas['SystemInfo'];
export type WhoAmI = Schemas['WhoAmI'];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  /** What was enqueued before was not looked at for this page. */
  searched_until?: string | null;
}
