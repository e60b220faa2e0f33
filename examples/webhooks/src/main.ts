import { webhooks } from "./webhooks.js";

const secret = process.env["WEBHOOK_SECRET"];
if (!secret) throw new Error("set WEBHOOK_SECRET to what receivers check signatures with");
await webhooks(secret).run();
