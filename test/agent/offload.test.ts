import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Context, createAgent, createOffload, defineOffload, Message, type Actions } from 'sluice/agent'
import { abortContext } from '#src/agent/context.js'
import { SpopClient } from '../support/spop-client.ts'

const module = new URL('./fixtures/offload-module.js', import.meta.url)
const offload = createOffload(module, { threads: 1, maxQueue: 2, threadTimeout: 1000 })
const agent = createAgent({ deadline: 5000 })
for (const name of ['spin', 'count', 'echo', 'fail', 'fill', 'missing']) agent.message(name, offload.handler)
agent.message('fast', (_message, actions) => void actions.setVar('txn', 'fast', true))
const client = await SpopClient.open(await agent.listen('127.0.0.1:0'))

after(async () => {
  client.close()
  await agent.close()
  await offload.close()
})

const spin = (ms: number) => client.notify({ name: 'spin', args: [['ms', ms]] })

test('a worker thread answers while the event loop goes on', async () => {
  const slow = spin(300)
  const fast = await client.notify({ name: 'fast', args: [] })
  assert.equal(fast.length, 1)
  assert.deepEqual(await slow, [
    { type: 'set-var', scope: 'txn', name: 'spun', value: { type: 'int64', value: 300 } },
  ])
})

test('a handler that throws, and a name that the module lacks, are answered by the fallback', async () => {
  assert.deepEqual(await client.notify({ name: 'fail', args: [] }), [])
  assert.deepEqual(await client.notify({ name: 'missing', args: [] }), [])
  assert.equal(agent.stats.errors['ERR_AGENT_OFFLOAD'], 2)
})

test('wrong arguments are reported from the thread', async () => {
  assert.deepEqual(await client.notify({ name: 'spin', args: [['ms', 'text']] }), [])
})

test('actions that do not fit a frame are left out', async () => {
  const actions = await client.notify({ name: 'fill', args: [] })
  assert.ok(actions.length > 10 && actions.length < 17, String(actions.length))
})

test('a full queue fails at once', async () => {
  const before = agent.stats.errors['ERR_AGENT_OVERLOAD'] ?? 0
  const results = await Promise.all([spin(500), spin(1), spin(1), spin(1), spin(1)])
  assert.equal(results.filter((actions) => actions.length === 1).length, 3)
  assert.equal((agent.stats.errors['ERR_AGENT_OVERLOAD'] ?? 0) - before, 2)
})

test('a thread that hangs is replaced, and the next message is answered', async () => {
  assert.deepEqual(await spin(60_000), [])
  assert.equal((await spin(1)).length, 1)
})

function newContext(name: string): Context {
  const connection = { id: 1, peer: 'test', engineId: '', maxFrameSize: 16_380 }
  return new Context(name, connection, 1, 1, Buffer.alloc(0), 0, 0)
}

/** Calls a handler as an agent does; its promise. */
async function call(pool: typeof offload, context: Context, args: Message['args'] = []): Promise<void> {
  const nowhere: Actions = { setVar: () => true, unsetVar: () => true }
  await pool.handler(new Message(context.name, args), nowhere, context)
}

test('bodies of all sizes go over and come back whole', async () => {
  for (const size of [0, 1, 600, 9000]) {
    const body = Buffer.alloc(size, 'abc')
    assert.deepEqual(await client.notify({ name: 'echo', args: [['body', body]] }), [
      { type: 'set-var', scope: 'txn', name: 'body', value: { type: 'binary', value: body } },
    ])
  }
})

test('a message that is given up while it waits is never computed, and leaves the queue', async () => {
  const reason = new Error('too late')
  const busy = newContext('spin')
  const running = call(offload, busy, [['ms', { type: 'int32', value: 100 }]])
  // Twice as many as may wait at once: each makes room for the next.
  for (let round = 0; round < 4; round++) {
    const context = newContext('count')
    const waiting = call(offload, context)
    abortContext(context, reason)
    await assert.rejects(waiting, reason)
  }
  abortContext(busy, reason)
  await assert.rejects(running, reason)
  assert.deepEqual(await client.notify({ name: 'count', args: [] }), [
    { type: 'set-var', scope: 'txn', name: 'count', value: { type: 'int64', value: 1 } },
  ])
})

test('a message that is given up while it is computed rejects at once, and the thread goes on', async () => {
  const context = newContext('count')
  const running = call(offload, context)
  abortContext(context, new Error('gone'))
  await assert.rejects(running, /gone/)
  assert.deepEqual(await client.notify({ name: 'count', args: [] }), [
    { type: 'set-var', scope: 'txn', name: 'count', value: { type: 'int64', value: 3 } },
  ])
})

test('a message that is given up already is not sent to a thread', async () => {
  const context = newContext('count')
  abortContext(context, new Error('gone before'))
  await assert.rejects(call(offload, context), /gone before/)
  assert.deepEqual(await client.notify({ name: 'count', args: [] }), [
    { type: 'set-var', scope: 'txn', name: 'count', value: { type: 'int64', value: 4 } },
  ])
})

