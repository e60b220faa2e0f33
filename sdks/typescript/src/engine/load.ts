// How much of the machine an engine uses: its process, and the children of that.

import { readdirSync, readFileSync } from "node:fs";
import type { Schemas } from "../calls.js";

/** Two measurements closer than this say nothing about processor time. */
const MIN_SPAN = 200;
/** What Linux counts processor time in, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE = 4_096;
const CGROUPS = "/sys/fs/cgroup";

/** What a process and its children have used, and use. */
interface Used {
  /** Processor time in seconds. */
  cpuSeconds: number;
  memoryMb: number;
  /** Limits of the container that they are in, if it has some. */
  cpuLimitPercent?: number | undefined;
  memoryLimitMb?: number | undefined;
}

/** Measures for heartbeats. */
export class LoadMeter {
  private before: { at: number; cpuSeconds: number } | undefined;
  private cpuPercent: number | undefined;
  private scenarioRunId: string | undefined;

  constructor(private readonly measure: () => Used | undefined = used) {}

  /** Notes the scenario run of an event that is begun. */
  worksOn(scenarioRunId: string | null | undefined): void {
    this.scenarioRunId = scenarioRunId ?? this.scenarioRunId;
  }

  /** How the engine is doing. What is not known is left out. */
  state(now: number = performance.now()): Schemas["DynamicState"] {
    const usage = this.measure();
    if (usage) this.noteCpu(now, usage.cpuSeconds);
    const known = {
      cpu_percent: this.cpuPercent,
      memory_usage_mb: usage && tenths(usage.memoryMb),
      cpu_limit_percent: usage?.cpuLimitPercent,
      memory_limit_mb: usage?.memoryLimitMb && tenths(usage.memoryLimitMb),
    };
    return {
      resource_utilization: Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
      ...(this.scenarioRunId === undefined ? {} : { current_scenario_run_id: this.scenarioRunId }),
    };
  }

  private noteCpu(now: number, cpuSeconds: number): void {
    const { before } = this;
    if (before && now - before.at < MIN_SPAN) return;
    // Children that have ended are not counted any more.
    if (before) this.cpuPercent = tenths((100_000 * Math.max(cpuSeconds - before.cpuSeconds, 0)) / (now - before.at));
    this.before = { at: now, cpuSeconds };
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function used(): Used | undefined {
  const processes = processesOfLinux();
  if (!processes) {
    const { user, system } = process.cpuUsage();
    return { cpuSeconds: (user + system) / 1e6, memoryMb: process.memoryUsage.rss() / 1024 / 1024 };
  }
  const ours = descendants(processes, process.pid);
  return usedByCgroup(ours) ?? sum(processes, ours);
}

/** One line of `/proc/<pid>/stat`. */
export interface Process {
  parent: number;
  ticks: number;
  pages: number;
}

/** Reads a line of `/proc/<pid>/stat`: see proc_pid_stat(5). */
export function parseStat(stat: string): Process | undefined {
  // The name before it may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  const [parent, pages] = [fields[1], fields[21]];
  // utime, stime, cutime and cstime.
  const ticks = fields.slice(11, 15).reduce((total, value) => total + value, 0);
  return parent === undefined || pages === undefined || Number.isNaN(ticks) ? undefined : { parent, ticks, pages };
}

function processesOfLinux(): Map<number, Process> | undefined {
  if (process.platform !== "linux") return undefined;
  const processes = new Map<number, Process>();
  try {
    for (const name of readdirSync("/proc")) {
      if (!/^[0-9]+$/.test(name)) continue;
      const read = parseStat(textOf(`/proc/${name}/stat`) ?? "");
      if (read) processes.set(Number(name), read);
    }
  } catch {
    return undefined;
  }
  return processes.has(process.pid) ? processes : undefined;
}

/** A process and all that it has started, as long as their parents live. */
export function descendants(processes: ReadonlyMap<number, Process>, root: number): Set<number> {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of processes) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const found = new Set([root]);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return found;
}

function sum(processes: ReadonlyMap<number, Process>, ours: ReadonlySet<number>): Used {
  let [ticks, pages] = [0, 0];
  for (const pid of ours) {
    ticks += processes.get(pid)?.ticks ?? 0;
    pages += processes.get(pid)?.pages ?? 0;
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, memoryMb: (pages * PAGE) / 1024 / 1024 };
}

/** The kernel's own count, exact for children that have ended too, where nobody else is in the control group: in a container, or a unit. */
function usedByCgroup(ours: ReadonlySet<number>): Used | undefined {
  const path = /^0::(\/.*)$/m.exec(textOf("/proc/self/cgroup") ?? "")?.[1];
  if (path === undefined) return undefined;
  const folder = `${CGROUPS}${path === "/" ? "" : path}`;
  const members = textOf(`${folder}/cgroup.procs`)?.trim().split("\n").map(Number) ?? [];
  if (members.length === 0 || !members.every((pid) => ours.has(pid))) return undefined;
  const cpu = /^usage_usec (\d+)$/m.exec(textOf(`${folder}/cpu.stat`) ?? "")?.[1];
  const memory = textOf(`${folder}/memory.current`);
  if (cpu === undefined || memory === undefined) return undefined;
  // Files that the kernel keeps in memory as long as nobody needs the room are nobody's use.
  const files = Number(/^inactive_file (\d+)$/m.exec(textOf(`${folder}/memory.stat`) ?? "")?.[1] ?? 0);
  const [quota, period] = (textOf(`${folder}/cpu.max`) ?? "max").trim().split(" ").map(Number);
  const limit = Number(textOf(`${folder}/memory.max`)?.trim() ?? NaN);
  return {
    cpuSeconds: Number(cpu) / 1e6,
    memoryMb: Math.max(Number(memory) - files, 0) / 1024 / 1024,
    cpuLimitPercent: quota && period ? (100 * quota) / period : undefined,
    memoryLimitMb: Number.isFinite(limit) ? limit / 1024 / 1024 : undefined,
  };
}

/** What is in a file; a process that has just ended has none any more. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
