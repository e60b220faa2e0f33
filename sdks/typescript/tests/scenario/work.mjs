// The handler of `work` in a thread of its own.

import { Gates, scripted } from "./script.mjs";

const gates = new Gates();

export default (payload, context) => scripted(payload, context, gates);
