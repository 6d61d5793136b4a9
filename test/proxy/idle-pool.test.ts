/** The table of `http-reuse` (configuration.txt 4.2), and how many connections are kept. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IdlePool } from '#src/proxy/server/idle-pool.js'
import type { ServerConnection } from '#src/proxy/server/server-transport.js'

class Connection implements ServerConnection {
  requests = 1
  room: number
  closed = false
  readonly safe: boolean
  readonly restedAt = 0
  readonly recalls = false
  readonly liveness = 'open'
  seat = -1

  constructor(safe: boolean, room = 1) {
    this.safe = safe
    this.room = room
  }

  begin(): undefined {}

  destroy(): void {
    this.closed = true
  }
}

describe('what is taken', () => {
  //            idle one only        safe one only        both
  //            first     later      first     later      first     later
  const table = {
    never: ['new', 'new', 'new', 'new', 'new', 'new'],
    safe: ['new', 'idle', 'new', 'safe', 'new', 'idle'],
    aggressive: ['new', 'idle', 'safe', 'safe', 'safe', 'idle'],
    always: ['idle', 'idle', 'safe', 'safe', 'safe', 'idle'],
  } as const
  for (const [reuse, cells] of Object.entries(table)) {
    it(`with http-reuse ${reuse}`, () => {
      const seen = (['idle', 'safe', 'both'] as const).flatMap((kept) =>
        [true, false].map((first) => {
          const pool = new IdlePool(10, reuse as keyof typeof table) // its own keys
          const idle = new Connection(false)
          const safe = new Connection(true)
          const all = [...(kept === 'safe' ? [] : [idle]), ...(kept === 'idle' ? [] : [safe])]
          for (const each of all) pool.opened(each)
          for (const each of all) assert.ok(pool.put(each))
          const taken = pool.take(first)
          if (taken === undefined) return 'new'
          return taken === idle ? 'idle' : 'safe'
        }),
      )
      assert.deepEqual(seen, cells)
    })
  }
})

describe('what is shared', () => {
  for (const [reuse, fresh, again] of [
    ['never', false, false],
    ['safe', false, false],
    ['aggressive', false, true],
    ['always', true, true],
  ] as const) {
    it(`with http-reuse ${reuse}`, () => {
      const pool = new IdlePool(10, reuse)
      const connection = new Connection(true, 3)
      pool.opened(connection)
      assert.equal(pool.take(true) === connection, fresh)
      assert.ok(pool.put(connection))
      const taken = pool.take(reuse === 'safe' ? false : true)
      assert.equal(taken === connection, reuse !== 'never')
      assert.equal(pool.take(false) === connection, again)
    })
  }

  it('as long as there is room', () => {
    const pool = new IdlePool(10, 'always')
    const connection = new Connection(true, 3)
    pool.opened(connection)
    connection.room = 1
    assert.equal(pool.take(true), connection)
    connection.room = 0
    assert.equal(pool.take(true), undefined)
    connection.room = 1
    pool.share(connection)
    assert.equal(pool.take(true), connection)
    pool.drop(connection)
    assert.equal(pool.take(true), undefined)
  })
})

describe('what is kept', () => {
  it('as many as were needed at a time, and one more', () => {
    const pool = new IdlePool(10, 'safe')
    const kept = Array.from({ length: 4 }, () => {
      const connection = new Connection(true)
      pool.opened(connection)
      return pool.put(connection)
    })
    assert.deepEqual(kept, [true, true, false, false])
  })

  it('no more than pool-max-conn', () => {
    const pool = new IdlePool(1, 'safe')
    const [a, b] = [new Connection(true), new Connection(true)]
    pool.opened(a)
    pool.opened(b)
    assert.ok(pool.put(a))
    assert.ok(!pool.put(b))
    pool.drop(a)
    assert.ok(pool.put(b))
  })

  it('until it is closed: idle ones first, used ones at the end', () => {
    const pool = new IdlePool(10, 'safe')
    const [idle, used] = [new Connection(true), new Connection(true)]
    pool.opened(idle)
    pool.opened(used)
    pool.put(idle)
    pool.close()
    assert.deepEqual([idle.closed, used.closed], [true, false])
    pool.end()
    assert.ok(used.closed)
  })
})
