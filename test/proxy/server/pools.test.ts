/** A client's own connections, the queue and the state of a server, as tables (`connect_server` and `srv_add_to_idle_list` of HAProxy). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PrivatePool } from '#src/proxy/server/private-pool.js'
import { Queue } from '#src/proxy/server/queue.js'
import type { Queued } from '#src/proxy/server/queue.js'
import { ServerState } from '#src/proxy/server/server-state.js'
import type { AdminState } from '#src/proxy/server/server-state.js'
import type { ServerConnection } from '#src/proxy/server/server-transport.js'
import type { Stream } from '#src/sample/stream.js'
import type { Server } from '#src/proxy/server/server.js'

/** A connection that can only be told apart and closed. */
class Connection implements ServerConnection {
  closed = 0
  readonly name: string
  readonly requests: number
  readonly room = 1
  readonly safe = true
  readonly restedAt = 0
  readonly recalls = false
  readonly liveness = 'open'
  seat = -1

  constructor(name: string, requests = 1) {
    this.name = name
    this.requests = requests
  }

  begin(): undefined {}

  destroy(): void {
    this.closed++
  }
}

describe('the connections of one client', () => {
  const server = {}
  const other = {}

  it('are found by their server, once', () => {
    const pool = new PrivatePool()
    assert.equal(pool.take(server), undefined)
    const [a, b] = [new Connection('a'), new Connection('b')]
    pool.put(server, a)
    pool.put(other, b)
    assert.equal(pool.take(server), a)
    assert.equal(pool.take(server), undefined)
    assert.equal(pool.take(other), b)
  })

  it('are one for each server: the older one is closed', () => {
    const pool = new PrivatePool()
    const [a, b] = [new Connection('a'), new Connection('b')]
    pool.put(server, a)
    pool.put(server, b)
    assert.deepEqual([a.closed, b.closed], [1, 0])
    pool.drop(server, a)
    assert.equal(pool.take(server), b)
    pool.put(server, b)
    pool.drop(server, b)
    assert.equal(pool.take(server), undefined)
  })

  it('are closed with it, and so is one that comes back later', () => {
    const pool = new PrivatePool()
    const [a, late] = [new Connection('a'), new Connection('late')]
    pool.put(server, a)
    pool.close()
    pool.put(server, late)
    assert.deepEqual([a.closed, late.closed], [1, 1])
    assert.equal(pool.take(server), undefined)
  })
})

describe('the queue of a backend', () => {
  const server = {} as Server // never looked at
  const stream = {} as Stream // neither

  function waiting(served: string[], name: string): Queued {
    return { previous: undefined, next: undefined, stream, serve: () => void served.push(name) }
  }

  it('serves in order, while there is a server, and nobody who has left', () => {
    const queue = new Queue()
    const served: string[] = []
    const all = ['a', 'b', 'c', 'd'].map((name) => waiting(served, name))
    assert.deepEqual(
      all.map((each) => queue.enter(each)),
      [0, 1, 2, 3],
    )
    queue.leave(all[1] as Queued) // one of the four
    let servers = 2
    queue.serve(() => (servers-- > 0 ? server : undefined))
    assert.deepEqual(served, ['a', 'c'])
    assert.equal(queue.size, 1)
    queue.serve(() => server)
    assert.deepEqual(served, ['a', 'c', 'd'])
    queue.serve(() => server)
    assert.equal(queue.size, 0)
  })

  it('has let go of a stream before that is served: it may end, and pass its place on, there and then', () => {
    const queue = new Queue()
    const served: string[] = []
    const again = waiting(served, 'b')
    queue.enter({
      previous: undefined,
      next: undefined,
      stream,
      serve: () => {
        served.push(`a ${queue.size}`)
        queue.serve(() => server)
      },
    })
    queue.enter(again)
    queue.serve(() => server)
    assert.deepEqual(served, ['a 1', 'b'])
  })
})

it('a server is up, or may be chosen, as its checks and its administrator say', () => {
  const rows: readonly (readonly [AdminState, boolean, number, boolean, boolean])[] = [
    ['ready', true, 1, true, true],
    ['ready', true, 0, true, false],
    ['ready', false, 1, false, false],
    ['drain', true, 1, true, false],
    ['drain', false, 1, false, false],
    ['maint', true, 1, false, false],
    ['maint', false, 1, false, false],
  ]
  for (const [admin, healthy, weight, up, usable] of rows) {
    const state = new ServerState(weight, false)
    state.setAdmin(admin)
    state.setHealthy(healthy)
    assert.deepEqual([state.up, state.usable], [up, usable], `${admin}, healthy ${healthy}, weight ${weight}`)
  }
  assert.equal(new ServerState(1, true).admin, 'maint')
  assert.equal(new ServerState(1, false).usable, true)
})
