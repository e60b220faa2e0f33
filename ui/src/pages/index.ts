// Every page, and the address that it has.

import type { Component } from 'svelte';
import Audit from './Audit.svelte';
import DeadLetters from './DeadLetters.svelte';
import Engine from './Engine.svelte';
import Engines from './Engines.svelte';
import Event from './Event.svelte';
import Events from './Events.svelte';
import EventType from './EventType.svelte';
import EventTypes from './EventTypes.svelte';
import Overview from './Overview.svelte';
import Queue from './Queue.svelte';
import Queues from './Queues.svelte';
import Operation from './Operation.svelte';
import Operations from './Operations.svelte';
import ScenarioRun from './ScenarioRun.svelte';
import ScenarioRuns from './ScenarioRuns.svelte';
import System from './System.svelte';
import Tokens from './Tokens.svelte';

export interface PageOfDashboard {
  section: string;
  takesId?: boolean;
  title: string;
  // Those of one thing take its id.
  component: Component<any>;
  /** What is pressed after `g`. */
  key?: string;
  /** What a token needs for it. */
  permission?: string;
}

export const PAGES: PageOfDashboard[] = [
  { section: '', title: 'Overview', component: Overview, key: 'o' },
  { section: 'engines', title: 'Engines', component: Engines, key: 'e', permission: 'engines:read' },
  { section: 'engines', takesId: true, title: 'Engine', component: Engine },
  { section: 'scenario-runs', title: 'Scenario runs', component: ScenarioRuns, key: 'r', permission: 'events:read' },
  { section: 'scenario-runs', takesId: true, title: 'Scenario run', component: ScenarioRun },
  { section: 'events', title: 'Events', component: Events, key: 'v', permission: 'events:read' },
  { section: 'events', takesId: true, title: 'Event', component: Event },
  { section: 'queues', title: 'Queues', component: Queues, key: 'q', permission: 'settings:read' },
  { section: 'queues', takesId: true, title: 'Queue', component: Queue },
  { section: 'event-types', title: 'Event types', component: EventTypes, key: 't', permission: 'settings:read' },
  { section: 'event-types', takesId: true, title: 'Event type', component: EventType },
  { section: 'dead-letters', title: 'Dead letters', component: DeadLetters, key: 'd', permission: 'events:read' },
  { section: 'operations', title: 'Operations', component: Operations, key: 'b', permission: 'events:read' },
  { section: 'operations', takesId: true, title: 'Operation', component: Operation },
  { section: 'audit', title: 'Audit log', component: Audit, key: 'a', permission: 'audit:read' },
  { section: 'tokens', title: 'Tokens', component: Tokens, key: 'k', permission: 'tokens:read' },
  { section: 'system', title: 'System', component: System, key: 's' },
];
