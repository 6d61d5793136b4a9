/** A misspelt option, a wrong value and a wrong argument are told by name, wherever sluice/testing takes one. */
import assert from 'node:assert/strict'
import { describe, it, test, type TestContext } from 'node:test'
import { UsageError } from 'sluice'
import { createAgent, type Agent } from 'sluice/agent'
import * as testing from 'sluice/testing'
import { createDriver, createPair, createScriptedPeer, replayCapture, runConformance } from 'sluice/testing'

function stage(t: TestContext): Agent {
  const agent = createAgent()
  t.after(() => agent.destroy())
  return agent
}

/** As JavaScript calls them, where no compiler objects. */
type Loose = (...args: readonly unknown[]) => unknown

async function refused(call: () => unknown, message: RegExp): Promise<void> {
  const outcome = await Promise.resolve()
    .then(call)
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  assert.ok(outcome instanceof UsageError, String(outcome))
  assert.equal(outcome.code, 'ERR_SLUICE_OPTION')
  assert.match(outcome.message, message)
}

describe('createDriver', () => {
  for (const [options, message] of [
    [{ maxFrame: 5 }, /createDriver: unknown option 'maxFrame'; known are maxFrameSize, engineId, timeout/],
    [{ timeout: 'x' }, /createDriver: option 'timeout' must be a whole number from 1 to 2147483647, not 'x'/],
    [{ timeout: 0 }, /'timeout' must be a whole number from 1 /],
    [{ maxFrameSize: -1 }, /'maxFrameSize' must be a whole number from 0 to 4294967295, not -1/],
    [{ engineId: 5 }, /'engineId' must be a string, not 5/],
    [null, /createDriver: the options must be a plain object, not null/],
  ] as const) {
    it(JSON.stringify(options), async (t) => {
      const agent = stage(t)
      await refused(() => (createDriver as Loose)(agent, options), message)
      assert.equal(agent.stats.connections.active, 0, 'nothing was opened that nobody would close')
    })
  }
  for (const agent of [undefined, null, {}, 5, 'localhost:1', { accept: true }]) {
    it(`the agent ${JSON.stringify(agent)}`, () =>
      refused(
        () => (createDriver as Loose)(agent),
        /createDriver: the agent must have the method accept, .*, not /,
      ))
  }
  it('the stream of a Driver', () =>
    refused(() => Reflect.construct(testing.Driver, [{}]), /Driver: the stream must be a Duplex, not \{\}/))
})

describe('notify', () => {
  const unknown =
    /notify: unknown option 'frgmentSize'; did you mean 'fragmentSize'\? Known are fragmentSize, writeSize, ids, timeout/
  for (const [args, message] of [
    [['x', {}, { frgmentSize: 2 }], unknown],
    [[[{ name: 'x', args: [] }], { frgmentSize: 2 }], unknown],
    [['x', {}, { fragmentSize: -1 }], /'fragmentSize' must be a whole number from 0 /],
    [['x', {}, { writeSize: 1.5 }], /'writeSize' must be a whole number/],
    [['x', {}, { timeout: 'x' }], /'timeout' must be a whole number from 1 .*, not 'x'/],
    [['x', {}, { ids: [1] }], /'ids' must be two whole numbers from 0 to 2\^64-1, not \[1\]/],
    [['x', {}, { ids: [1, 2n ** 64n] }], /'ids' must be two/],
    [['x', {}, null], /notify: the options must be a plain object, not null/],
    [['x', 'foo'], /notify: the arguments must be an object, or an array of pairs .*, not 'foo'/],
    [['x', null], /the arguments must be .*, not null/],
    [['x', new Map([['a', 1]])], /the arguments must be /],
    [['x', [['a']]], /the arguments must be .*, not \[\["a"\]\]/],
    [[5], /notify: what to send must be an array of \{ name, args \}, .*, or a name, not 5/],
    [[], /what to send must be .*, not undefined/],
    [[[{ name: 'x' }]], /what to send must be /],
    [[[{ name: 'x', args: [[1, 2]] }]], /what to send must be /],
  ] as const) {
    it(String(message), async (t) => {
      const driver = createDriver(stage(t))
      await refused(() => (driver.notify.bind(driver) as Loose)(...args), message)
      // Nothing of it was sent: the connection is as good as before.
      assert.deepEqual(await driver.notify('x', {}, { fragmentSize: 0, writeSize: 0 }), [])
      await driver.close()
    })
  }
  it('raw bytes', async (t) => {
    const driver = createDriver(stage(t))
    await refused(
      () => (driver.notifyPayload.bind(driver) as Loose)('016d00'),
      /the payload must be a Buffer, not/,
    )
    await refused(
      () => (driver.sendRaw.bind(driver) as Loose)('016d00'),
      /the bytes must be a Buffer, not '016d00'/,
    )
    await refused(() => driver.sendRaw(Buffer.alloc(0), -1), /writeSize must be a whole number, not -1/)
    await driver.close()
  })
})

