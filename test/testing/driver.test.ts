/** Handlers are driven without a socket, and meet what HAProxy would make them meet. */
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { createAgent, IpAddress, type Agent, type AgentOptions } from 'sluice/agent'
import { createDriver, TestingError, variablesOf, type DriverOptions } from 'sluice/testing'
import { agentHello, hex } from '../support/peer.ts'

function stage(t: TestContext, options: AgentOptions = {}): Agent {
  const agent = createAgent(options)
  agent.message('score', { ip: 'ip' }, ({ ip }, actions) => {
    actions.setVar('sess', 'score', ip.toString() === '192.0.2.1' ? 10 : 90)
  })
  agent.message('names', (message, actions) => {
    actions.setVar('txn', 'names', message.args.map(([name]) => name).join(','))
  })
  agent.message('long', (_, actions) => {
    actions.setVar('txn', 'long', 'y'.repeat(300))
  })
  agent.message('hang', () => new Promise(() => {}))
  agent.message('late', async (_, actions) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    actions.unsetVar('req', 'gone')
  })
  t.after(() => agent.destroy())
  return agent
}

function drive(t: TestContext, options: AgentOptions = {}, driverOptions: DriverOptions = {}) {
  const driver = createDriver(stage(t, options), driverOptions)
  t.after(() => driver.close())
  return driver
}

const failure = (code: string, status?: number) => (error: unknown) => {
  assert.ok(error instanceof TestingError)
  assert.deepEqual([error.code, error.status], [code, status])
  return true
}

test('one message, its arguments as an object or as pairs', async (t) => {
  const driver = drive(t)
  const actions = await driver.notify('score', { ip: IpAddress.parse('192.0.2.1') })
  assert.equal(variablesOf(actions).get('sess.score'), 10)
  const pairs = await driver.notify('names', [
    ['b', 1],
    ['', true],
    ['b', null],
  ])
  assert.equal(variablesOf(pairs).get('txn.names'), 'b,,b')
  assert.deepEqual(await driver.notify('nobody-knows'), [])
})

test('several messages in one NOTIFY', async (t) => {
  const actions = await drive(t).notify([
    { name: 'score', args: [['ip', IpAddress.parse('192.0.2.9')]] },
    { name: 'late', args: [] },
  ])
  assert.deepEqual(
    [...variablesOf(actions)],
    [
      ['sess.score', 90],
      ['req.gone', null],
    ],
  )
})

test('several NOTIFYs at once', async (t) => {
  const driver = drive(t)
  const answers = await Promise.all([
    driver.notify('late'),
    driver.notify('names', { x: 1 }),
    driver.notify('late'),
  ])
  assert.deepEqual(
    answers.map((actions) => actions.length),
    [1, 1, 1],
  )
})

test('fragments, and writes that cut frames anywhere', async (t) => {
  const driver = drive(t)
  const ip = IpAddress.parse('192.0.2.1')
  for (const settings of [{ fragmentSize: 1 }, { fragmentSize: 4, writeSize: 3 }, { writeSize: 1 }]) {
    const actions = await driver.notify('score', { ip }, settings)
    assert.equal(variablesOf(actions).get('sess.score'), 10)
  }
})

test('ids of 64 bits', async (t) => {
  const actions = await drive(t).notify('names', { a: 1 }, { ids: [2n ** 64n - 1n, 2n ** 63n] })
  assert.equal(actions.length, 1)
})

test("the agent's deadline and fallback answer for a handler that hangs", async (t) => {
  const driver = drive(t, {
    deadline: 10,
    fallback: (actions, reason) => actions.setVar('txn', 'why', reason),
  })
  assert.equal(variablesOf(await driver.notify('hang')).get('txn.why'), 'deadline')
})

test('a driver that is not answered says so', async (t) => {
  const driver = drive(t, { deadline: 0, closeTimeout: 1 }, { timeout: 20 })
  await assert.rejects(driver.notify('hang'), failure('ERR_TESTING_TIMEOUT'))
})

test('a small frame size is agreed on', async (t) => {
  const driver = drive(t, { tooManyActions: 'drop' }, { maxFrameSize: 256 })
  assert.deepEqual(await driver.notify('long'), [])
})

test('a broken payload costs the connection, and every NOTIFY in flight on it', async (t) => {
  const driver = drive(t, { deadline: 0 })
  const hanging = assert.rejects(
    driver.notify('late').then(() => driver.notify('score', {})),
    failure('ERR_TESTING_DISCONNECTED', 4),
  )
  await assert.rejects(
    driver.notifyPayload(hex('01 "m" 01 01 "a" 0b')),
    failure('ERR_TESTING_DISCONNECTED', 4),
  )
  await hanging
})

test('raw bytes', async (t) => {
  const driver = drive(t)
  // NOTIFY 9/1 of one unknown message.
  await driver.sendRaw(hex('0000000a 03 00000001 09 01 01 "m" 00'), 2)
  await driver.notify('names')
  const received = driver.log
    .filter(({ direction }) => direction === 'recv')
    .map(({ bytes }) => bytes?.toString('hex'))
  assert.ok(received.some((bytes) => bytes?.includes(hex('00000007 67 00000001 09 01').toString('hex'))))
})

test('an agent that is gone', async (t) => {
  const agent = stage(t)
  const driver = createDriver(agent)
  await driver.notify('names')
  agent.destroy()
  await assert.rejects(driver.notify('names'), failure('ERR_TESTING_CLOSED'))
  await driver.close()
})

test('a driver leaves with DISCONNECT or with a reset', async (t) => {
  const agent = stage(t)
  const polite = createDriver(agent)
  await polite.notify('names')
  await polite.close()
  await polite.close()
  await assert.rejects(polite.notify('names'), {
    code: 'ERR_TESTING_CLOSED',
    message: /the test has closed it/,
  })
  const rude = createDriver(agent)
  await rude.notify('names')
  rude.reset()
  await assert.rejects(rude.notify('names'), failure('ERR_TESTING_CLOSED'))
  await agent.close()
  assert.equal(agent.stats.connections.active, 0)
  assert.equal(agent.stats.connections.reset, 1)
})

test('an agent that says nothing is not waited for without end', async () => {
  const silent = { accept: (stream: Duplex) => void stream.resume() }
  const driver = createDriver(silent, { timeout: 30 })
  await assert.rejects(driver.notify('m'), {
    code: 'ERR_TESTING_TIMEOUT',
    message: /AGENT-HELLO, within 30 ms/,
  })
  await assert.rejects(driver.sendRaw(Buffer.alloc(1)), { code: 'ERR_TESTING_TIMEOUT' })
  await driver.close()

  const deaf = createDriver({ accept: (stream) => void stream.resume().write(agentHello()) }, { timeout: 30 })
  await deaf.sendRaw(Buffer.alloc(0)) // HELLO is over
  await assert.rejects(deaf.close(), { code: 'ERR_TESTING_TIMEOUT', message: /the end of the connection/ })
  await assert.rejects(deaf.notify('m'), { code: 'ERR_TESTING_TIMEOUT' })
})
