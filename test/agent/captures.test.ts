/** The HAProxy side of real conversations, replayed against the agent: whole, in pieces, and cut off anywhere. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgent, type Agent } from 'sluice/agent'
import { capturedConnections, capturedStream, capturedVersions, readCapture } from '../support/captures.ts'
import { Peer } from '../support/peer.ts'
import { until } from '../support/until.ts'
import { stage } from './support.ts'

/** As the captured agent: each named argument comes back as a variable of the transaction. */
function echo(agent: Agent): void {
  agent.otherwise((message, actions) => {
    for (const [name, value] of message.args) if (name !== '') actions.setVar('txn', name, value)
  })
}

/** Cuts a captured stream at its length fields. */
function frames(stream: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < stream.length;) {
    const size = 4 + stream.readUInt32BE(at)
    found.push(stream.subarray(at, at + size))
    at += size
  }
  return found
}

/** The first payload bytes of an ACK or a NOTIFY are its flags and ids, all of one byte in the captures. */
const idsOf = (each: Buffer) => each.subarray(9, 11).toString('hex')
const isNotify = (each: Buffer) => each[4] === 3
const isAck = (each: Buffer) => each[4] === 103

for (const version of capturedVersions) {
  const capture = readCapture(version)
  const connections = capturedConnections(capture)
  const streams = connections.map((conn) => frames(capturedStream(capture, conn, 'haproxy')))

  describe(`HAProxy ${version}`, () => {
    it('gets every NOTIFY answered, byte for byte as by the captured agent', async (t) => {
      const { connect, agent } = await stage(t, {}, echo)
      for (const [index, conn] of connections.entries()) {
        const theirs = frames(capturedStream(capture, conn, 'agent'))
        const peer = await connect()
        for (const each of streams[index] ?? []) peer.send(each)
        const wanted = theirs.filter(isAck)
        const answers = await peer.frames(1 + wanted.length)
        assert.deepEqual(answers[0]?.[4], 101)
        for (const ack of wanted) {
          const ours = answers.find((each) => isAck(each) && idsOf(each) === idsOf(ack))
          assert.ok(ours !== undefined, `stream and frame ${idsOf(ack)}`)
          // The captured agent answered the long header with more than was agreed; ours leaves that variable out.
          if (ack.length - 4 <= 1009) assert.deepEqual(ours, ack)
          else assert.ok(ours.length - 4 <= 1009)
        }
        peer.end()
      }
      await until(() => agent.stats.connections.active === 0)
      const notifies = streams.flat().filter(isNotify).length
      assert.equal(agent.stats.frames.acks, notifies)
      assert.equal(agent.stats.frames.notifies, notifies)
    })

    it('the same in pieces of one byte to some', async (t) => {
      const { connect } = await stage(t, {}, echo)
      const stream = Buffer.concat(streams[1] ?? [])
      const wanted = (streams[1] ?? []).filter(isNotify).length
      for (const size of [1, 2, 5, 11, 97]) {
        const peer = await connect()
        for (let at = 0; at < stream.length; at += size) {
          peer.send(stream.subarray(at, at + size))
          if (at % 256 < size) await new Promise((resolve) => setImmediate(resolve))
        }
        const answers = await peer.frames(1 + wanted)
        assert.equal(answers.filter(isAck).length, wanted)
        peer.close()
      }
    })
  })
}

describe('a conversation that breaks off at any byte', () => {
  const stream = capturedStream(readCapture('3.2.0'), 2, 'haproxy')
  const boundaries = new Set([0])
  for (const each of frames(stream)) boundaries.add(Math.max(...boundaries) + each.length)

  /** Opens a connection for each offset, some at a time. */
  async function breakOff(agent: Agent, port: number, how: (peer: Peer) => void): Promise<void> {
    const width = 64
    for (let from = 0; from <= stream.length; from += width) {
      const offsets = Array.from(
        { length: Math.min(width, stream.length + 1 - from) },
        (_, index) => from + index,
      )
      await Promise.all(
        offsets.map(async (offset) => {
          const peer = await Peer.connect({ port })
          if (offset > 0)
            await new Promise<void>((resolve) =>
              peer.socket.write(stream.subarray(0, offset), () => resolve()),
            )
          how(peer)
          await peer.ended()
          peer.close()
        }),
      )
      await until(() => agent.stats.connections.active === 0)
    }
  }

  it('by RST: the agent goes on, and nothing is left', async (t) => {
    const { agent, port, open } = await stage(t, {}, (it) => it.otherwise(async () => {}))
    await breakOff(agent, port, (peer) => peer.reset())
    assert.equal(agent.stats.inFlight, 0)
    // When the answer to an earlier frame meets the RST first, the kernel tells the reader of an end and not of a reset.
    for (const code of Object.keys(agent.stats.errors)) assert.equal(code, 'ERR_SPOP_TRUNCATED')
    assert.ok(agent.stats.connections.reset <= stream.length + 1)
    await open()
  })

  it('by FIN: whole frames are answered, half ones are an error each', async (t) => {
    const { agent, port, open } = await stage(t, {}, (it) => it.otherwise(async () => {}))
    await breakOff(agent, port, (peer) => peer.end())
    assert.equal(agent.stats.inFlight, 0)
    assert.deepEqual(agent.stats.errors, { ERR_SPOP_TRUNCATED: stream.length + 1 - boundaries.size })
    assert.equal(agent.stats.connections.reset, 0)
    assert.equal(agent.stats.frames.acks, agent.stats.frames.notifies)
    await open()
  })
})

describe('an agent that is destroyed in the middle', () => {
  it('leaves handlers with an aborted signal, whatever was read', async () => {
    const stream = capturedStream(readCapture('2.6.12'), 2, 'haproxy')
    for (let offset = 0; offset < stream.length; offset += 97) {
      const agent = createAgent()
      let open = 0
      agent.otherwise((_, __, { signal }) => {
        open++
        signal.addEventListener('abort', () => open--)
        return new Promise(() => {})
      })
      const address = await agent.listen('127.0.0.1:0')
      const peer = await Peer.connect({ port: address.type === 'tcp' ? address.port : 0 })
      peer.send(stream.subarray(0, offset))
      if (offset > 200) await peer.frame()
      agent.destroy()
      await peer.ended()
      await until(() => open === 0 && agent.stats.inFlight === 0)
      peer.close()
    }
  })
})
