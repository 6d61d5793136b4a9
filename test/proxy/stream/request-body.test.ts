/** The body of a request: every state with every event, and what its two ends are told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lookAt } from '#src/base/lent.js'
import type { Lent } from '#src/base/lent.js'
import { RequestBody } from '#src/proxy/stream/request-body.js'

/** Both ends of a body, which write down what they are told. */
function ends({ left = 0, waiting = '', room = true } = {}) {
  const told: string[] = []
  let bytes = waiting
  const source = {
    trailers: undefined,
    left,
    hold: () => void told.push('hold'),
    release: () => void told.push('release'),
    gather: () => void told.push('gather'),
    /** What waits in the connection is the end of the body. */
    drain: () => {
      told.push('drain')
      if (bytes === '') return false
      const last = Buffer.from(bytes)
      bytes = ''
      body.receive([last], true)
      return true
    },
  }
  const sink = {
    sendBody: (pieces: readonly Lent[], done: boolean) => {
      told.push(`${Buffer.concat(pieces.map(lookAt)).toString()}${done ? '.' : ''}`)
      return room
    },
  }
  const body = new RequestBody(source, false)
  return { body, sink, told }
}

type Ends = ReturnType<typeof ends>

/** How a body comes into each of its states, with `ab` behind it. */
const states: Readonly<Record<string, (all: Ends) => void>> = {
  held: ({ body }) => body.receive([Buffer.from('ab')], false),
  gathering: ({ body, told }) => {
    body.receive([Buffer.from('ab')], false)
    body.gather(100, undefined, () => void told.push('gathered'))
  },
  flowing: ({ body, sink }) => {
    body.receive([Buffer.from('ab')], false)
    body.forward(sink, 0)
  },
  discarded: ({ body }) => {
    body.receive([Buffer.from('ab')], false)
    body.discard(-1)
  },
  raw: ({ body }) => {
    body.receive([Buffer.from('ab')], false)
    body.switchToRaw()
  },
}

const events: Readonly<Record<string, (all: Ends) => void>> = {
  piece: ({ body }) => body.receive([Buffer.from('cd')], false),
  last: ({ body }) => body.receive([Buffer.from('cd')], true),
  gather: ({ body, told }) => body.gather(100, undefined, () => void told.push('gathered too')),
  interrupt: ({ body, told }) => void body.interrupt(() => void told.push('interrupted')),
  forward: ({ body, sink }) => body.forward(sink, 0),
  resume: ({ body }) => body.resume(),
  restart: ({ body }) => body.restart(),
  discard: ({ body }) => void body.discard(0),
  raw: ({ body }) => body.switchToRaw(),
}

/** What the ends are told of the event, and behind the bar whether the body is complete (c) and repeatable (r). */
const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  held: {
    piece: '|r',
    last: '|cr',
    gather: 'gather|r',
    interrupt: '|r',
    forward: 'ab release|r',
    resume: '|r',
    restart: '|r',
    discard: 'drain|r',
    raw: '|cr',
  },
  gathering: {
    piece: '|r',
    last: 'gathered|cr',
    gather: 'gather|r',
    interrupt: 'interrupted hold gathered|r',
    forward: 'ab release|r',
    resume: '|r',
    restart: '|r',
    discard: 'drain|r',
    raw: '|cr',
  },
  flowing: {
    piece: 'cd|',
    last: 'cd.|c',
    gather: 'gathered too|r',
    interrupt: '|r',
    forward: 'ab release|r',
    resume: 'release|r',
    restart: 'hold|r',
    discard: 'drain|r',
    raw: '|cr',
  },
  discarded: {
    piece: '|r',
    last: '|cr',
    gather: 'gathered too|r',
    interrupt: '|r',
    forward: 'ab release|r',
    resume: '|r',
    restart: '|r',
    discard: 'drain|r',
    raw: '|cr',
  },
  raw: {
    piece: '|cr',
    last: '|cr',
    gather: 'gathered too|cr',
    interrupt: '|cr',
    forward: 'ab.|cr',
    resume: 'release|cr',
    restart: '|cr',
    discard: '|cr',
    raw: '|cr',
  },
}

