/** What a peer may not do, and what it may: each fault has the status code of SPOE.txt 3.5. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ack,
  agentHello,
  frame,
  haproxyDisconnect,
  healthCheck,
  hello,
  hex,
  notify,
  notifyStart,
  readDisconnect,
  unset,
  unsetFin,
} from '../support/peer.ts'
import { until } from '../support/until.ts'
import { deferred, MemoryLogger, stage } from './support.ts'

describe('HELLO', () => {
  const refused: readonly [what: string, status: number, code: string, bytes: Buffer][] = [
    ['without supported-versions', 5, 'ERR_SPOP_NO_VERSION', hello({ versions: null })],
    ['without max-frame-size', 6, 'ERR_SPOP_NO_MAX_FRAME_SIZE', hello({ size: null })],
    ['without capabilities', 7, 'ERR_SPOP_NO_CAPABILITIES', hello({ capabilities: null })],
    [
      'of version 1.0 only',
      8,
      'ERR_SPOP_UNSUPPORTED_VERSION',
      hello({ versions: '12 "supported-versions" 08 03 "1.0"' }),
    ],
    [
      'of a version without its minor',
      8,
      'ERR_SPOP_UNSUPPORTED_VERSION',
      hello({ versions: '12 "supported-versions" 08 01 "2"' }),
    ],
    [
      'of no version at all',
      8,
      'ERR_SPOP_UNSUPPORTED_VERSION',
      hello({ versions: '12 "supported-versions" 08 00' }),
    ],
    [
      'with a frame size under 256',
      9,
      'ERR_SPOP_BAD_MAX_FRAME_SIZE',
      hello({ size: '0e "max-frame-size" 03 ff 00' }), // 255
    ],
    [
      'with a size that is text',
      4,
      'ERR_SPOP_INVALID_FRAME',
      hello({ size: '0e "max-frame-size" 08 03 "256"' }),
    ],
    [
      'with a version that is a number',
      4,
      'ERR_SPOP_INVALID_FRAME',
      hello({ versions: '12 "supported-versions" 04 02' }),
    ],
    ['without FIN', 10, 'ERR_SPOP_FRAGMENTATION', frame('01 00000000 00 00')],
    ['with a stream-id', 4, 'ERR_SPOP_INVALID_FRAME', frame('01 00000001 01 00')],
    ['cut inside a value', 4, 'ERR_SPOP_TRUNCATED', frame('01 00000001 00 00 12 "supported-ver"')],
    ['with a varint that does not end', 4, 'ERR_SPOP_VARINT', frame('01 00000001 00 00 ff*12 00')],
  ]
  for (const [what, status, code, bytes] of refused) {
    it(`${what} is refused with status ${status}`, async (t) => {
      const { connect, agent } = await stage(t)
      const peer = await connect()
      peer.send(bytes)
      const { status: got, message } = await peer.farewell()
      assert.equal(got, status, message)
      assert.equal(await peer.ended(), 'end')
      assert.deepEqual(agent.stats.errors, { [code]: 1 })
      assert.equal(agent.stats.connections.accepted, 0)
    })
  }

  const taken: readonly [what: string, bytes: Buffer][] = [
    [
      'with several versions and blanks',
      hello({ versions: '12 "supported-versions" 08 0e " 1.5 , 2.0,3.0"' }),
    ],
    ['with the size as another integer type', hello({ size: '0e "max-frame-size" 05 fc f0 06' })],
    [
      'with keys that nobody knows, of every type',
      hello({ engine: '01 "x" 07 00*16 01 "y" 09 02 0000 01 "z" 00' }),
    ],
    ['with keys in another order', hello({ versions: null, engine: '12 "supported-versions" 08 03 "2.0"' })],
    [
      'with blanks between capabilities',
      hello({ capabilities: '0c "capabilities" 08 14 "pipelining , unknown"' }),
    ],
    ['with healthcheck=false, which is none', hello({ healthcheck: '0b "healthcheck" 01' })],
  ]
  for (const [what, bytes] of taken) {
    it(`${what} is taken`, async (t) => {
      const { connect, agent } = await stage(t)
      const peer = await connect()
      assert.deepEqual(await peer.greet(bytes), agentHello())
      assert.deepEqual(await peer.ask(notify('01 01')), ack('01 01'))
      assert.equal(agent.stats.connections.accepted, 1)
    })
  }

  it('may arrive in pieces of any size, with a NOTIFY glued to it', async (t) => {
    const { connect } = await stage(t)
    const bytes = Buffer.concat([hello(), notify('01 01')])
    for (const size of [1, 3, 7, 64, 133]) {
      const peer = await connect()
      for (let at = 0; at < bytes.length; at += size) {
        peer.send(bytes.subarray(at, at + size))
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.deepEqual(await peer.frames(2), [agentHello(), ack('01 01')])
    }
  })

  it('said twice, and a NOTIFY before it, are refused with status 4', async (t) => {
    // A health check is over after this delay, and here something must come before.
    const { connect, open } = await stage(t, { closeDelay: 200 })
    const twice = await open()
    twice.send(hello())
    assert.equal((await twice.farewell()).status, 4)
    for (const early of [notify('01 01'), unset('01 01'), haproxyDisconnect, frame('c8 00000001 00 00')]) {
      const peer = await connect()
      peer.send(early)
      const { status, message } = await peer.farewell()
      assert.equal(status, 4)
      assert.match(message, /in state 'idle'/)
    }
    const checked = await connect()
    await checked.greet(healthCheck)
    checked.send(notify('01 01'))
    assert.equal((await checked.farewell()).status, 4)
  })
})

describe('what is no SPOP', () => {
  it('an HTTP request is refused before its "length" is waited for, and named', async (t) => {
    const logger = new MemoryLogger()
    const { connect } = await stage(t, { logger })
    const peer = await connect()
    peer.send(Buffer.from('GET / HTTP/1.1\r\nHost: agent\r\n\r\n'))
    const { status, message } = await peer.farewell()
    assert.equal(status, 3)
    assert.match(message, /it reads "GET ": is that another protocol\?/)
    assert.equal(await peer.ended(), 'end')
    assert.equal(logger.lines.find(({ level }) => level === 'warn')?.fields['code'], 'ERR_SPOP_FRAME_TOO_BIG')
  })

  it('a prefix of 4 GB takes no memory, before and after HELLO', async (t) => {
    const { connect, open } = await stage(t)
    const before = process.memoryUsage().arrayBuffers
    const peers = await Promise.all([connect(), connect(), open(), open()])
    for (const peer of peers) peer.send(hex('ff ff ff ff 01'))
    for (const peer of peers) assert.equal((await peer.farewell()).status, 3)
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024)
  })

  it('one byte over the negotiated size is refused, the size itself is not', async (t) => {
    const { open } = await stage(t)
    const small = hello({ size: '0e "max-frame-size" 03 f0 01' }) // 256
    const peer = await open(small)
    // 7 bytes of head, 3 of message, 2 of name, 3 before the text.
    const exact = notify('01 01', '01 "m" 01 01 "a" 08 f1 00 "x"*241')
    assert.equal(exact.length, 4 + 256)
    assert.deepEqual(await peer.ask(exact), ack('01 01'))
    peer.send(hex('00000101 03 00000001 01 01'))
    assert.equal((await peer.farewell()).status, 3)
  })

  it('frames of under seven bytes are refused', async (t) => {
    const { open } = await stage(t)
    for (const length of [0, 1, 6]) {
      const peer = await open()
      peer.send(Buffer.concat([Buffer.from([0, 0, 0, length]), Buffer.alloc(length)]))
      assert.equal((await peer.farewell()).status, 4)
    }
  })
})

describe('frames', () => {
  it('of unknown types are skipped, of the types that agents send are refused', async (t) => {
    const { open } = await stage(t)
    const peer = await open()
    const unknown = ['04', '63', '68', 'ff'].map((type) => frame(`${type} 00000001 05 05 ff ff`))
    assert.deepEqual(await peer.ask(...unknown, notify('01 01')), ack('01 01'))
    for (const own of [agentHello(), ack('01 01'), frame('66 00000001 00 00')]) {
      const each = await open()
      each.send(own)
      assert.equal((await each.farewell()).status, 4)
    }
  })

  it('a fault answers what is in flight first, and what stands behind it is not looked at', async (t) => {
    const { open, agent } = await stage(
      t,
      { fallback: (actions, reason) => void actions.setVar('txn', reason, 1) },
      (it) => it.message('m', () => new Promise(() => {})),
    )
    const peer = await open()
    peer.send(
      notify('01 01', '01 "m" 00'),
      notify('02 01'),
      notify('03 01', '01 "m" 01 01 "a" 0f'),
      notify('04 01'),
    )
    assert.deepEqual(await peer.frame(), ack('02 01'))
    assert.deepEqual(await peer.frame(), ack('01 01', '01 03 02 05 "error" 04 01'))
    assert.equal((await peer.farewell()).status, 4)
    assert.equal(await peer.ended(), 'end')
    assert.equal(agent.stats.inFlight, 0)
    assert.equal(agent.stats.frames.notifies, 3)
  })

  it('HAPROXY-DISCONNECT aborts what is in flight', async (t) => {
    let reason: unknown
    const { open, agent } = await stage(t, {}, (it) =>
      it.message('m', (_, __, { signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return new Promise(() => {})
      }),
    )
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'), haproxyDisconnect)
    assert.equal((await peer.farewell()).status, 0)
    assert.equal((reason as { code: string }).code, 'ERR_AGENT_CLOSED')
    assert.equal(agent.stats.inFlight, 0)
  })
})

describe('fragments', () => {
  const values = {
    message: 'm',
    args: '01 "a" 08 03 "abc"  01 "n" 04 fb f0 fe fe fe fe fe fe fe 0e  01 "i" 07 20 01 0d b8 00*11 01',
  }
  const answer =
    '01 03 02 01 "a" 08 03 "abc" 01 03 02 01 "n" 04 fb f0 fe fe fe fe fe fe fe 0e 01 03 02 01 "i" 07 20 01 0d b8 00*11 01'
  const payload = hex(`01 "${values.message}" 03 ${values.args}`)

  it('may be cut anywhere, inside values too', async (t) => {
    const { open, agent } = await stage(t, {}, (it) =>
      it.message('m', { a: 'string', n: 'integer', i: 'ip' }, ({ a, n, i }, actions) => {
        actions.setVar('txn', 'a', a)
        actions.setVar('txn', 'n', n)
        actions.setVar('txn', 'i', i)
      }),
    )
    const peer = await open()
    const piece = (from: number, to?: number) => payload.subarray(from, to).toString('hex')
    for (let cut = 0; cut <= payload.length; cut++) {
      peer.send(notifyStart('01 01', piece(0, cut)))
      assert.deepEqual(await peer.ask(unsetFin('01 01', piece(cut))), ack('01 01', answer), `cut at ${cut}`)
    }
    peer.send(notifyStart('02 01'))
    for (let at = 0; at < payload.length; at++) peer.send(unset('02 01', piece(at, at + 1)))
    assert.deepEqual(await peer.ask(unsetFin('02 01')), ack('02 01', answer), 'byte by byte')
    assert.equal(agent.stats.fragments.joined, payload.length + 2)
  })

  it('of a captured HAProxy 2.6 are joined: 2,500 bytes in frames of 1,004', async (t) => {
    const text = 'x'.repeat(2500)
    let got = ''
    const { open } = await stage(t, {}, (agent) =>
      agent.message('m', { a: 'string' }, async ({ a }) => {
        await Promise.resolve()
        got = a
      }),
    )
    const peer = await open(hello({ size: '0e "max-frame-size" 03 fc 2f' }))
    // 2500 is f4 8d 00... 4 + 16 * 141: the second byte is 141 - 128 = 13 with a bit to go on.
    peer.send(notifyStart('01 01', '01 "m" 01 01 "a" 08 f4 8d 00 "x"*900'))
    peer.send(unset('01 01', '"x"*972'))
    assert.deepEqual(await peer.ask(unsetFin('01 01', '"x"*628')), ack('01 01'))
    assert.equal(got, text)
  })

  it('ABORT in a fragment, and in the NOTIFY itself, drops it without an answer', async (t) => {
    const { open, agent } = await stage(t)
    const peer = await open()
    peer.send(notifyStart('01 01', '05'), frame('00 00000003 01 01'))
    peer.send(frame('03 00000003 02 01 ff ff ff'))
    assert.deepEqual(await peer.ask(notify('03 01')), ack('03 01'))
    assert.equal(agent.stats.fragments.aborted, 2)
  })

  const interlaced: readonly [what: string, bytes: Buffer][] = [
    ['another NOTIFY', notify('02 01')],
    ['another NOTIFY of the same ids', notify('01 01')],
    ['another fragmented NOTIFY', notifyStart('02 01')],
    ["another stream's fragment", unset('02 01')],
    ["another frame's fragment", unsetFin('01 02')],
    ['an aborted NOTIFY', frame('03 00000003 02 01')],
  ]
  for (const [what, bytes] of interlaced) {
    it(`${what} between fragments is refused with status 11`, async (t) => {
      const { open, agent } = await stage(t)
      const peer = await open()
      peer.send(notifyStart('01 01', '01'), bytes)
      assert.equal((await peer.farewell()).status, 11)
      assert.deepEqual(agent.stats.errors, { ERR_SPOP_INTERLACED: 1 })
    })
  }

  it('more than maxPayloadSize is refused with status 3 before it is kept', async (t) => {
    const { open, agent } = await stage(t, { maxPayloadSize: 300 })
    const peer = await open()
    peer.send(notifyStart('01 01', '00*200'), unset('01 01', '00*100'))
    assert.deepEqual(await peer.ask(unsetFin('01 01')), ack('01 01'), 'the limit itself')
    peer.send(notifyStart('02 01', '00*200'), unset('02 01', '00*101'))
    assert.equal((await peer.farewell()).status, 3)
    assert.deepEqual(agent.stats.errors, { ERR_SPOP_PAYLOAD_TOO_BIG: 1 })
  })

  it('a fragment that continues nothing is refused with status 12', async (t) => {
    const { open } = await stage(t)
    const fresh = await open()
    fresh.send(unset('01 01'))
    assert.equal((await fresh.farewell()).status, 12)
    const used = await open()
    used.send(notifyStart('01 01'), unsetFin('01 01'), unsetFin('01 01'))
    assert.deepEqual(await used.frame(), ack('01 01'))
    assert.equal((await used.farewell()).status, 12)
  })

  it('with fragmentation off a fragment is refused with status 10', async (t) => {
    const { open } = await stage(t, { fragmentation: false })
    const peer = await open()
    peer.send(notifyStart('01 01', '01'))
    assert.equal((await peer.farewell()).status, 10)
  })

  it('a broken payload is found when it is whole, and refused as one in a single frame', async (t) => {
    const { open } = await stage(t)
    const peer = await open()
    peer.send(notifyStart('01 01', '01 "m"'), unsetFin('01 01', '01 01 "a" 08 7f'))
    assert.equal((await peer.farewell()).status, 4)
  })
})

describe('the end of a connection', () => {
  it('a peer that ends its half still gets its answers, then the farewell', async (t) => {
    const gate = deferred()
    const { open, agent } = await stage(t, {}, (it) => it.message('m', () => gate.promise))
    const peer = await open()
    peer.send(notify('01 01', '01 "m" 00'))
    peer.end()
    await until(() => agent.stats.inFlight === 1)
    // Who is greeted behind it finds the end read: what came first is read first.
    await open()
    await new Promise(setImmediate)
    gate.resolve()
    assert.deepEqual(await peer.frame(), ack('01 01'))
    assert.deepEqual(readDisconnect(await peer.frame()), { status: 0, message: 'normal' })
    assert.equal(await peer.ended(), 'end')
    await until(() => agent.stats.connections.active === 1)
  })

  it('a peer that ends inside a frame is told so', async (t) => {
    const { open, agent } = await stage(t)
    const peer = await open()
    peer.send(notify('01 01').subarray(0, 6))
    peer.end()
    assert.equal((await peer.farewell()).status, 4)
    await until(() => agent.stats.connections.active === 0)
    assert.deepEqual(agent.stats.errors, { ERR_SPOP_TRUNCATED: 1 })
  })

  it('a peer that never ends its half is cut off', async (t) => {
    const { open, agent } = await stage(t, { closeDelay: 1 })
    const polite = await open()
    await polite.ask(haproxyDisconnect)
    assert.equal(await polite.ended(), 'end')
    // allowHalfOpen: our half stays open.
    await until(() => agent.stats.connections.active === 0)
  })
})