describe('createPair', () => {
  for (const [args, message] of [
    [[{ dedline: 1 }], /createAgent: unknown option 'dedline'/],
    [[{}, { profil: '3.x' }], /createEngine: unknown option 'profil'/],
    [[null], /createAgent: the options must be a plain object, not null/],
    [[{}, 5], /createPair: the engine's options must be an object .*, not 5/],
    [
      [{}, { servers: ['localhost:1'] }],
      /createPair: the engine's options must be an object without 'servers'/,
    ],
  ] as const) {
    it(String(message), () => refused(() => (createPair as Loose)(...args), message))
  }
})

describe('createScriptedPeer', () => {
  for (const [more, message] of [
    [
      { maxFrame: 5 },
      /createScriptedPeer: unknown option 'maxFrame'; known are version, stream, endpoint, agent, /,
    ],
    [{ version: '2.5' }, /option 'version' must be one of 2\.6, 3\.0, 3\.2, 3\.5, not '2\.5'/],
    [{ version: undefined }, /option 'version' must be one of 2\.6, 3\.0, 3\.2, 3\.5, not undefined/],
    [{ timeout: 'x' }, /option 'timeout' must be a whole number/],
    [{ capabilities: [] }, /option 'capabilities' must be a string, not \[\]/],
    [{ engineId: 1 }, /option 'engineId' must be a string/],
    [{ stream: {} }, /option 'stream' must be a stream, not \{\}/],
    [{ endpoint: 80 }, /option 'endpoint' must be an address, not 80/],
    [{ agent: {} }, /option 'agent' must have the method accept/],
  ] as const) {
    it(String(message), (t) =>
      refused(() => (createScriptedPeer as Loose)({ version: '3.5', agent: stage(t), ...more }), message),
    )
  }
  it('without any', () =>
    refused(() => (createScriptedPeer as Loose)(), /the options must be a plain object, not undefined/))
  it('its messages', async (t) => {
    const peer = createScriptedPeer({ version: '2.6', agent: stage(t) })
    await peer.hello()
    const notify = peer.notify.bind(peer) as Loose
    await refused(() => notify('x'), /notify: the messages must be an array of .*, not 'x'/)
    await refused(
      () => notify([], { steam: 1 }),
      /notify: unknown option 'steam'; did you mean 'stream'\? Known are stream/,
    )
    await refused(() => notify([], { stream: -1 }), /option 'stream' must be a whole number/)
    await refused(() => (peer.sendRaw.bind(peer) as Loose)(5), /the digits must be a string, not 5/)
    await peer.leave()
  })
})

describe('replayCapture', () => {
  for (const [connections, options, message] of [
    [
      [],
      { cuting: 1 },
      /replayCapture: unknown option 'cuting'; did you mean 'cutting'\? Known are cutting, timeout/,
    ],
    [[], { cutting: 0 }, /option 'cutting' must be recorded, whole, or a whole number above 0, not 0/],
    [[], { cutting: 'all' }, /option 'cutting' must be .*, not 'all'/],
    [[], { timeout: 0 }, /option 'timeout' must be /],
    ['{"ms":1}', {}, /the connections must be what parseCapture\(\) gives, not '/],
    [[{}], {}, /the connections must be what parseCapture/],
  ] as const) {
    it(String(message), (t) =>
      refused(() => (replayCapture as Loose)(stage(t), connections, options), message),
    )
  }
})

describe('runConformance', () => {
  for (const [options, message] of [
    [{ onyl: ['hello'] }, /runConformance: unknown option 'onyl'; did you mean 'only'\? Known are .*only/],
    [{ only: 'hello' }, /option 'only' must be an array of strings, not 'hello'/],
    [
      { only: ['hello', 'nosuch'] },
      /option only: 'nosuch' is the beginning of no check's id; the groups are hello, /,
    ],
    [{ only: [] }, /option only: is empty/],
    [{ timeout: NaN }, /option 'timeout' must be a whole number .*, not NaN/],
    [{ messages: 'm' }, /option 'messages' must be an array of \{ name, args \}/],
    [{ slow: [{}] }, /option 'slow' must be an array of \{ name, args \}/],
    [{ stop: 5 }, /option 'stop' must be a function/],
    [{ onResult: {} }, /option 'onResult' must be a function/],
    [{ tls: true }, /option 'tls' must be an object/],
  ] as const) {
    it(String(message), (t) => refused(() => (runConformance as Loose)(stage(t), options), message))
  }
})

test('what is no target', async () => {
  const message = /the target must be an address, an agent, or a function that connects, not /
  for (const target of [undefined, null, {}, 5]) {
    await refused(() => (runConformance as Loose)(target), message)
    await refused(() => (replayCapture as Loose)(target, []), message)
  }
  for (const target of [{ type: 'tcp' }, { type: 'udp', host: 'x', port: 1 }]) {
    await assert.rejects(async () => (runConformance as Loose)(target), { code: 'ERR_SLUICE_ADDRESS' })
  }
})

test('what makes bytes, or reads them', async () => {
  const { haproxyHelloBytes, haproxyHeadersBytes, haproxyDisconnectBytes, parseCapture, parseHex } =
    testing as unknown as Record<string, Loose>
  await refused(
    () => haproxyHelloBytes?.({}),
    /haproxyHelloBytes: the parts must be capabilities, engineId, maxFrameSize/,
  )
  await refused(() => haproxyHelloBytes?.({ size: 1 }), /haproxyHelloBytes: unknown option 'size'/)
  for (const headers of [undefined, { host: 'a' }, [['host']], [['host', 5]]])
    await refused(() => haproxyHeadersBytes?.(headers), /the headers must be pairs of name and value, not/)
  await refused(() => haproxyDisconnectBytes?.('0', ''), /the status must be a whole number, not '0'/)
  await refused(() => haproxyDisconnectBytes?.(0), /the message must be a string, not undefined/)
  await refused(() => parseCapture?.(Buffer.alloc(1)), /parseCapture: the recording must be a string, not/)
  await refused(() => parseHex?.(5), /parseHex: the digits must be a string, not 5/)
})
