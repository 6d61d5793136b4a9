/** What becomes of heads and writes: told alike of a socket that is written past its stream, and of one that is not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { lentMemory, lentView } from '#src/base/lent.js'
import { RecordReader, RecordType } from '#src/fcgi/codec/record.js'
import { RecordSender } from '#src/fcgi/record-sender.js'
import type { SentHead } from '#src/fcgi/record-sender.js'
import { StallWatch } from '#src/fcgi/responder/stall-watch.js'
import { waitingBytes } from '#src/net/quick-write.js'
import { kinds, socketPair } from '../support/socket-pairs.ts'
import { until } from '../support/until.ts'

/** More than any kernel takes of a peer that does not read. */
const much = 16_777_216

/** As one that somebody watches: its stream writes. */
function leaveToStream(socket: Socket): void {
  socket.write = socket.write.bind(socket) as Socket['write']
}

function sendHeads(sender: RecordSender, count: number, size: number): SentHead[] {
  const heads = Array.from({ length: count }, () => ({ written: false, sent: false }))
  for (const head of heads) {
    sender.headWriter.copy(Buffer.alloc(size, 1))
    sender.head(head)
  }
  sender.flush()
  return heads
}

interface Case {
  readonly before?: 'reset'
  readonly heads: number
  readonly size?: number
  readonly after?: 'read' | 'reset'
  /** Of every head in the end; whether anything was unsent at first. */
  readonly written: boolean
  readonly sent: boolean
  readonly unsent?: boolean
}

const cases: Record<string, Case> = {
  'one that the kernel takes': { heads: 1, written: true, sent: true },
  'three that the kernel takes': { heads: 3, written: true, sent: true },
  'one for a peer that has reset': { before: 'reset', heads: 1, written: true, sent: false },
  // The first of them may have left before the write failed.
  'two for a peer that has reset': { before: 'reset', heads: 2, written: true, sent: true },
  'one that the peer reads later': {
    heads: 1,
    size: much,
    after: 'read',
    written: true,
    sent: true,
    unsent: true,
  },
  'one that is cut by a reset': {
    heads: 1,
    size: much,
    after: 'reset',
    written: true,
    sent: false,
    unsent: true,
  },
  'two that are cut by a reset': {
    heads: 2,
    size: much / 2,
    after: 'reset',
    written: true,
    sent: true,
    unsent: true,
  },
}

for (const [name, each] of Object.entries(cases)) {
  for (const [how, prepare] of [
    ['past the stream', () => {}],
    ['by the stream', leaveToStream],
  ] as const) {
    it(`heads, ${how}: ${name}`, async (t) => {
      const { accepted, connected } = await socketPair(t, 'tcp', { pauseOnConnect: true })
      accepted.on('error', () => {})
      prepare(accepted)
      if (each.before === 'reset') connected.resetAndDestroy()
      const closed = new Promise((resolve) => accepted.once('close', resolve))
      await turn()
      const sender = new RecordSender(accepted, false)
      const heads = sendHeads(sender, each.heads, each.size ?? 100)
      assert.ok(heads.every(({ written }) => written === each.written))
      assert.equal(sender.unsent, each.unsent ?? false)
      if (each.unsent === true) assert.ok(heads.every(({ sent }) => !sent))
      if (each.after === 'read') connected.resume()
      if (each.after === 'reset') connected.resetAndDestroy()
      if (each.sent && each.before === undefined && each.after !== 'reset')
        await until(() => heads.every(({ sent }) => sent) && sender.taken === 1)
      else await closed
      assert.deepEqual(
        heads,
        heads.map(() => ({ written: each.written, sent: each.sent })),
      )
      assert.equal(sender.unsent, false)
    })
  }
}

for (const kind of kinds) {
  it(`${kind}: records behind one that waits keep their order, and the memory that it is written from`, async (t) => {
    const { accepted, connected } = await socketPair(t, kind)
    const sender = new RecordSender(accepted, false)
    sendHeads(sender, 1, much)
    const pieces: Buffer[] = []
    for (let at = 0; at < 40; at++) {
      sender.writer.copy(Buffer.alloc(1000, 2 + at))
      if (at % 3 === 0) sender.flush()
    }
    sender.flush()
    accepted.end()
    connected.on('data', (piece: Buffer) => pieces.push(piece))
    await once(connected, 'end')
    const expected = [
      Buffer.alloc(much, 1),
      ...Array.from({ length: 40 }, (_, at) => Buffer.alloc(1000, 2 + at)),
    ]
    assert.ok(Buffer.concat(pieces).equals(Buffer.concat(expected)))
  })

  it(`${kind}: a peer that takes nothing of a write past the stream is noticed, and one that takes some is not`, async (t) => {
    for (const reads of [false, true]) {
      const { accepted, connected } = await socketPair(t, kind)
      const sender = new RecordSender(accepted, false)
      let stalls = 0
      const watch = new StallWatch(accepted, sender, 40, () => stalls++)
      t.after(() => watch.stop())
      sendHeads(sender, 1, much)
      watch.written()
      assert.ok(waitingBytes(accepted) > 0)
      if (!reads) await until(() => stalls === 1)
      else {
        // So little at a time that it takes many of those 40 ms.
        const timer = setInterval(() => connected.read(400_000), 5)
        t.after(() => clearInterval(timer))
        await until(() => waitingBytes(accepted) === 0)
        assert.equal(stalls, 0)
      }
    }
  })
}

it('a stream that wants a drain gets one when what was written past it is before it', async (t) => {
  const { accepted, connected } = await socketPair(t, 'tcp')
  const sender = new RecordSender(accepted, false)
  sendHeads(sender, 1, much)
  let more = true
  for (let count = 0; count < 100 && more; count++)
    more = sender.stream(RecordType.Stdout, 1, Buffer.alloc(10_000))
  assert.equal(more, false)
  connected.resume()
  await once(accepted, 'drain')
})

for (const kind of kinds) {
  for (const padding of [false, true]) {
    const how = padding ? 'padded' : 'as they are'
    it(`${kind}: large content that is lent arrives, for a peer that reads late, too; records ${how}`, async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const sender = new RecordSender(accepted, padding)
      const sent: Buffer[] = []
      const sizes = [65_536, 16_384, 65_529, 65_528, 40_001]
      // More than the kernel takes, in more pieces than there are buffers to borrow.
      for (let each = 0; each < 200; each++) {
        const content = lentView(sizes[each % sizes.length] as number)
        content.fill(each)
        content.writeUInt32BE(each, content.length - 4)
        sent.push(Buffer.from(content))
        sender.stream(RecordType.Stdin, 1, content)
        lentMemory.fill('!')
      }
      accepted.end()
      const reader = new RecordReader()
      const got: Buffer[] = []
      for await (const chunk of connected) {
        reader.push(chunk as Buffer)
        while (reader.next()) got.push(Buffer.from(reader.content()))
      }
      assert.ok(Buffer.concat(got).equals(Buffer.concat(sent)))
    })
  }
}
