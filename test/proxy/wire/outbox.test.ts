/** What leaves on a socket, and in how many writes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { lentMemory } from '#src/base/lent.js'
import { Turn } from '#src/base/turn.js'
import { handleOf } from '#src/net/inside.js'
import { pollRound, wasPolledSince } from '#src/net/liveness.js'
import { Outbox } from '#src/proxy/wire/outbox.js'
import { until } from '../../support/until.ts'

/** Both ends of a connection, and what is written to ours. */
async function connection(t: TestContext): Promise<{ ours: Socket; theirs: Socket; writes: string[] }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ours = connect((server.address() as AddressInfo).port, '127.0.0.1') // of a listening TCP server
  const [[theirs]] = (await Promise.all([once(server, 'connection'), once(ours, 'connect')])) as [
    [Socket],
    [],
  ]
  t.after(() => {
    ours.destroy()
    theirs.destroy()
    server.close()
  })
  return { ours, theirs, writes: watchWrites(ours) }
}

/** What a socket hands to the kernel, whether by its stream or past it: a text for each system call. */
function watchWrites(socket: Socket): string[] {
  const writes: string[] = []
  const handle = handleOf(socket) as unknown as Record<string, (...args: unknown[]) => unknown>
  const textOf = (bytes: unknown): string =>
    typeof bytes === 'string' ? bytes : Buffer.from(bytes as Uint8Array).toString('latin1')
  for (const name of ['writeBuffer', 'writeLatin1String', 'writev']) {
    const write = handle[name]?.bind(handle)
    handle[name] = (request, given, ...rest) => {
      const pieces = name === 'writev' ? (given as unknown[]).filter((each) => each !== 'latin1') : [given]
      writes.push(
        pieces
          .filter((each) => each !== 'buffer')
          .map(textOf)
          .join(''),
      )
      return write?.(request, given, ...rest)
    }
  }
  return writes
}

const piece = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('within a turn', () => {
  const cases: Record<string, [(box: Outbox) => void, string[]]> = {
    'a head leaves alone': [(box) => box.text('head'), ['head']],
    'a head and its body leave together': [
      (box) => {
        box.text('head ')
        box.body([piece('a'), piece('b')], false, true, undefined)
      },
      ['head ab'],
    ],
    'chunks leave with their end': [
      (box) => {
        box.text('head ')
        box.body([piece('ab')], true, false, undefined)
        box.body([], true, true, undefined)
      },
      ['head 2\r\nab\r\n0\r\n\r\n'],
    ],
    'the answers to several requests leave in their order': [
      (box) => {
        for (const each of ['one ', 'two ']) {
          box.text(each)
          box.body([piece(each)], false, true, undefined)
        }
        box.text('three')
      },
      ['one one two two three'],
    ],
    'tunnelled bytes follow the head': [
      (box) => {
        box.text('head ')
        box.bytes(piece('raw'))
      },
      ['head ', 'raw'],
    ],
    'a text of bytes stays one': [
      (box) => {
        box.text('h\xe9')
        box.body([piece('\xff')], false, true, undefined)
      },
      ['h\xe9\xff'],
    ],
  }
  for (const [name, [act, expected]] of Object.entries(cases)) {
    it(name, async (t) => {
      const { ours, writes } = await connection(t)
      const turn = new Turn()
      act(new Outbox(ours, turn, () => assert.fail('it is not blocked')))
      turn.end()
      assert.deepEqual(writes, expected)
    })
  }

  it('what is large does not wait, and stays behind what is before it', async (t) => {
    const { ours, writes } = await connection(t)
    const box = new Outbox(ours, new Turn(), () => {})
    box.text('head ')
    box.bytes(piece('small '))
    box.bytes(piece('x'.repeat(20_000)))
    assert.deepEqual(writes, ['head ', 'small ', 'x'.repeat(20_000)])
  })

  it('many small pieces do not gather without bound', async (t) => {
    const { ours, writes } = await connection(t)
    const box = new Outbox(ours, new Turn(), () => {})
    for (let count = 0; count < 40; count++) box.bytes(piece('x'.repeat(1000)))
    assert.deepEqual(
      writes.map((each) => each.length),
      [17_000, 17_000],
    )
  })

  it('flush sends at once; the end of the turn has nothing more', async (t) => {
    const { ours, theirs, writes } = await connection(t)
    const turn = new Turn()
    const box = new Outbox(ours, turn, () => {})
    box.text('last words')
    box.flush()
    ours.end()
    turn.end()
    assert.deepEqual(writes, ['last words'])
    const [chunk] = (await once(theirs, 'data')) as [Buffer]
    assert.equal(chunk.toString(), 'last words')
  })

  it('nothing is written to a socket that has ended', async (t) => {
    const { ours, writes } = await connection(t)
    const turn = new Turn()
    const box = new Outbox(ours, turn, () => {})
    ours.on('error', () => assert.fail('it was written to'))
    ours.end()
    box.text('late')
    turn.end()
    assert.deepEqual(writes, [])
  })
})

