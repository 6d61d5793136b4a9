/** The scripted peer speaks and judges as HAProxy of its version does. */
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { describe, it, test, type TestContext } from 'node:test'
import { createAgent, type Agent } from 'sluice/agent'
import {
  createScriptedPeer,
  createSocketPair,
  peerVersions,
  TestingError,
  type PeerVersion,
  type ScriptedPeer,
  type ScriptedPeerOptions,
} from 'sluice/testing'
import { ack, agentHello, frame, hex } from '../support/peer.ts'

const old = ['2.6', '3.0'] as const
const recent = ['3.2', '3.5'] as const
const question = [{ name: 'm', args: [['a', 1]] }] as const

function createEcho(t: TestContext): Agent {
  const agent = createAgent()
  agent.otherwise((message, actions) => {
    for (const [name, value] of message.args) actions.setVar('txn', name, value)
  })
  t.after(() => agent.destroy())
  return agent
}

/** A peer whose agent is the test itself. */
function byHand(t: TestContext, options: Omit<ScriptedPeerOptions, 'stream'>) {
  const [ours, theirs] = createSocketPair()
  const peer = createScriptedPeer({ timeout: 100, ...options, stream: theirs })
  const received: Buffer[] = []
  let wake = (): void => {}
  ours.on('data', (chunk: Buffer) => {
    received.push(chunk)
    wake()
  })
  ours.on('error', () => {})
  t.after(() => [ours, theirs].forEach((end) => end.destroy()))
  const chunk = async (): Promise<Buffer> => {
    while (received.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    return received.shift() ?? Buffer.alloc(0)
  }
  return { peer, stream: ours as Duplex, chunk }
}

/** A peer that has shaken hands with the test. */
async function greeted(t: TestContext, options: Omit<ScriptedPeerOptions, 'stream'>, hello = agentHello()) {
  const stage = byHand(t, options)
  const agreed = stage.peer.hello()
  await stage.chunk()
  stage.stream.write(hello)
  await agreed
  return stage
}

const failure = (code: string, status?: number) => (error: unknown) => {
  assert.ok(error instanceof TestingError, String(error))
  assert.deepEqual([error.code, error.status], [code, status])
  return true
}

describe('against our agent', () => {
  for (const version of peerVersions) {
    it(`${version}: a health check, an exchange, a farewell`, async (t) => {
      const agent = createEcho(t)
      assert.deepEqual(await createScriptedPeer({ version, agent }).healthCheck(), { up: true, why: '' })
      const peer = createScriptedPeer({ version, agent })
      await peer.hello()
      const { actions, dropped } = await peer.ask(question)
      assert.deepEqual(actions, [
        { type: 'set-var', scope: 'txn', name: 'a', value: { type: 'int64', value: 1 } },
      ])
      assert.equal(dropped, undefined)
      const end = await peer.leave()
      assert.deepEqual(
        [end.by, end.how],
        ['haproxy', old.includes(version as '2.6') ? 'disconnect' : 'reset'],
      )
      await agent.close()
      assert.equal(agent.stats.connections.healthChecks, 1)
    })

    it(`${version}: over TCP`, async (t) => {
      const agent = createEcho(t)
      const endpoint = await agent.listen('127.0.0.1:0')
      const peer = createScriptedPeer({ version, endpoint })
      await peer.hello()
      await peer.ask(question)
      await peer.leave()
      await agent.close()
    })
  }

  it('2.6 sends a long NOTIFY in fragments of max-frame-size less 32', async (t) => {
    const peer = createScriptedPeer({ version: '2.6', agent: createEcho(t), maxFrameSize: 1024 })
    await peer.hello()
    await peer.ask([{ name: 'm', args: [['', 'z'.repeat(5000)]] }]).catch(() => {})
    const sent = Buffer.concat(
      peer.log.flatMap(({ direction, bytes }) =>
        direction === 'send' && bytes !== undefined ? [bytes] : [],
      ),
    )
    // Behind the HELLO of 132 bytes: five frames of 1003 bytes, as in the capture of 2.6.12, and the rest.
    for (let at = 132, count = 0; count < 5; at += 1003, count++) {
      assert.equal(sent.readUInt32BE(at), 999)
      assert.equal(sent[at + 4], count === 0 ? 3 : 0)
    }
    assert.equal(sent.readUInt32BE(132 + 5 * 1003 + 5), 1)
  })

  it('3.5 does not', async (t) => {
    const peer = createScriptedPeer({ version: '3.5', agent: createEcho(t), maxFrameSize: 1024 })
    await peer.hello()
    await assert.rejects(
      peer.notify([{ name: 'm', args: [['', 'z'.repeat(5000)]] }]),
      failure('ERR_TESTING_REFUSED', 259),
    )
    assert.equal((await peer.ask(question)).actions.length, 1)
  })
})

describe('ids', () => {
  const notifyIds = async (t: TestContext, version: PeerVersion) => {
    const { peer, chunk } = await greeted(t, { version })
    const sent: string[] = []
    for (const settings of [{}, {}, { stream: 1 }, {}]) {
      const { streamId, frameId } = await peer.notify(question, settings)
      sent.push(`${streamId}/${frameId}`)
    }
    assert.deepEqual((await chunk()).subarray(4, 9), hex('03 00000001'))
    return sent
  }
  for (const version of old) {
    it(`${version}: streams from 0, frames of a stream 1, 2, 3`, async (t) => {
      assert.deepEqual(await notifyIds(t, version), ['0/1', '1/1', '1/2', '2/1'])
    })
  }
  for (const version of recent) {
    it(`${version}: 1, 3, 5, and the frame is 1`, async (t) => {
      assert.deepEqual(await notifyIds(t, version), ['1/1', '3/1', '5/1', '7/1'])
    })
  }
})

describe('AGENT-HELLO', () => {
  const hello = agentHello()

  /** What becomes of a hello that comes in two pieces. */
  async function splitAt(t: TestContext, version: PeerVersion, at: number): Promise<'taken' | 'reset'> {
    const { peer, stream, chunk } = byHand(t, { version })
    const agreed = peer.hello().then(
      () => 'taken' as const,
      (error: unknown) => {
        failure('ERR_TESTING_REFUSED')(error)
        return 'reset' as const
      },
    )
    await chunk()
    stream.write(hello.subarray(0, at))
    await new Promise((resolve) => setImmediate(resolve))
    stream.write(hello.subarray(at))
    return agreed
  }

  for (const version of peerVersions) {
    const resets = recent.includes(version as '3.2')
    it(`${version}: in two pieces, ${resets ? 'is taken when the first has at most 10 bytes' : 'is taken'}`, async (t) => {
      for (let at = 1; at < hello.length; at++) {
        assert.equal(await splitAt(t, version, at), resets && at >= 11 ? 'reset' : 'taken', `cut at ${at}`)
      }
    })
  }

  const keys = {
    version: '07 "version" 08 03 "2.0"',
    size: '0e "max-frame-size" 03 fc f0 06',
    capabilities: '0c "capabilities" 08 00',
  }
  const helloOf = (...parts: string[]) => frame(`65 00000001 00 00 ${parts.join(' ')}`)
  const cases: [string, Buffer, Partial<Record<PeerVersion, number | 'taken'>>][] = [
    ['without version', helloOf(keys.size, keys.capabilities), { '2.6': 5, '3.5': 5 }],
    ['without max-frame-size', helloOf(keys.version, keys.capabilities), { '2.6': 6, '3.5': 'taken' }],
    ['without capabilities', helloOf(keys.version, keys.size), { '2.6': 'taken', '3.5': 'taken' }],
    ['with version 1.0', helloOf('07 "version" 08 03 "1.0"', keys.size), { '2.6': 8, '3.5': 8 }],
    ['with version 2', helloOf('07 "version" 08 01 "2"', keys.size), { '2.6': 8, '3.5': 4 }],
    [
      'with blanks around the version',
      helloOf('07 "version" 08 05 " 2.0 "', keys.size),
      { '2.6': 'taken', '3.5': 'taken' },
    ],
    ['with size 255', helloOf(keys.version, '0e "max-frame-size" 03 ff 00'), { '2.6': 9, '3.5': 9 }],
    ['with a larger size', helloOf(keys.version, '0e "max-frame-size" 03 fd f0 06'), { '2.6': 9, '3.5': 9 }],
    [
      'with a size of INT64',
      helloOf(keys.version, '0e "max-frame-size" 04 fc f0 06'),
      { '2.6': 'taken', '3.5': 'taken' },
    ],
    [
      'with a key that only begins so',
      helloOf('08 "versions" 08 03 "2.0"', keys.size),
      { '2.6': 'taken', '3.5': 'taken' },
    ],
    ['with an empty key', helloOf(keys.version, keys.size, '00 00'), { '2.6': 4, '3.5': 4 }],
    ['without FIN', frame(`65 00000000 00 00 ${keys.version} ${keys.size}`), { '2.6': 10, '3.5': 10 }],
    ['with a stream id', frame(`65 00000001 01 00 ${keys.version} ${keys.size}`), { '2.6': 4, '3.5': 4 }],
    ['that is an ACK', ack('00 00'), { '2.6': 4, '3.5': 4 }],
    ['cut inside a value', frame('65 00000001 00 00 07 "version" 08 09 "2.0"'), { '2.6': 4, '3.5': 4 }],
  ]
  for (const [what, bytes, expected] of cases) {
    for (const [version, result] of Object.entries(expected) as [PeerVersion, number | 'taken'][]) {
      it(`${version}: ${what}: ${result}`, async (t) => {
        const { peer, stream, chunk } = byHand(t, { version })
        const agreed = peer.hello()
        agreed.catch(() => {})
        await chunk()
        stream.write(bytes)
        if (result === 'taken') return void (await agreed)
        await assert.rejects(agreed, failure('ERR_TESTING_REFUSED', result))
        const said = await chunk()
        assert.deepEqual(
          said.subarray(0, 25),
          Buffer.concat([
            said.subarray(0, 4),
            hex('02 00000001 00 00 0b "status-code" 03'),
            Buffer.of(result),
          ]),
        )
      })
    }
  }

  it('a DISCONNECT instead', async (t) => {
    const { peer, stream, chunk } = byHand(t, { version: '3.5' })
    const agreed = peer.hello()
    await chunk()
    stream.write(frame('66 00000001 00 00 0b "status-code" 03 08 07 "message" 08 02 "no"'))
    await assert.rejects(agreed, failure('ERR_TESTING_DISCONNECTED', 8))
    assert.equal(peer.end?.by, 'agent')
    await assert.rejects(peer.hello(), failure('ERR_TESTING_DISCONNECTED', 8))
  })
})

describe('the answer to a health check', () => {
  const cases: [string, Buffer | undefined, RegExp][] = [
    ['as captured', agentHello('pipelining,fragmentation'), /^$/],
    [
      'without capabilities',
      frame('65 00000001 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06'),
      /capabilities is not there/,
    ],
    [
      'with ABORT',
      frame(
        '65 00000003 00 00 07 "version" 08 03 "2.0" 0e "max-frame-size" 03 fc f0 06 0c "capabilities" 08 00',
      ),
      /flags/,
    ],
    ['with a size of 100', agentHello('', '64'), /max-frame-size 100/],
    ['a DISCONNECT', frame('66 00000001 00 00 0b "status-code" 03 0d'), /AGENT-DISCONNECT 13/],
    ['nothing', undefined, /no answer/],
    ['text', hex('"HTTP/1.1 400 Bad Request"'), /length of/],
  ]
  for (const [what, bytes, why] of cases) {
    it(what, async (t) => {
      const { peer, stream, chunk } = byHand(t, { version: '3.2', timeout: 30 })
      const checked = peer.healthCheck()
      assert.equal((await chunk()).length, 82)
      const lost = new Promise<string | undefined>((resolve) => {
        stream.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      })
      if (bytes !== undefined) stream.write(bytes)
      const result = await checked
      assert.match(result.why, why)
      assert.equal(result.up, result.why === '')
      assert.equal(await lost, 'ECONNRESET')
    })
  }
})

describe('ACKs', () => {
  it('are matched by their ids, in any order', async (t) => {
    const { peer, stream } = await greeted(t, { version: '3.5' })
    const [first, second] = [await peer.notify(question), await peer.notify(question)]
    stream.write(Buffer.concat([ack('03 01', '02 02 02 01 "x"'), ack('01 01')]))
    assert.equal((await peer.expectAck(first)).actions.length, 0)
    assert.equal((await peer.expectAck(second)).actions.length, 1)
  })

  it('a wrong action drops the rest silently', async (t) => {
    const { peer, stream } = await greeted(t, { version: '3.5' })
    await peer.notify(question)
    stream.write(ack('01 01', '02 02 02 01 "x" 00 01 03 02 01 "y" 11'))
    const { actions, dropped } = await peer.expectAck()
    assert.deepEqual(actions, [{ type: 'unset-var', scope: 'txn', name: 'x' }])
    assert.match(dropped ?? '', /action of type 0/)
  })

  for (const version of ['2.6', '3.5'] as const) {
    it(`${version}: one that is too big ends the connection with status 3`, async (t) => {
      const { peer, stream } = await greeted(t, { version }, agentHello('pipelining', 'f0 01'))
      await peer.notify(question)
      const id = version === '2.6' ? '00' : '01'
      stream.write(ack(`${id} 01`, `01 03 02 01 "x" 08 f0 01 ${'"z" '.repeat(256)}`))
      await assert.rejects(peer.expectAck(), failure('ERR_TESTING_REFUSED', 3))
    })

    it(`${version}: one without FIN ends it with status 10`, async (t) => {
      const { peer, stream } = await greeted(t, { version })
      await peer.notify(question)
      stream.write(frame(`67 00000000 ${version === '2.6' ? '00' : '01'} 01`))
      await assert.rejects(peer.expectAck(), failure('ERR_TESTING_REFUSED', 10))
    })
  }

  it('2.6 ignores wrong ids while it pipelines', async (t) => {
    const { peer, stream } = await greeted(t, { version: '2.6' })
    await peer.notify(question)
    stream.write(ack('09 01'))
    await assert.rejects(peer.expectAck(), failure('ERR_TESTING_TIMEOUT'))
    assert.equal(peer.ignored.length, 1)
    assert.equal(peer.end, undefined)
  })

  it('one whose head is broken, and a frame of another type, are ignored', async (t) => {
    const { peer, stream } = await greeted(t, { version: '2.6' })
    await peer.notify(question)
    stream.write(
      Buffer.concat([frame('67 00000001 ff ff'), frame('32 00000001 00 00'), agentHello(), ack('00 01')]),
    )
    await peer.expectAck()
    assert.equal(peer.ignored.length, 3)
  })

  it('2.6 ends the connection with status 12 for them when it does not', async (t) => {
    const { peer, stream } = await greeted(t, { version: '2.6' }, agentHello(''))
    await peer.notify(question)
    stream.write(ack('09 01'))
    await assert.rejects(peer.expectAck(), failure('ERR_TESTING_REFUSED', 12))
  })

  it('3.5 resets the connection when the time is up after an ACK of a later stream, and ignores an earlier', async (t) => {
    const { peer, stream } = await greeted(t, { version: '3.5' })
    await peer.notify(question)
    await peer.notify(question)
    stream.write(Buffer.concat([ack('01 01'), ack('01 01'), ack('09 01')]))
    await peer.expectAck()
    await assert.rejects(peer.expectAck(), failure('ERR_TESTING_TIMEOUT'))
    assert.deepEqual([peer.end?.by, peer.end?.how], ['haproxy', 'reset'])
    assert.equal(peer.ignored.length, 2)
  })
})

test('the window is 20, or 1 without pipelining', async (t) => {
  const full = async (peer: ScriptedPeer): Promise<number> => {
    for (let count = 0; ; count++) {
      try {
        await peer.notify(question)
      } catch (error) {
        failure('ERR_TESTING_SCRIPT')(error)
        return count
      }
    }
  }
  assert.equal(await full((await greeted(t, { version: '3.2' })).peer), 20)
  assert.equal(await full((await greeted(t, { version: '3.2' }, agentHello(''))).peer), 1)
})

test('2.6 answers an agent without fragmentation with DISCONNECT 10', async (t) => {
  const { peer } = await greeted(t, { version: '2.6', maxFrameSize: 1024 }, agentHello('pipelining', 'f0 01'))
  await assert.rejects(
    peer.notify([{ name: 'm', args: [['', 'z'.repeat(5000)]] }]),
    failure('ERR_TESTING_REFUSED', 10),
  )
})

test('an agent that closes, resets, or disconnects with a NOTIFY in flight', async (t) => {
  for (const [act, code, status] of [
    [(stream: Duplex) => stream.end(), 'ERR_TESTING_CLOSED', undefined],
    [
      (stream: Duplex) => (stream as Duplex & { resetAndDestroy(): void }).resetAndDestroy(),
      'ERR_TESTING_CLOSED',
      undefined,
    ],
    [
      (stream: Duplex) => stream.write(frame('66 00000001 00 00 0b "status-code" 03 63')),
      'ERR_TESTING_DISCONNECTED',
      99,
    ],
  ] as const) {
    const { peer, stream } = await greeted(t, { version: '3.2' })
    await peer.notify(question)
    act(stream)
    await assert.rejects(peer.expectAck(), failure(code, status))
    assert.equal((await peer.expectEnd()).by, 'agent')
  }
})

test('raw bytes, in hexadecimal or not, and what is no script', async (t) => {
  const { peer, chunk } = await greeted(t, { version: '3.2' })
  await peer.sendRaw('de ad\nbe ef')
  assert.deepEqual(await chunk(), hex('deadbeef'))
  await peer.sendRaw(Buffer.from('abcd'), [1])
  assert.deepEqual([(await chunk()).length, (await chunk()).length], [1, 3])
  await assert.rejects(peer.sendRaw('xyz'), failure('ERR_TESTING_SCRIPT'))
  assert.throws(() => createScriptedPeer({ version: '2.6' }), failure('ERR_TESTING_SCRIPT'))
  const fresh = byHand(t, { version: '2.6' }).peer
  await assert.rejects(fresh.notify(question), failure('ERR_TESTING_SCRIPT'))
})

test('2.6 waits for DISCONNECT and the close of the agent', async (t) => {
  const { peer, stream, chunk } = await greeted(t, { version: '2.6' })
  const left = peer.leave()
  assert.deepEqual(
    await chunk(),
    hex('00000025 02 00000001 00 00 0b "status-code" 03 00 07 "message" 08 06 "normal"'),
  )
  stream.write(frame('66 00000001 00 00 0b "status-code" 03 00 07 "message" 08 06 "normal"'))
  stream.end()
  assert.deepEqual([(await left).how, (await left).status], ['disconnect', 0])
  const silent = await greeted(t, { version: '2.6', timeout: 20 })
  await assert.rejects(silent.peer.leave(), failure('ERR_TESTING_TIMEOUT'))
})
