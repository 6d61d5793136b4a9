import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  acceptAgentHello,
  acceptHaproxyHello,
  parseList,
  spopVersion,
  type AgentHelloFrame,
  type Capability,
  type HaproxyHelloFrame,
  type Offer,
} from 'sluice/spop'
import { spopError } from './support.ts'

const haproxyHello: HaproxyHelloFrame = {
  type: 'haproxy-hello',
  supportedVersions: '2.0',
  maxFrameSize: 16380,
  capabilities: 'pipelining,async',
  healthcheck: false,
  engineId: 'e',
}
const agentHello: AgentHelloFrame = {
  type: 'agent-hello',
  version: '2.0',
  maxFrameSize: 16380,
  capabilities: 'pipelining',
}
const offer = (maxFrameSize: number, ...capabilities: Capability[]): Offer => ({ maxFrameSize, capabilities })
const all = offer(16380, 'pipelining', 'async', 'fragmentation')

const accept = (change: Partial<HaproxyHelloFrame>, ours = all) =>
  acceptHaproxyHello({ ...haproxyHello, ...change }, ours)
const acceptAgent = (change: Partial<AgentHelloFrame>, ours = all) =>
  acceptAgentHello({ ...agentHello, ...change }, ours)

test('lists are split at commas; blanks and empty entries do not count', () => {
  assert.deepEqual(parseList('2.0, 1.5'), ['2.0', '1.5'])
  assert.deepEqual(parseList(' a ,, b\t, '), ['a', 'b'])
  assert.deepEqual(parseList(''), [])
})

test('the agent answers version 2.0, always with capabilities', () => {
  assert.equal(spopVersion, '2.0')
  assert.deepEqual(accept({}).reply, {
    type: 'agent-hello',
    version: '2.0',
    maxFrameSize: 16380,
    capabilities: 'pipelining,async,fragmentation',
  })
  assert.equal(accept({ capabilities: '' }, offer(16380, 'pipelining')).reply.capabilities, '')
})

test('any list that names major 2 will do', () => {
  for (const versions of ['2.0', '2.0, 1.5', '1.5,2.0', ' 2.0 ', '2.5', '3.1, 2.7', '2.0,', '1.0,2.999']) {
    assert.equal(accept({ supportedVersions: versions }).reply.version, '2.0', versions)
  }
})

test('a list without major 2, or that is not one, is refused with status 8', () => {
  for (const versions of ['1.0', '1.5, 1.0', '3.0', '20.0', '']) {
    assert.throws(
      () => accept({ supportedVersions: versions }),
      spopError('ERR_SPOP_UNSUPPORTED_VERSION', /the peer speaks '.*', we speak 2\.0/),
      versions,
    )
  }
  for (const versions of [
    '2',
    '2.',
    '.0',
    '2.0.0',
    'v2.0',
    '2.0;1.0',
    '2.0 1.0',
    '2,0',
    '-2.0',
    '2.0,x',
    '2.0001',
  ]) {
    assert.throws(
      () => accept({ supportedVersions: versions }),
      spopError('ERR_SPOP_UNSUPPORTED_VERSION', /is not Major\.Minor/),
      versions,
    )
  }
})

test('what is missing from a HAPROXY-HELLO is told with its own status', () => {
  assert.throws(() => accept({ supportedVersions: undefined }), spopError('ERR_SPOP_NO_VERSION'))
  assert.throws(() => accept({ maxFrameSize: undefined }), spopError('ERR_SPOP_NO_MAX_FRAME_SIZE'))
  assert.throws(() => accept({ capabilities: undefined }), spopError('ERR_SPOP_NO_CAPABILITIES'))
})

test('the frame size is the lower of both, and never under 256', () => {
  for (const [theirs, ours, agreed] of [
    [16380, 16380, 16380],
    [256, 16380, 256],
    [16380, 256, 256],
    [1024, 4096, 1024],
    [2 ** 64, 1024, 1024],
  ] as const) {
    const { reply, agreement } = accept({ maxFrameSize: theirs }, offer(ours))
    assert.equal(reply.maxFrameSize, agreed)
    assert.equal(agreement.maxFrameSize, agreed)
  }
  for (const size of [255, 0, -1]) {
    assert.throws(
      () => accept({ maxFrameSize: size }),
      spopError('ERR_SPOP_BAD_MAX_FRAME_SIZE', new RegExp(`${size}, the least is 256`)),
    )
  }
})

