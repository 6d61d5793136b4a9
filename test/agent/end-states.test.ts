/**
 * Every state that a connection can be in, and everything that can end it: what the peer sees, and what handlers do. Played with
 * bytes by hand on a stream.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import { frame, haproxyDisconnect, healthCheck, hello, notify, readDisconnect } from '../support/peer.ts'
import { SpySocket } from './support.ts'

const question = notify('01 01', '01 "m" 00')
const garbage = frame('03 00')

/** A connection of an agent whose handlers answer when they are told to. */
class Stage {
  readonly socket = new SpySocket()
  readonly agent = createAgent({ closeDelay: 60_000, closeTimeout: 60_000, deadline: 0, logger: false })
  /** What became of the handler that was called. */
  handler = ''
  #answer: () => void = () => {}
  #seen = 0

  constructor(t: TestContext) {
    this.agent.message('m', (_, __, { signal }) => {
      this.handler = 'at work'
      signal.addEventListener('abort', () => (this.handler = 'aborted'))
      return new Promise<void>((resolve) => (this.#answer = resolve))
    })
    this.agent.accept(this.socket)
    this.socket.on('error', () => {})
    t.after(() => this.agent.destroy())
  }

  async send(...bytes: Buffer[]): Promise<void> {
    this.socket.arrive(...bytes)
    await this.turns()
  }

  async turns(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await nextTurn()
  }

  async answer(): Promise<void> {
    this.#answer()
    await this.turns()
  }

  close(): void {
    void this.agent.close()
  }

  /** Frames that were not looked at: an ACK, HELLO, or DISCONNECT with its status. */
  #frames(): string[] {
    const found: string[] = []
    let left = Buffer.concat(this.socket.writes)
    while (left.length > 0) {
      const size = 4 + left.readUInt32BE(0)
      const bytes = left.subarray(0, size)
      if (bytes[4] === 0x66) found.push(`DISCONNECT ${readDisconnect(bytes).status}`)
      else found.push(bytes[4] === 0x67 ? 'ACK' : 'HELLO')
      left = left.subarray(size)
    }
    return found.slice(this.#seen)
  }

  look(): void {
    this.#seen += this.#frames().length
  }

  /** What was sent since, what became of the socket, and of the handler. */
  get seen(): string {
    const { destroyed, writableEnded } = this.socket
    const socket = destroyed ? 'gone' : writableEnded ? 'ended' : 'open'
    return [...this.#frames(), socket, this.handler].filter((each) => each !== '').join(', ')
  }
}

const states: Record<string, (stage: Stage) => Promise<void>> = {
  idle: () => Promise.resolve(),
  checked: (stage) => stage.send(healthCheck),
  open: (stage) => stage.send(hello()),
  'open, held': (stage) => stage.send(hello(), question),
  async 'draining, held'(stage) {
    await stage.send(hello(), question)
    stage.close()
    await stage.turns()
  },
  async 'FIN, held'(stage) {
    await stage.send(hello(), question)
    stage.socket.push(null)
    await stage.turns()
  },
  leaving: (stage) => stage.send(garbage),
  async closed(stage) {
    stage.socket.destroy()
    await stage.turns()
  },
}

const events: Record<string, (stage: Stage) => Promise<void>> = {
  garbage: (stage) => stage.send(garbage),
  HELLO: (stage) => stage.send(hello()),
  NOTIFY: (stage) => stage.send(notify('02 01')),
  UNSET: (stage) => stage.send(frame('00 00000001 02 01')),
  unknown: (stage) => stage.send(frame('63 00000001 00 00')),
  ACK: (stage) => stage.send(frame('67 00000001 01 01')),
  goodbye: (stage) => stage.send(haproxyDisconnect),
  async FIN(stage) {
    stage.socket.push(null)
    await stage.turns()
  },
  async 'FIN in a frame'(stage) {
    stage.socket.arrive(question.subarray(0, 9))
    stage.socket.push(null)
    await stage.turns()
  },
  async reset(stage) {
    stage.socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    await stage.turns()
  },
  async 'close()'(stage) {
    stage.close()
    await stage.turns()
  },
  async 'destroy()'(stage) {
    stage.agent.destroy()
    await stage.turns()
  },
  answer: (stage) => stage.answer(),
}

/** State, events, what is seen: frames, the socket, and the handler that was called, if one was. */
const cells = `
idle            | HELLO                                           | HELLO, open
idle            | garbage, NOTIFY, UNSET, unknown, ACK, goodbye   | DISCONNECT 4, open
idle            | FIN, reset, close(), destroy()                  | gone
idle            | FIN in a frame                                  | DISCONNECT 4, open
idle            | answer                                          | open

checked         | garbage, HELLO, NOTIFY, UNSET, unknown, ACK     | DISCONNECT 4, open
checked         | FIN in a frame                                  | DISCONNECT 4, open
checked         | goodbye                                         | DISCONNECT 0, ended
checked         | FIN, reset, destroy()                           | gone
checked         | close(), answer                                 | open

open            | garbage, HELLO, ACK, FIN in a frame             | DISCONNECT 4, open
open            | UNSET                                           | DISCONNECT 12, open
open            | NOTIFY                                          | ACK, open
open            | goodbye                                         | DISCONNECT 0, ended
open            | FIN, reset, destroy()                           | gone
open            | unknown, close(), answer                        | open

open, held      | garbage, HELLO, ACK, FIN in a frame             | ACK, DISCONNECT 4, open, aborted
open, held      | UNSET                                           | ACK, DISCONNECT 12, open, aborted
open, held      | NOTIFY, answer                                  | ACK, open, at work
open, held      | goodbye                                         | DISCONNECT 0, ended, aborted
open, held      | reset, destroy()                                | gone, aborted
open, held      | unknown, FIN, close()                           | open, at work

draining, held  | garbage, HELLO, ACK, FIN in a frame             | ACK, DISCONNECT 4, open, aborted
draining, held  | UNSET                                           | ACK, DISCONNECT 12, open, aborted
draining, held  | NOTIFY, answer                                  | ACK, open, at work
draining, held  | goodbye                                         | DISCONNECT 0, ended, aborted
draining, held  | reset, destroy()                                | gone, aborted
draining, held  | unknown, FIN, close()                           | open, at work

FIN, held       | close()                                         | open, at work
FIN, held       | reset, destroy()                                | gone, aborted
FIN, held       | answer                                          | ACK, DISCONNECT 0, open, at work

leaving         | garbage, HELLO, NOTIFY, UNSET, unknown, ACK     | open
leaving         | goodbye, close(), answer                        | open
leaving         | FIN, FIN in a frame, reset, destroy()           | gone

closed          | reset, close(), destroy(), answer               | gone
`

for (const line of cells.split('\n').filter((each) => each !== '')) {
  const [state = '', happening = '', seen = ''] = line.split('|').map((each) => each.trim())
  for (const event of happening.split(', '))
    test(`${state}; ${event}`, async (t) => {
      const stage = new Stage(t)
      await states[state]?.(stage)
      stage.look()
      await events[event]?.(stage)
      assert.equal(stage.seen, seen)
    })
}

test('every state meets every event', () => {
  const met = cells
    .split('\n')
    .filter((each) => each !== '')
    .flatMap((line) =>
      (line.split('|')[1] ?? '')
        .trim()
        .split(', ')
        .map((event) => `${line.split('|')[0]?.trim()}; ${event}`),
    )
  // Behind FIN and behind its end nothing can come.
  const silent = (state: string) => state === 'FIN, held' || state === 'closed'
  const all = Object.keys(states).flatMap((state) =>
    Object.keys(events)
      .filter((event) => !silent(state) || ['reset', 'close()', 'destroy()', 'answer'].includes(event))
      .map((event) => `${state}; ${event}`),
  )
  assert.deepEqual(
    met.filter((each) => !all.includes(each)),
    [],
  )
  assert.deepEqual([...met].sort(), all.sort())
})
