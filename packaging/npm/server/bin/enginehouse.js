#!/usr/bin/env node
import { spawn } from "node:child_process";
import { constants } from "node:os";

import { findBinary } from "../index.js";

/** Those that ask a program to do something: the binary decides what. */
const SIGNALS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"];

function run(binary) {
  const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`error: ${binary} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (status, signal) => {
    // As a shell has it, if the binary was ended by a signal.
    process.exit(status ?? 128 + constants.signals[signal]);
  });
}

try {
  run(findBinary());
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