test('pipelining and async hold when both have them; unknown capabilities are ignored', () => {
  for (const [theirs, ours, reply, pipelining, async] of [
    ['pipelining,async', ['pipelining', 'async'], 'pipelining,async', true, true],
    ['pipelining,async', ['pipelining'], 'pipelining', true, false],
    ['pipelining', ['pipelining', 'async'], 'pipelining', true, false],
    [' async , foo,, pipelining ', ['pipelining', 'async'], 'pipelining,async', true, true],
    ['', ['pipelining', 'async'], '', false, false],
    ['pipelining,async', [], '', false, false],
    ['Pipelining,asynchronous', ['pipelining', 'async'], '', false, false],
  ] as const) {
    const result = accept({ capabilities: theirs }, offer(1024, ...ours))
    assert.equal(result.reply.capabilities, reply)
    assert.equal(result.agreement.pipelining, pipelining)
    assert.equal(result.agreement.async, async)
  }
})

test('fragmentation is asymmetric: we announce ours although HAProxy never lists it', () => {
  const announced = accept({ capabilities: 'pipelining' }, offer(1024, 'fragmentation'))
  assert.equal(announced.reply.capabilities, 'fragmentation')
  assert.equal(announced.agreement.fragmentation, false, 'the peer takes none')
  const theirs = accept({ capabilities: 'fragmentation' }, offer(1024))
  assert.equal(theirs.reply.capabilities, '')
  assert.equal(theirs.agreement.fragmentation, true)
})

test('a health check is accepted like any HELLO', () => {
  const { reply } = accept(
    { healthcheck: true, capabilities: '', engineId: undefined },
    offer(16380, 'pipelining'),
  )
  assert.deepEqual(reply, { type: 'agent-hello', version: '2.0', maxFrameSize: 16380, capabilities: '' })
})

test('the engine takes what the agent answers', () => {
  assert.deepEqual(acceptAgent({ capabilities: 'pipelining, async ,fragmentation,foo' }), {
    maxFrameSize: 16380,
    pipelining: true,
    async: true,
    fragmentation: true,
  })
  assert.deepEqual(
    acceptAgent({ capabilities: 'pipelining,async', maxFrameSize: 256 }, offer(1024, 'async')),
    {
      maxFrameSize: 256,
      pipelining: false,
      async: true,
      fragmentation: false,
    },
  )
  assert.deepEqual(acceptAgent({ capabilities: '' }), {
    maxFrameSize: 16380,
    pipelining: false,
    async: false,
    fragmentation: false,
  })
})

test('the engine is as tolerant as HAProxy: blanks around the version, no capabilities', () => {
  assert.equal(acceptAgent({ version: ' 2.0 ' }).pipelining, true)
  assert.equal(acceptAgent({ capabilities: undefined }).pipelining, false)
  assert.equal(acceptAgent({ capabilities: 'fragmentation' }, offer(16380)).fragmentation, true)
})

test('the engine refuses any version but 2.0', () => {
  for (const version of ['1.0', '2.1', '3.0', '20.0']) {
    assert.throws(
      () => acceptAgent({ version }),
      spopError('ERR_SPOP_UNSUPPORTED_VERSION', /the agent speaks '.*', we speak 2\.0/),
    )
  }
  for (const version of ['2', '', '2.0, 1.0', 'two']) {
    assert.throws(
      () => acceptAgent({ version }),
      spopError('ERR_SPOP_UNSUPPORTED_VERSION', /is not Major\.Minor/),
    )
  }
  assert.throws(() => acceptAgent({ version: undefined }), spopError('ERR_SPOP_NO_VERSION'))
})

test('the engine refuses a frame size that it has not offered', () => {
  assert.equal(acceptAgent({ maxFrameSize: 1024 }, offer(1024)).maxFrameSize, 1024)
  assert.equal(acceptAgent({ maxFrameSize: 256 }, offer(1024)).maxFrameSize, 256)
  for (const maxFrameSize of [1025, 255, -1, 2 ** 64]) {
    assert.throws(
      () => acceptAgent({ maxFrameSize }, offer(1024)),
      spopError('ERR_SPOP_BAD_MAX_FRAME_SIZE', /wanted 256 to 1024/),
    )
  }
  assert.throws(() => acceptAgent({ maxFrameSize: undefined }), spopError('ERR_SPOP_NO_MAX_FRAME_SIZE'))
})
