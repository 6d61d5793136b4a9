import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { Agent, createAgent, type AgentOptions } from 'sluice/agent'
import { encodeFrame, encodeNotify, encodeNotifyFragments, Writer } from 'sluice/spop'
import { SpopClient } from '../support/spop-client.ts'
import { until } from '../support/until.ts'

const agents: Agent[] = []
after(() => agents.forEach((agent) => agent.destroy()))

async function listen(agent: Agent): Promise<{ host: string; port: number; type: 'tcp' }> {
  agents.push(agent)
  const address = await agent.listen('127.0.0.1:0')
  assert.ok(address.type === 'tcp')
  return address
}

const start = async (options: AgentOptions, register: (agent: Agent) => void) => {
  const agent = createAgent(options)
  register(agent)
  return { agent, address: await listen(agent) }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function hello(engineId: string | undefined, capabilities = 'pipelining'): Buffer {
  const writer = new Writer()
  encodeFrame(writer, {
    type: 'haproxy-hello',
    supportedVersions: '2.0',
    maxFrameSize: 16_380,
    capabilities,
    healthcheck: false,
    engineId,
  })
  return Buffer.from(writer.view())
}

function notify(name: string, id: number, copies = 1): Buffer {
  const writer = new Writer()
  encodeNotify(
    writer,
    id,
    1,
    Array.from({ length: copies }, () => ({ name, args: [] })),
  )
  return Buffer.from(writer.view())
}

/** A bare socket that has said HELLO; `received` grows with what comes after the answer. */
async function greet(port: number, bytes: Buffer): Promise<{ socket: Socket; received: () => Buffer }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  let all = Buffer.alloc(0)
  socket.on('data', (chunk) => (all = Buffer.concat([all, chunk])))
  socket.write(bytes)
  await until(() => all.length > 4, 'AGENT-HELLO')
  const size = 4 + all.readUInt32BE(0)
  return { socket, received: () => all.subarray(size) }
}

test('a fallback and an after that are async and fail are reported, and harm nothing', async () => {
  const { agent, address } = await start(
    {
      fallback: async () => {
        await pause(1)
        throw new Error('from the fallback')
      },
    },
    (each) => {
      each.message('fail', () => {
        throw new Error('from the handler')
      })
      each.use({
        after: async () => {
          await pause(1)
          throw new Error('from after')
        },
      })
    },
  )
  const client = await SpopClient.open(address)
  assert.deepEqual(await client.notify({ name: 'fail', args: [] }), [])
  const { errors } = agent.stats
  await until(() => {
    Object.assign(errors, agent.stats.errors)
    return Object.keys(errors).length === 3
  }, 'three reports')
  assert.deepEqual(errors, { ERR_AGENT_HANDLER: 1, ERR_AGENT_FALLBACK: 1, ERR_AGENT_MIDDLEWARE: 1 })
  client.close()
})

test('maxInFlight counts messages, also those of one NOTIFY', async () => {
  let calls = 0
  const { agent, address } = await start(
    { maxInFlight: 3, maxInFlightPerConnection: 2, deadline: 0 },
    (each) => {
      each.message('slow', async () => {
        calls++
        await pause(50)
      })
    },
  )
  const { socket, received } = await greet(address.port, hello('one'))
  socket.write(notify('slow', 1, 100))
  await until(() => received().length > 0, 'the ACK')
  assert.equal(calls, 2)
  assert.equal(agent.stats.messages.get('slow')?.overloads, 98)
  assert.equal(agent.stats.inFlight, 0)
  socket.destroy()
})

test('DISCONNECT codes of a peer neither fill the memory of the log nor the log', async () => {
  const lines: string[] = []
  const say = (_: object, message: string) => void lines.push(message)
  const logger = { debug: () => {}, info: () => {}, warn: say, error: say }
  const { address } = await start({ logger }, () => {})
  for (let code = 1; code <= 20; code++) {
    const { socket, received } = await greet(address.port, hello('one'))
    const writer = new Writer()
    encodeFrame(writer, { type: 'haproxy-disconnect', statusCode: code + 1000, message: 'x' })
    socket.end(writer.view())
    await until(() => received().length > 0, 'AGENT-DISCONNECT')
    socket.destroy()
  }
  assert.equal(lines.length, 1)
})

test('a peer that does not read is cut off after stallTimeout', async () => {
  const options = { stallTimeout: 300, maxPendingOutput: 65_536 }
  const { agent, address } = await start(options, (each) => {
    each.message('big', (_, actions) => void actions.setVar('txn', 'big', 'x'.repeat(16_000)))
  })
  const { socket } = await greet(address.port, hello('one'))
  socket.pause()
  for (let id = 1; id <= 2000; id++) socket.write(notify('big', id % 200))
  await until(() => agent.stats.connections.active === 0, 'cut')
  assert.equal(agent.stats.errors['ERR_AGENT_STALLED'], 1)
  socket.destroy()
})