it('a peer that does not read is told of once, and again after it has read', async (t) => {
  const { ours, theirs } = await connection(t)
  theirs.pause()
  let blocked = 0
  const box = new Outbox(ours, new Turn(), () => blocked++)
  let more = true
  for (let count = 0; count < 400 && more; count++) more = box.bytes(Buffer.alloc(65_536))
  assert.equal(more, false)
  assert.equal(box.body([], false, true, undefined), false)
  box.bytes(Buffer.alloc(65_536))
  assert.deepEqual([blocked, box.blocked], [1, true])
  theirs.resume()
  await once(ours, 'drain')
  box.drained()
  assert.equal(box.bytes(piece('x')), true)
})

it('one write of more than a socket likes to have waiting blocks until it has left', async (t) => {
  const { ours, theirs } = await connection(t)
  theirs.pause()
  let blocked = 0
  const box = new Outbox(ours, new Turn(), () => blocked++)
  assert.deepEqual([box.bytes(Buffer.alloc(16_777_216)), blocked, box.blocked], [false, 1, true])
  theirs.resume()
  await once(ours, 'drain')
})

describe('what is lent for the time of a call leaves as it was then', () => {
  const sizes = [1, 100, 16_383, 16_384, 20_000, 32_769, 65_536]
  type Act = (box: Outbox, lent: Buffer) => void
  const chunk = (lent: Buffer) => `${lent.length.toString(16)}\r\n${lent.toString('latin1')}\r\n`
  /** What is done with a piece, and what is to leave. */
  const acts: readonly (readonly [Act, (lent: Buffer) => string])[] = [
    [(box, lent) => box.bytes(lent), (lent) => lent.toString('latin1')],
    [(box, lent) => box.body([lent], false, true, undefined), (lent) => lent.toString('latin1')],
    [
      (box, lent) => {
        box.text('head ')
        box.body([lent], false, false, undefined)
      },
      (lent) => `head ${lent.toString('latin1')}`,
    ],
    [
      (box, lent) => {
        box.text('head ')
        box.bytes(lent)
      },
      (lent) => `head ${lent.toString('latin1')}`,
    ],
    [
      (box, lent) => {
        box.bytes(piece('before '))
        box.text('head ')
        box.body([lent.subarray(0, 1), lent.subarray(1)], false, false, undefined)
      },
      (lent) => `before head ${lent.toString('latin1')}`,
    ],
    [(box, lent) => box.body([lent], true, false, undefined), chunk],
    [
      (box, lent) => {
        box.text('head ')
        box.body([lent], true, true, undefined)
      },
      (lent) => `head ${chunk(lent)}0\r\n\r\n`,
    ],
  ]
  for (const reads of [true, false]) {
    it(reads ? 'to a peer that reads' : 'to a peer that reads when all is written', async (t) => {
      const { ours, theirs } = await connection(t)
      const received: Buffer[] = []
      if (!reads) theirs.pause()
      theirs.on('data', (bytes: Buffer) => void received.push(bytes))
      const turn = new Turn()
      const box = new Outbox(ours, turn, () => {})
      let expected = ''
      // More large ones than there are buffers to be borrowed.
      for (let round = 0; round < 8; round++) {
        for (const [at, size] of sizes.entries()) {
          for (const [which, [act, left]] of acts.entries()) {
            const lent = lentMemory.subarray(0, size).fill(97 + ((at + which + round) % 26))
            expected += left(lent)
            act(box, lent)
            lentMemory.fill('!')
            if (which % 3 === 0) turn.end()
            if (reads) await new Promise((resolve) => setImmediate(resolve))
          }
        }
      }
      box.flush()
      ours.end()
      theirs.resume()
      await once(theirs, 'end')
      assert.ok(Buffer.concat(received).toString('latin1') === expected, 'other bytes')
    })
  }
})

describe('what is held until all sockets were looked at', () => {
  it('leaves then, in one write, whatever its size', async (t) => {
    const { ours, writes } = await connection(t)
    const turn = new Turn()
    const box = new Outbox(ours, turn, () => {})
    const round = pollRound()
    box.holdSince(round)
    box.text('head ')
    box.body([piece('x'.repeat(16_380))], false, false, undefined)
    box.bytes(piece('y'.repeat(20_000)))
    box.flush()
    turn.end()
    assert.deepEqual([writes, box.unsent], [[], true])
    await until(() => wasPolledSince(round))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([writes, box.unsent], [[`head ${'x'.repeat(16_380)}${'y'.repeat(20_000)}`], false])
    box.text('next')
    turn.end()
    assert.equal(writes.length, 2)
  })

  it('does not leave when it is dropped', async (t) => {
    const { ours, writes } = await connection(t)
    const turn = new Turn()
    const box = new Outbox(ours, turn, () => {})
    box.holdSince(pollRound())
    box.text('head ')
    box.bytes(piece('body'))
    box.drop()
    for (let count = 0; count < 4; count++) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([writes, box.unsent], [[], false])
  })

  it('leaves at once when they were looked at already', async (t) => {
    const { ours, writes } = await connection(t)
    const turn = new Turn()
    const box = new Outbox(ours, turn, () => {})
    box.holdSince(-10)
    box.text('head')
    turn.end()
    assert.deepEqual(writes, ['head'])
  })
})
