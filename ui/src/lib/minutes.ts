// Minutes as charts take them: a value for each step, also for those in which nothing happened.

import type { Minutes } from '../api/types';

export type MinutePoint = Minutes['series'][number]['points'][number];

export const RANGES = [
  { name: '1 h', minutes: 60, step: 60 },
  { name: '6 h', minutes: 360, step: 120 },
  { name: '24 h', minutes: 1440, step: 600 },
  { name: '72 h', minutes: 4320, step: 1800 },
];

/** The beginnings of the steps, in seconds. */
export function timesOf(minutes: Pick<Minutes, 'from' | 'to' | 'step_seconds'>): number[] {
  const step = minutes.step_seconds;
  const first = Math.floor(Date.parse(minutes.from) / 1000 / step) * step;
  const end = Date.parse(minutes.to) / 1000;
  return Array.from({ length: Math.max(0, Math.min(5000, Math.ceil((end - first) / step))) }, (_, index) => first + index * step);
}

export function valuesOf(minutes: Minutes, points: MinutePoint[], value: (point: MinutePoint) => number | null, nothing: number | null = null): (number | null)[] {
  const step = minutes.step_seconds;
  const found = new Map(points.map((point) => [Math.floor(Date.parse(point.at) / 1000 / step), value(point)]));
  return timesOf(minutes).map((time) => found.get(Math.floor(time / step)) ?? nothing);
}

/** How many a minute. Where nothing happened it is none. */
export const perMinute = (minutes: Minutes, points: MinutePoint[], what: 'enqueued' | 'completed' | 'failed' | 'lost'): (number | null)[] =>
  valuesOf(minutes, points, (point) => (point[what] * 60) / minutes.step_seconds, 0);

/** The mean of several means, each of as many as it counts; null if nothing is counted. */
export function meanOf(parts: ({ count: number; mean_seconds: number } | null | undefined)[]): number | null {
  const counted = parts.filter((part) => part !== null && part !== undefined);
  const many = counted.reduce((sum, part) => sum + part.count, 0);
  return many === 0 ? null : counted.reduce((sum, part) => sum + part.count * part.mean_seconds, 0) / many;
}
