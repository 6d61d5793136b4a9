import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from 'sluice/engine'
import { agentDisconnect, agentHello, frame, startAgent, type Script } from './scripted-agent.ts'

type Hooks = Parameters<typeof startAgent>[0]

async function checkWith(t: Hooks, script: Script) {
  const agent = await startAgent(t, script)
  await using engine = createEngine({ servers: [agent.address], helloTimeout: 60 })
  const report = await engine.healthCheck(agent.address)
  assert.equal(report.server, agent.address)
  assert.ok(report.duration >= 0)
  assert.equal(engine.stats.servers[0]?.connects, 0)
  return report
}

test('the HELLO of a health check is the one that HAProxy sends', async (t) => {
  const report = await checkWith(t, async (peer) => {
    const hello = await peer.frame()
    // Captured from HAProxy 2.6, 3.0, 3.2 and 3.5-dev5 alike.
    assert.equal(
      hello.hex,
      '0000004e0100000001000012737570706f727465642d76657273696f6e730803322e300e6d61782d6672616d652d73697a65' +
        '03fcf0060c6361706162696c697469657308000b6865616c7468636865636b11',
    )
    peer.send(agentHello('pipelining,fragmentation'))
  })
  assert.equal(report.healthy, true)
  assert.equal(report.error, undefined)
  assert.equal(report.maxFrameSize, 16_380)
  assert.deepEqual(report.capabilities, ['pipelining', 'fragmentation'])
})

test('an agent may close as soon as it has answered, and answer in pieces', async (t) => {
  const report = await checkWith(t, async (peer) => {
    await peer.frame()
    for (const each of agentHello('').match(/../g) ?? []) {
      peer.send(each)
      await new Promise(setImmediate)
    }
    peer.socket.end()
  })
  assert.equal(report.healthy, true)
  assert.deepEqual(report.capabilities, [])
})

// HAProxy 2.6.12 does not miss them, though SPOE.txt does.
test('an agent may leave its capabilities out', async (t) => {
  const report = await checkWith(t, async (peer) => {
    await peer.frame()
    peer.send(frame('65 00000001 0000 0776657273696f6e 08 03322e30 0e6d61782d6672616d652d73697a65 03 fcf006'))
  })
  assert.equal(report.healthy, true)
  assert.deepEqual(report.capabilities, [])
})

const wrong: [name: string, bytes: string, code: string, status: number, message: RegExp][] = [
  [
    'AGENT-DISCONNECT',
    agentDisconnect(99, 'draining'),
    'ERR_ENGINE_DISCONNECTED',
    355,
    /status 99, 'draining'/,
  ],
  ['flags of 3', agentHello().replace('6500000001', '6500000003'), 'ERR_ENGINE_HEALTH', 260, /flags 3/],
  [
    'ids of 1',
    agentHello().replace('65000000010000', '65000000010101'),
    'ERR_ENGINE_HEALTH',
    260,
    /ids 1\/1/,
  ],
  ['another frame', frame('67 00000001 00 00'), 'ERR_ENGINE_HEALTH', 260, /type 103/],
  [
    'no size',
    frame('65 00000001 0000 0776657273696f6e 08 03322e30 0c6361706162696c6974696573 08 00'),
    'ERR_ENGINE_HEALTH',
    262,
    /max-frame-size value not found/,
  ],
  ['HTTP', Buffer.from('HTTP/1.1 400 Bad').toString('hex'), 'ERR_ENGINE_HEALTH', 259, /HTTP/],
]

for (const [name, bytes, code, status, message] of wrong) {
  test(`${name} as an answer fails the check`, async (t) => {
    const report = await checkWith(t, async (peer) => {
      await peer.frame()
      peer.send(bytes)
    })
    assert.equal(report.healthy, false)
    assert.deepEqual([report.error?.code, report.error?.status], [code, status])
    assert.match(report.error?.message ?? '', message)
    assert.equal(report.maxFrameSize, undefined)
  })
}

test('no answer, no agent and no server', async (t) => {
  const mute = await checkWith(t, () => {})
  assert.deepEqual([mute.error?.code, mute.error?.status], ['ERR_ENGINE_HELLO_TIMEOUT', 258])
  const gone = await checkWith(t, async (peer) => {
    await peer.frame()
    peer.socket.destroy()
  })
  assert.deepEqual([gone.error?.code, gone.error?.status], ['ERR_ENGINE_CONNECTION_LOST', 257])
  const agent = await startAgent(t, () => {})
  await agent.stop()
  await using engine = createEngine({ servers: [agent.address] })
  const absent = await engine.healthCheck(agent.address)
  assert.deepEqual([absent.error?.code, absent.error?.status], ['ERR_ENGINE_CONNECT', 257])
  await assert.rejects(engine.healthCheck('other:1'), { code: 'ERR_SLUICE_OPTION' })
})

test('a check of an engine that was closed is refused', async (t) => {
  const agent = await startAgent(t, async () => {})
  const engine = createEngine({ servers: [agent.address] })
  await engine.close()
  await assert.rejects(engine.healthCheck(agent.address), { code: 'ERR_SLUICE_CLOSED' })
})

test('close() waits for a check under way, and destroy() ends it', async (t) => {
  const agent = await startAgent(t, async (peer) => {
    await peer.frame()
  })
  const engine = createEngine({ servers: [agent.address] })
  const seen: string[] = []
  const checked = engine.healthCheck(agent.address).then((report) => {
    seen.push('checked')
    return report
  })
  const closed = engine.close().then(() => seen.push('closed'))
  await new Promise(setImmediate)
  assert.deepEqual(seen, [])
  const planted = new Error('planted')
  engine.destroy(planted)
  await closed
  const { healthy, error } = await checked
  assert.deepEqual([healthy, error?.code, error?.status], [false, 'ERR_ENGINE_INTERRUPTED', 5])
  assert.deepEqual(error?.cause, planted)
  assert.equal(seen.length, 2)
})