test('while the module cannot be loaded messages fail with its error; they work once it can', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-offload-'))
  const path = join(folder, 'module.mjs')
  writeFileSync(path, "throw new RangeError('not today')")
  const logged: string[] = []
  const log = (_: object, line: string) => void logged.push(line)
  const logger = { debug: log, info: log, warn: log, error: log }
  const pool = createOffload(pathToFileURL(path), { threads: 1, threadTimeout: 0, logger })
  const expected = (error: unknown) => {
    assert.ok(error instanceof Error && error.cause instanceof Error)
    assert.equal((error as { code?: unknown }).code, 'ERR_AGENT_OFFLOAD')
    assert.match(error.message, /cannot load the module: not today/)
    assert.equal(error.cause.message, 'not today')
    return true
  }
  try {
    // The first waits until the thread has failed.
    await assert.rejects(call(pool, newContext('nothing')), expected)
    await assert.rejects(call(pool, newContext('nothing')), expected)
    assert.deepEqual(logged, ['worker thread lost, starting another'])
    writeFileSync(path, "export default new Map([['nothing', { args: {}, handle() {} }]])")
    for (let tries = 0; ; tries++) {
      const error: unknown = await call(pool, newContext('missing')).catch((thrown: unknown) => thrown)
      assert.ok(error instanceof Error)
      // The thread itself answers: the module is there.
      if (error.message.includes("no handler 'missing'")) break
      assert.ok(tries < 100, error.message)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    await pool.close()
    rmSync(folder, { recursive: true })
  }
  await assert.rejects(call(pool, newContext('nothing')), /the pool is closed/)
})

test('ready() tells when all threads have loaded, and an agent listens only then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-offload-'))
  const path = join(folder, 'module.mjs')
  const slow = `await new Promise((resolve) => setTimeout(resolve, 300))
    export default new Map([['m', { args: {}, handle(_, actions) { actions.setVar('txn', 'x', 1) } }]])`
  writeFileSync(path, slow)
  const pool = createOffload(pathToFileURL(path), { threads: 2, logger: false })
  const listening = createAgent({ deadline: 100, logger: false })
    .message('m', pool.handler)
    .otherwise(pool.handler)
  const started = performance.now()
  let client: SpopClient | undefined
  try {
    client = await SpopClient.open(await listening.listen('127.0.0.1:0'))
    assert.ok(performance.now() - started >= 290, 'it has waited')
    const answers = await Promise.all([1, 2].map(async () => client?.notify({ name: 'm', args: [] })))
    assert.deepEqual(
      answers.map((each) => each?.length),
      [1, 1],
      'the first questions are answered by the threads',
    )
    await pool.ready()
  } finally {
    client?.close()
    await listening.close()
    await pool.close()
    rmSync(folder, { recursive: true })
  }
  await assert.rejects(pool.ready(), { code: 'ERR_AGENT_OFFLOAD', message: /the pool is closed/ })
})

test('what cannot be loaded is said by ready() and listen(), once it can they succeed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-offload-'))
  const path = join(folder, 'module.mjs')
  writeFileSync(path, "throw new RangeError('not today')")
  const pool = createOffload(pathToFileURL(path), { threads: 1, logger: false })
  const agent = createAgent({ logger: false }).message('m', pool.handler)
  const error = { code: 'ERR_AGENT_OFFLOAD', message: /cannot load the module: not today/ }
  try {
    await Promise.all([
      assert.rejects(pool.ready(), error),
      assert.rejects(agent.listen('127.0.0.1:0'), error),
    ])
    await assert.rejects(pool.ready(), error)
    assert.deepEqual(agent.addresses, [])
    writeFileSync(path, 'export default new Map()')
    const waiting = performance.now()
    for (;;) {
      const failed = await pool.ready().then(
        () => false,
        () => true,
      )
      if (!failed) break
      assert.ok(performance.now() - waiting < 20_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await agent.listen('127.0.0.1:0')
  } finally {
    await agent.close()
    await pool.close()
    rmSync(folder, { recursive: true })
  }
})

test('an agent that is closed while it waits does not listen', async () => {
  const pool = createOffload(module, { threads: 1, logger: false })
  const agent = createAgent({ logger: false }).message('spin', pool.handler)
  const listening = agent.listen('127.0.0.1:0')
  await Promise.all([assert.rejects(listening, { code: 'ERR_SLUICE_CLOSED' }), agent.close()])
  await pool.close()
})

test('a module without handlers, and a logger that is none, are told about', async () => {
  const pool = createOffload('node:path', { threads: 1 })
  await assert.rejects(call(pool, newContext('x')), /node:path has no default export made by defineOffload/)
  await pool.close()
  // @ts-expect-error three methods are missing
  assert.throws(() => createOffload(module, { logger: { info() {} } }), { code: 'ERR_SLUICE_OPTION' })
})

test('what defineOffload cannot use is refused with the name of the message', () => {
  const handle = () => {}
  for (const [given, message] of [
    [undefined, 'defineOffload: wants handlers by message name, not undefined'],
    [{ m: handle }, "defineOffload: message 'm' must be { args, handle }, not a function"],
    [{ m: null }, "defineOffload: message 'm' must be { args, handle }, not null"],
    [{ m: { handle } }, "defineOffload: message 'm': args must be argument types by name, not undefined"],
    [
      { m: { args: ['ip'], handle } },
      'defineOffload: message \'m\': args must be argument types by name, not ["ip"]',
    ],
    [{ m: { args: {} } }, "defineOffload: message 'm': handle must be a function, not undefined"],
  ] as const) {
    assert.throws(() => defineOffload(given as never), { code: 'ERR_SLUICE_OPTION', message })
  }
  assert.throws(() => defineOffload({ m: { args: { body: 'bytes' }, handle } } as never), {
    code: 'ERR_AGENT_SCHEMA',
    message: /message 'm', argument 'body': 'bytes' is not one of/,
  })
})

test('a pool without a module is refused at once', () => {
  for (const given of [undefined, null, '', 5, {}]) {
    assert.throws(() => createOffload(given as never), {
      code: 'ERR_SLUICE_OPTION',
      message: /^createOffload: the module must be a URL or what import\(\) takes, not /,
    })
  }
})
