/**
 * An exchange waits, was sent, or is late; what each event makes of it. The table is that of docs/engine.md; each cell is played
 * with an agent on a socket.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine, type Engine, type Outcome } from 'sluice/engine'
import { until } from '../support/until.ts'
import { ack, ScriptedAgent, type AgentPeer } from './scripted-agent.ts'

const check = [{ name: 'check', args: [] }]

/** What can be seen of an exchange: its outcome, and what the engine counts. */
interface Seen {
  /** -1: there is none yet. */
  readonly status: number
  readonly queued: number
  readonly inFlight: number
  readonly expired: number
  readonly acks: number
  readonly lateAcks: number
  /** NOTIFYs that the agent was sent. */
  readonly notifies: number
}

/** One exchange, and an agent that does as it is told. */
class Stage {
  readonly agent = new ScriptedAgent(async (peer) => {
    await peer.greet()
    this.peer = peer
    peer.onFrame((frame) => {
      if (frame.type === 3) this.ids.push(frame.ids)
    })
  })
  engine!: Engine // by `begin`
  peer: AgentPeer | undefined
  readonly ids: string[] = []
  outcome: Outcome | undefined
  cancel: () => void = () => {}
  readonly #whenLost: 'fail' | 'resend'

  constructor(whenLost: 'fail' | 'resend') {
    this.#whenLost = whenLost
  }

  async begin(state: 'waiting' | 'sent' | 'late'): Promise<void> {
    await this.agent.listen()
    const { address } = this.agent
    if (state === 'waiting') await this.agent.stop()
    this.engine = createEngine({ servers: [address], whenLost: this.#whenLost, processingTimeout: 60_000 })
    const timeout = state === 'late' ? 300 : 60_000
    const pending = this.engine.exchange(check, timeout, (outcome) => {
      assert.equal(this.outcome, undefined, 'called back twice')
      this.outcome = outcome
    })
    this.cancel = () => pending.cancel()
    if (state === 'waiting') await until(() => this.engine.stats.servers[0]?.trust !== 'up')
    else await until(() => this.ids.length === 1)
    if (state === 'late') await until(() => this.outcome !== undefined)
  }

  get seen(): Seen {
    const { queued, inFlight, acks, lateAcks, servers } = this.engine.stats
    const expired = servers[0]?.expired ?? 0
    const status = this.outcome?.status ?? -1
    return { status, queued, inFlight, expired, acks, lateAcks, notifies: this.ids.length }
  }

  /** Another agent at the same place. */
  async comeBack(): Promise<void> {
    const { port } = this.agent
    const again = new ScriptedAgent(async (peer) => {
      await peer.greet()
      this.peer = peer
      peer.onFrame((frame) => {
        if (frame.type === 3) this.ids.push(frame.ids)
      })
    })
    await again.listen(port)
    this.stops.push(() => again.stop())
  }

  readonly stops: (() => Promise<void>)[] = []
}

type Event = (stage: Stage) => Promise<void> | void

const events = {
  'a server is ready': async (stage) => {
    await stage.comeBack()
    await until(() => stage.ids.length > 0)
  },
  'its connection is lost': async (stage) => {
    stage.peer?.socket.destroy()
    await until(() => stage.engine.stats.connections === 0 || stage.ids.length > 1)
    await until(() => stage.outcome !== undefined || stage.ids.length > 1)
  },
  'an ACK comes': async (stage) => {
    const { acks, lateAcks } = stage.engine.stats
    stage.peer?.send(ack(stage.ids.at(-1) ?? ''))
    await until(() => stage.engine.stats.acks + stage.engine.stats.lateAcks > acks + lateAcks)
  },
  'it is cancelled': (stage) => stage.cancel(),
  'the engine is destroyed': (stage) => stage.engine.destroy(),
} as const satisfies Record<string, Event>

const nothing: Seen = { status: -1, queued: 0, inFlight: 0, expired: 0, acks: 0, lateAcks: 0, notifies: 0 }

const cells: readonly (readonly [
  state: 'waiting' | 'sent' | 'late',
  whenLost: 'fail' | 'resend',
  event: keyof typeof events,
  then: Partial<Seen>,
])[] = [
  ['waiting', 'fail', 'a server is ready', { inFlight: 1, notifies: 1 }],
  ['waiting', 'fail', 'it is cancelled', { status: 5 }],
  ['waiting', 'fail', 'the engine is destroyed', { status: 5 }],
  ['sent', 'fail', 'its connection is lost', { status: 257, notifies: 1 }],
  ['sent', 'resend', 'its connection is lost', { inFlight: 1, notifies: 2 }],
  ['sent', 'fail', 'an ACK comes', { status: 0, acks: 1, notifies: 1 }],
  ['sent', 'resend', 'an ACK comes', { status: 0, acks: 1, notifies: 1 }],
  ['sent', 'fail', 'it is cancelled', { status: 5, expired: 1, notifies: 1 }],
  ['sent', 'fail', 'the engine is destroyed', { status: 5, notifies: 1 }],
  ['late', 'fail', 'its connection is lost', { status: 1, notifies: 1 }],
  ['late', 'resend', 'its connection is lost', { status: 1, notifies: 1 }],
  ['late', 'fail', 'an ACK comes', { status: 1, lateAcks: 1, notifies: 1 }],
  ['late', 'fail', 'it is cancelled', { status: 1, expired: 1, notifies: 1 }],
  ['late', 'fail', 'the engine is destroyed', { status: 1, notifies: 1 }],
]

for (const [state, whenLost, event, then] of cells) {
  test(`${state}, whenLost ${whenLost}: ${event}`, async (t) => {
    const stage = new Stage(whenLost)
    t.after(async () => {
      stage.engine.destroy()
      await stage.agent.stop()
      for (const stop of stage.stops) await stop()
    })
    await stage.begin(state)
    await events[event](stage)
    assert.deepEqual(stage.seen, { ...nothing, ...then })
  })
}

test('waiting: its time is over', async (t) => {
  const agent = await new ScriptedAgent(() => {}).listen()
  await agent.stop()
  const engine = createEngine({ servers: [agent.address] })
  t.after(() => engine.destroy())
  const outcome = await engine.send({ messages: check, timeout: 50 })
  assert.equal(outcome.status, 1)
  assert.deepEqual([engine.stats.queued, engine.stats.inFlight], [0, 0])
})
