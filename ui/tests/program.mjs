// A program of the tests' own: a server that they kill and start again, or a demo whose pages they look at.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Starts a program, and answers once a line of its output names an address. It ends with the tests. */
export async function start(command, flags = []) {
  const [program, ...given] = command;
  const child = spawn(program, [...given, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  const ended = once(child, 'exit').then(([status]) => {
    process.removeListener('exit', killed);
    return status;
  });
  const url = await Promise.race([
    new Promise((found) => createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /https?:\/\/[\w.:[\]-]+/.exec(line);
      if (address) found(address[0]);
    })),
    ended.then((status) => Promise.reject(new Error(`${program} has ended with ${status}`))),
  ]);
  return {
    url,
    /** Ends it as a power cut would, or as somebody would by this signal. */
    async end(signal = 'SIGKILL') {
      child.kill(signal);
      return await ended;
    },
  };
}
