/**
 * What has not left a connection when that ends: no agent has seen it, so it goes elsewhere. Bytes of one segment bring this about, for
 * what they cause is to leave when all of them have been read.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createEngine } from 'sluice/engine'
import type { EngineOptions, Outcome } from 'sluice/engine'
import { ack, agentDisconnect, agentHello, cutFrame, startAgent } from './scripted-agent.ts'
import type { AgentPeer, RawFrame } from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]
const profiles = ['default', '2.6', '3.x'] as const
type Hooks = Parameters<typeof startAgent>[0]

/** Takes frames of 300 bytes, and fragments. */
const hello = agentHello('pipelining,fragmentation', 'fc03')
const isFinal = ({ flags }: RawFrame): boolean => (flags & 1) === 1

/** An agent that answers, but on the first connections does what it is told, and an engine. */
async function setUp(
  t: Hooks,
  first: (peer: AgentPeer) => Promise<void>,
  options: Partial<EngineOptions> = {},
  firsts = 1,
) {
  let connections = 0
  const agent = await startAgent(t, async (peer) => {
    if (++connections <= firsts) return first(peer)
    await peer.frame()
    peer.send(hello)
    peer.onFrame((each) => isFinal(each) && peer.send(ack(each.ids)))
  })
  const engine = createEngine({ servers: [agent.address], maxFrameSize: 300, closeTimeout: 60, ...options })
  t.after(() => engine.destroy())
  return { agent, engine, ask: () => engine.send({ messages: check, timeout: 5000 }) }
}

/** Answers the first NOTIFY, with these bytes behind the ACK. */
const leaving =
  (farewell: string) =>
  async (peer: AgentPeer): Promise<void> => {
    await peer.frame()
    peer.send(hello)
    const { ids } = await peer.frame()
    peer.socket.end(Buffer.from(ack(ids) + farewell, 'hex'))
  }

/** Greets and says at once why it leaves. */
const dismissing =
  (status: number) =>
  async (peer: AgentPeer): Promise<void> => {
    await peer.frame()
    peer.socket.end(Buffer.from(hello + agentDisconnect(status), 'hex'))
  }

describe('what has not left a connection when that ends', () => {
  for (const profile of profiles) {
    for (const [name, farewell] of [
      ['DISCONNECT 0', agentDisconnect(0)],
      ['DISCONNECT 5', agentDisconnect(5)],
    ] as const) {
      it(`goes to another one: ${name} behind an ACK, profile ${profile}`, async (t) => {
        const { agent, engine } = await setUp(t, leaving(farewell), { profile })
        const text = 'x'.repeat(profile === '3.x' ? 100 : 1000) // in fragments, where there are any
        const outcomes: Outcome[] = []
        await new Promise<void>((resolve) => {
          engine.exchange(check, 5000, () => {
            for (let count = 0; count < 3; count++) {
              engine.exchange([{ name: 'check', args: [['text', text]] }], 5000, (outcome) => {
                if (outcomes.push(outcome) === 3) resolve()
              })
            }
          })
        })
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          [0, 0, 0],
        )
        assert.equal(agent.peers.length, 2)
      })
    }

    it(`waits its turn: DISCONNECT 0 behind HELLO, profile ${profile}`, async (t) => {
      const pace = { minBackoff: 20, maxBackoff: 20 }
      const { agent, ask } = await setUp(t, dismissing(0), { profile, ...pace }, 3)
      const { status, processTime } = await ask()
      assert.equal(status, 0)
      assert.equal(agent.peers.length, 4)
      assert.ok(processTime >= 20, `three pauses of 10 to 20 ms took ${processTime} ms`)
    })
  }

  for (const profile of ['default', '2.6'] as const) {
    it(`keeps its place in its stream, profile ${profile}`, async (t) => {
      const { agent, engine } = await setUp(t, leaving(agentDisconnect(0)), { profile })
      const stream = engine.createStream(7)
      const ask = () => new Promise<Outcome>((resolve) => void engine.exchange(check, 5000, resolve, stream))
      const { status } = await new Promise<Outcome>((resolve) => {
        engine.exchange(check, 5000, () => void ask().then(resolve), stream)
      })
      assert.equal(status, 0)
      const frames = agent.peers[1]?.chunks.flatMap((chunk) => (chunk[4] === 3 ? [cutFrame(chunk)] : []))
      assert.deepEqual(
        frames?.map(({ streamId, frameId }) => [streamId, frameId]),
        [[7, 2]],
      )
    })
  }

  it('is told why an agent that greets will have nothing to do with it', async (t) => {
    const { agent, ask } = await setUp(t, dismissing(13))
    assert.equal((await ask()).status, 256 + 13)
    assert.equal(agent.peers.length, 1)
  })

  it('is left alone when nobody waits for it', async (t) => {
    const { agent, engine, ask } = await setUp(t, leaving(agentDisconnect(0)))
    const cancelled = await new Promise<Outcome>((resolve) => {
      engine.exchange(check, 5000, () => engine.exchange(check, 5000, resolve).cancel())
    })
    assert.equal(cancelled.status, 5)
    assert.equal((await ask()).status, 0)
    assert.equal(agent.peers.length, 2)
    assert.equal(engine.stats.queued, 0)
  })

  it('ends when the engine is destroyed', async (t) => {
    const { engine } = await setUp(t, leaving(agentDisconnect(0)))
    const { status } = await new Promise<Outcome>((resolve) => {
      engine.exchange(check, 5000, () => {
        engine.exchange(check, 5000, resolve)
        setImmediate(() => engine.destroy())
      })
    })
    assert.equal(status, 5)
  })
})
