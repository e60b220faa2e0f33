// A handler of a worker that does as its payload says.

let kept;

export default async function task(payload, context) {
  switch (payload.what) {
    case "burn": {
      const until = performance.now() + payload.milliseconds;
      while (performance.now() < until);
      return { burnt: payload.milliseconds, big: payload.big };
    }
    case "until stopped":
      context.log("began");
      context.progress(7, "seven");
      while (!context.stopped);
      return { reason: context.stopReason, aborted: context.signal.aborted };
    case "for ever":
      context.progress(1, "for ever");
      for (const ticks = new BroadcastChannel("ticks"); ; ) {
        const next = performance.now() + 20;
        while (performance.now() < next);
        ticks.postMessage("tick");
      }
    case "exit":
      process.exit(5);
      break;
    case "throw":
      throw new TypeError("bad");
    case "fail later":
      new BroadcastChannel("fail").onmessage = () => {
        throw new Error("too late");
      };
      return null;
    case "keep":
      kept = context;
      return null;
    case "report":
      kept?.log("of the one before");
      kept?.progress(1);
      context.log("of this one");
      return kept !== undefined;
    default:
      return { previous: context.previous?.checkpoint ?? null, token: context.eventToken !== undefined };
  }
}