test('a half-closed connection whose fragments never end is closed', async () => {
  const { agent, address } = await start({}, (each) => {
    each.message('slow', () => pause(50) as Promise<void>)
  })
  const { socket } = await greet(address.port, hello('one'))
  const writer = new Writer()
  encodeNotifyFragments(writer, 2, 1, Buffer.alloc(1000), 300)
  socket.write(notify('slow', 1))
  socket.end(writer.view().subarray(0, 4 + writer.view().readUInt32BE(0)))
  await until(() => agent.stats.connections.active === 0, 'closed')
  assert.ok(agent.stats.errors['ERR_SPOP_TRUNCATED'])
})

test('async answers leave on a sibling when the connection ends, and never on another engine', async () => {
  const { agent, address } = await start({ async: true }, (each) => {
    each.message('slow', () => pause(100) as Promise<void>)
  })
  for (const leave of ['fin', 'disconnect'] as const) {
    const first = await greet(address.port, hello('same', 'pipelining,async'))
    const sibling = await greet(address.port, hello('same', 'pipelining,async'))
    const stranger = await greet(address.port, hello(undefined, 'pipelining,async'))
    first.socket.write(notify('slow', 77))
    await until(() => agent.stats.inFlight === 1, 'in flight')
    const writer = new Writer()
    encodeFrame(writer, { type: 'haproxy-disconnect', statusCode: 0, message: 'normal' })
    if (leave === 'fin') first.socket.end()
    else first.socket.end(writer.view())
    await until(() => sibling.received().length > 0, `the ACK on the sibling after ${leave}`)
    assert.equal(sibling.received()[9], 77)
    assert.equal(stranger.received().length, 0)
    for (const { socket } of [first, sibling, stranger]) socket.destroy()
    await until(() => agent.stats.connections.active === 0, 'all gone')
  }
})

test('with async, what no connection is left for is given up, too', async () => {
  let aborted = 0
  const { agent, address } = await start({ async: true, deadline: 0 }, (each) => {
    each.message('slow', (_, __, { signal }) => {
      signal.addEventListener('abort', () => aborted++)
      return new Promise(() => {})
    })
  })
  const first = await greet(address.port, hello('same', 'pipelining,async'))
  const sibling = await greet(address.port, hello('same', 'pipelining,async'))
  first.socket.write(notify('slow', 1))
  sibling.socket.write(notify('slow', 2))
  await until(() => agent.stats.inFlight === 2, 'in flight')
  first.socket.resetAndDestroy()
  await until(() => agent.stats.connections.active === 1, 'one is gone')
  assert.equal(agent.stats.inFlight, 2, 'the sibling answers for both')
  sibling.socket.resetAndDestroy()
  await until(() => agent.stats.connections.active === 0, 'all gone')
  assert.deepEqual([agent.stats.inFlight, aborted], [0, 2])
})

test('close() waits for a lull: what comes meanwhile is answered before DISCONNECT', async () => {
  const { agent, address } = await start({}, (each) => {
    each.message('fast', () => {})
  })
  const { socket, received } = await greet(address.port, hello('one'))
  const closed = agent.close()
  for (let id = 1; id <= 5; id++) socket.write(notify('fast', id))
  await until(() => received().at(4 + 11 * 5) !== undefined && received().length > 60, 'DISCONNECT')
  const types: number[] = []
  for (let at = 0; at < received().length; at += 4 + received().readUInt32BE(at))
    types.push(received()[at + 4] ?? 0)
  assert.deepEqual(types, [103, 103, 103, 103, 103, 102])
  socket.destroy()
  await closed
})

test('options of messages and of listen() are checked', async () => {
  const agent = createAgent()
  agents.push(agent)
  const wrong = { deadLine: 5 } as object
  assert.throws(() => agent.message('a', () => {}, wrong), { code: 'ERR_SLUICE_OPTION', message: /deadLine/ })
  assert.throws(() => agent.message('a', () => {}, { deadline: Number.NaN }), { code: 'ERR_SLUICE_OPTION' })
  await assert.rejects(agent.listen('127.0.0.1:0', { moode: 1 } as object), { code: 'ERR_SLUICE_OPTION' })
  assert.throws(() => createAgent({ logger: { info() {}, warn() {} } as never }), {
    code: 'ERR_SLUICE_OPTION',
  })
})

test('a ready() that throws fails the health check, and the statistics still work', async () => {
  const agent = createAgent({
    ready: () => {
      throw new Error('not today')
    },
  })
  agents.push(agent)
  assert.equal(agent.stats.ready, false)
})