describe('the body of a request', () => {
  for (const [state, row] of Object.entries(table)) {
    it(`that is ${state}: every event`, () => {
      assert.deepEqual(Object.keys(row), Object.keys(events))
      for (const [event, wanted] of Object.entries(row)) {
        const all = ends()
        states[state]?.(all)
        all.told.length = 0
        events[event]?.(all)
        const is = `${all.body.complete ? 'c' : ''}${all.body.repeatable ? 'r' : ''}`
        assert.equal(`${all.told.join(' ')}|${is}`, wanted, event)
      }
    })
  }

  it('is held again once enough of it is there, and the rules are told once', () => {
    const { body, told } = ends()
    body.gather(3, undefined, () => void told.push('gathered'))
    body.receive([Buffer.from('ab')], false)
    assert.deepEqual(told, ['gather'])
    body.receive([Buffer.from('c')], false)
    body.receive([Buffer.from('d')], false)
    assert.deepEqual(told, ['gather', 'hold', 'gathered'])
    assert.equal(body.bytes?.toString(), 'abcd')
  })

  it('is not waited for when enough of it is there', () => {
    const { body, told } = ends()
    body.receive([Buffer.from('abc')], false)
    body.gather(3, undefined, () => void told.push('gathered'))
    assert.deepEqual(told, ['gathered'])
  })

  it('is held while the server has no room, but for its last piece', () => {
    const { body, sink, told } = ends({ room: false })
    body.forward(sink, 0)
    body.receive([Buffer.from('ab')], false)
    assert.deepEqual(told, ['release', 'ab', 'hold'])
    body.receive([Buffer.from('c')], true)
    assert.deepEqual(told, ['release', 'ab', 'hold', 'c.'])
  })

  it('stays held when the server has no room for what was kept', () => {
    const { body, sink, told } = ends({ room: false })
    body.receive([Buffer.from('ab')], false)
    body.forward(sink, 0)
    assert.deepEqual(told, ['ab'])
  })

  it('goes to the second server as it went to the first, unless some of it is gone', () => {
    const { body, sink, told } = ends()
    body.receive([Buffer.from('ab')], true)
    body.forward(sink, 0)
    body.restart()
    body.forward(sink, 0)
    assert.deepEqual(told, ['ab.', 'ab.'])
    const other = ends()
    other.body.forward(other.sink, 0)
    other.body.receive([], false)
    assert.equal(other.body.repeatable, true)
    other.body.receive([Buffer.from('ab')], false)
    assert.equal(other.body.repeatable, false)
  })

  it('keeps what flows for another server, up to a limit', () => {
    for (const [keeps, told] of [
      [2, ['ab', 'cd', 'abcd', 'ef.']],
      [1, ['ab', 'cd']],
    ] as const) {
      const { body, sink, told: seen } = ends()
      body.receive([Buffer.from('ab')], false)
      body.forward(sink, keeps)
      body.receive([Buffer.from('cd')], false)
      assert.equal(body.repeatable, keeps === 2)
      if (body.repeatable) {
        body.restart()
        assert.equal(body.size, 4)
        body.forward(sink, 0)
        body.receive([Buffer.from('ef')], true)
      }
      const bytes = seen.filter((each) => !['hold', 'release'].includes(each))
      assert.deepEqual(bytes, told)
    }
  })

  it('shows samples what waits in the connection', () => {
    const { body, told } = ends({ waiting: 'xyz' })
    assert.equal(body.bytes?.toString(), 'xyz')
    assert.equal(body.complete, true)
    assert.deepEqual(told, ['drain'])
  })

  it('tells whether anybody waited for what will not come', () => {
    const before = (): void => {}
    const { body } = ends()
    assert.equal(body.interrupt(before), false)
    body.gather(10, undefined, () => {})
    assert.equal(body.interrupt(before), true)
    assert.equal(body.interrupt(before), false)
  })

  it('is kept again between two servers', () => {
    const { body, sink, told } = ends()
    body.forward(sink, 0)
    body.restart()
    body.receive([Buffer.from('ab')], true)
    assert.equal(body.size, 2)
    body.forward(sink, 0)
    assert.equal(told.at(-1), 'ab.')
  })

  it('that nobody wants is read when no more than a buffer of it is left', () => {
    for (const [left, drained] of [
      [10, true],
      [11, false],
    ] as const) {
      const { body, told } = ends({ left, waiting: 'x' })
      assert.equal(body.discard(10), drained)
      assert.deepEqual(told, drained ? ['drain'] : [])
    }
  })

  it('that is empty never reaches a server', () => {
    const { sink, told } = ends()
    const source = { trailers: undefined, left: 0, hold() {}, release() {}, gather() {}, drain: () => true }
    const body = new RequestBody(source, true)
    body.forward(sink, 0)
    body.gather(10, undefined, () => void told.push('gathered'))
    assert.deepEqual(told, ['gathered'])
    assert.equal(body.complete, true)
  })
})
