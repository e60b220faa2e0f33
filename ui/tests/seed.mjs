// A fleet with something of everything: what the pages show in tests, and in pictures.

/** Calls of the API, as an admin if there is a token. */
export function client(url, token, session) {
  return async (method, path, body) => {
    const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(session ? { 'Enginehouse-Session': session } : {}) };
    const answer = await fetch(url + path, { method, headers, body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
}

/** What every text field is filled with by the hostile test: nothing of it may be anything but text. */
export const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'"&{{7*7}}`;

export async function register(call, engine_id, options = {}) {
  const { capabilities = [], slots = 4, memory = 8192, version = '2.4.1', type = 'simulator', cpu = 35, used = 2100, run = null, own = {} } = options;
  const engine = await call('PUT', `/v1/engines/${encodeURIComponent(engine_id)}`, {
    engine_type: type,
    heartbeat_interval_seconds: 300,
    metadata: {
      static_config: { ...own, capabilities, engine_software_version: version, resource_limits: { max_concurrent_events: slots, memory_limit_mb: memory } },
      dynamic_state: { resource_utilization: { cpu_percent: cpu, memory_usage_mb: used }, ...(run ? { current_scenario_run_id: run } : {}) },
    },
  });
  return { engine_id, epoch: engine.epoch, session: engine.session_token };
}

/** Fills an empty server and answers the ids of what the tests look at. */
export async function seed(url, token) {
  const call = client(url, token);
  const ids = {};
  const run = 'alps-2026-11';
  const engines = {};
  for (const [index, name] of ['sim-1', 'sim-2', 'sim-3', 'sim-4', 'render-1', 'render-2', 'batch-1', 'spare-1'].entries()) {
    engines[name] = await register(call, name, {
      capabilities: name.startsWith('render') ? ['gpu', 'render'] : name.startsWith('sim') ? ['simulate'] : [],
      type: name.split('-')[0], cpu: [22, 48, 91, 35, 77, 12, 5, 0][index], used: [2100, 3900, 7800, 1200, 6000, 800, 300, 100][index],
      version: name === 'sim-3' ? '2.5.0-rc.1' : '2.4.1', run: name.startsWith('sim') ? run : null,
    });
  }
  // An engine proves by its session that it is the one that it says.
  const as = (engine) => client(url, token, engine.session);
  const enqueue = (body) => call('POST', '/v1/events', body);
  const claim = async (engine, types, limit = 3) => (await as(engine)('POST', `/v1/engines/${engine.engine_id}/claim`, { epoch: engine.epoch, limit, event_types: types })).events;
  const settle = (engine, event, what, body) => as(engine)('POST', `/v1/events/${event.event_id}/${what}`, { lock_token: event.lock.token, ...body });

  // Done, and how long it took.
  for (let tile = 0; tile < 6; tile += 1) await enqueue({ event_type: 'frame.simulate', queue: 'simulation', scenario_run_id: run, payload: { tile, scene: 'alps' } });
  for (const event of await claim(engines['sim-1'], ['frame.simulate'], 4)) await settle(engines['sim-1'], event, 'complete', { result: { ok: true }, usage: { cpu_seconds: 4.2, max_memory_mb: 900 }, log: ['loading scene', 'done'] });
  ids.running = (await claim(engines['sim-2'], ['frame.simulate'], 1))[0];
  await settle(engines['sim-2'], ids.running, 'extend', { visibility_timeout_seconds: 600, progress: { percent: 42, message: 'tile 5 of 12' }, log: ['loading scene alps', 'tile 1 of 12', 'tile 5 of 12'] });

  // Never to run: nobody has so much memory, or such a capability.
  ids.impossible = (await enqueue({ event_type: 'volume.render', queue: 'render', required_capabilities: ['gpu'], required_memory_mb: 65536, payload: { scene: 'glacier', seed: 1 } })).event_id;
  ids.missing = (await enqueue({ event_type: 'mesh.optimise', queue: 'render', required_capabilities: ['cuda-12'], payload: {} })).event_id;
  // Numbers that no double holds.
  ids.exact = (await enqueue('{"event_type":"ledger.post","queue":"billing","payload":{"account":12345678901234567890,"amount":1.10,"tiny":1e-7},"priority":2,"labels":{"team":"billing"},"idempotency_key":"invoice-77"}')).event_id;
  for (let invoice = 0; invoice < 5; invoice += 1) await enqueue({ event_type: 'ledger.post', queue: 'billing', payload: { invoice }, delay_seconds: 86_400 });
  await call('POST', '/v1/queues/billing/pause', { reason: 'month end: the ledger is closed until Monday' });

  // Dead letters of two groups.
  for (let index = 0; index < 7; index += 1) await enqueue({ event_type: 'thumbnail.make', queue: 'media', payload: { image: `IMG_${index}.jpg` }, retry_policy: { max_retries: 0 } });
  const codec = (index) => ({ code: 'unsupported_codec', message: `frame ${index}: cannot decode "IMG_${index}.jpg": unsupported codec` });
  const disk = (index) => ({ code: 'disk_full', message: `cannot write /var/cache/thumb-${index}.png: no space left on device` });
  for (let index = 0; index < 7; ) {
    for (const event of await claim(engines['batch-1'], ['thumbnail.make'], 4)) {
      await settle(engines['batch-1'], event, 'fail', { error: index < 5 ? codec(index) : disk(index), log: [`reading IMG_${index}.jpg`, 'giving up'] });
      ids.dead ??= event.event_id;
      index += 1;
    }
  }
  // Text of others, as hostile as it may be.
  ids.hostile = (await enqueue({ event_type: 'hostile.event', queue: 'hostile', payload: { [HOSTILE]: HOSTILE }, labels: { note: HOSTILE.slice(0, 100) }, retry_policy: { max_retries: 0 } })).event_id;
  const [bad] = await claim(engines['spare-1'], ['hostile.event'], 1);
  await settle(engines['spare-1'], bad, 'fail', { error: { code: 'bad', message: HOSTILE, details: { html: HOSTILE } }, log: [`${HOSTILE}`] });
  await call('POST', '/v1/engines/render-2/drain', {});
  await call('POST', '/v1/engines/sim-3/quarantine', { reason: `suspect after the upgrade ${HOSTILE}` });
  ids.operation = (await call('POST', '/v1/operations', { action: 'cancel_events', filter: 'queue:nothing-is-in-it', reason: 'clean up after the outage', rate_per_second: 10 })).operation_id;
  ids.run = run;
  return { ids, engines };
}
