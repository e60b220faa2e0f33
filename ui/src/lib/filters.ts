/** What events are narrowed to, besides their status. */
export const FILTER_FIELDS = [
  { name: 'event_type', label: 'Event type' },
  { name: 'queue', label: 'Queue' },
  { name: 'engine_id', label: 'Engine' },
  { name: 'scenario_run_id', label: 'Scenario run' },
  { name: 'label', label: 'Label (key=value)' },
  { name: 'priority', label: 'Priority' },
  { name: 'idempotency_key', label: 'Idempotency key' },
];
