/** Accepted sockets read past their streams, and again, in a second process, as documented: nobody is to see which. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isLent, keep, lookAt } from '#src/base/lent.js'
import { createChunkReader } from '#src/net/chunk-reader.js'
import { isPlain, kinds, passesPlain, socketPair, watchEvents } from '../support/socket-pairs.ts'
import { until } from '../support/until.ts'

/** What a socket hands out, as text, with its events between. */
function readTexts(socket: Socket): string[] {
  const seen = watchEvents(socket)
  createChunkReader((chunk) => void seen.push(lookAt(chunk).toString('latin1')))(socket)
  return seen
}

/** Long enough for bytes that are there to have been read. */
async function turns(): Promise<void> {
  for (let left = 20; left > 0; left--) await turn()
}

/** The same at each run. */
function dice(): (most: number) => number {
  let state = 7
  return (most) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % most
  }
}

if (!isPlain) {
  it('says the same with sockets as documented', () => passesPlain(import.meta.filename))
}

for (const kind of kinds) {
  describe(kind, () => {
    it('hands out what comes with the socket for `this`, lent where it is read past the stream', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const got = new Promise<unknown[]>((resolve) => {
        createChunkReader(function (chunk) {
          resolve([this, isLent(chunk), lookAt(chunk).toString()])
        })(accepted)
      })
      connected.write('bytes')
      assert.deepEqual(await got, [accepted, !isPlain, 'bytes'])
      assert.equal(accepted.bytesRead, 5)
    })

    it('does not write again what was kept of a chunk, when more comes on this socket or on another', async (t) => {
      const pairs = await Promise.all([socketPair(t, kind), socketPair(t, kind)])
      const kept: Buffer[] = []
      let size = 0
      const read = createChunkReader((chunk) => {
        kept.push(keep(chunk))
        size += chunk.length
      })
      for (const { accepted } of pairs) read(accepted)
      let sent = ''
      for (const text of ['a'.repeat(10), 'b'.repeat(3000), 'c'.repeat(90_000), 'd']) {
        for (const { connected } of pairs) {
          sent += text
          connected.write(text)
          await until(() => size === sent.length)
        }
      }
      assert.equal(Buffer.concat(kept).toString(), sent)
    })

    it('reads nothing while it is paused, goes on when it is resumed, and ends behind the bytes', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const seen = readTexts(accepted)
      connected.write('one')
      await until(() => seen.length === 1)
      accepted.pause()
      await turns()
      connected.end('two')
      await turns()
      assert.deepEqual(seen, ['one'])
      accepted.resume()
      await once(accepted, 'end')
      assert.deepEqual(seen, ['one', 'two', 'end'])
    })

    it('a chunk that pauses is the last until the socket is resumed', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const sizes: number[] = []
      createChunkReader(function (chunk) {
        sizes.push(chunk.length)
        this.pause()
      })(accepted)
      connected.write(Buffer.alloc(1_000_000))
      let total = 0
      while (total < 1_000_000) {
        await until(() => sizes.length > 0)
        await turns()
        assert.equal(sizes.length, 1)
        total += sizes.pop() ?? 0
        accepted.resume()
      }
      assert.equal(total, 1_000_000)
    })

    for (const pauseOnConnect of [false, true]) {
      it(`one that was paused when ${pauseOnConnect ? 'accepted' : 'nothing had come'} hands out nothing before it is resumed`, async (t) => {
        const { accepted, connected } = await socketPair(t, kind, { pauseOnConnect })
        accepted.pause()
        const seen = readTexts(accepted)
        connected.write('bytes')
        await turns()
        assert.deepEqual(seen, [])
        accepted.resume()
        await until(() => seen.length === 1)
        assert.deepEqual(seen, ['bytes'])
      })
    }

    it('loses nothing of what stands in the buffers of a socket that has waited, and keeps the order', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      accepted.pause()
      connected.write('one ')
      await until(() => accepted.readableLength === 4)
      const seen = readTexts(accepted)
      connected.write('two ')
      await turns()
      assert.deepEqual(seen, [])
      accepted.resume()
      await until(() => seen.join('') === 'one two ')
      connected.end('three')
      await once(accepted, 'end')
      assert.equal(seen.join(''), 'one two threeend')
    })

    it('the end of a socket that has waited comes, too', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      accepted.pause()
      connected.end('all')
      await until(() => accepted.readableLength === 3)
      await turns()
      const seen = readTexts(accepted)
      accepted.resume()
      await once(accepted, 'end')
      assert.deepEqual(seen, ['all', 'end'])
    })

    for (const [name, wasBuffered] of [
      ['a reader', false],
      ['a reader of what stood in the buffers', true],
    ] as const) {
      it(`${name} is followed by the next one in mid-stream`, async (t) => {
        const { accepted, connected } = await socketPair(t, kind)
        if (wasBuffered) {
          accepted.pause()
          connected.write('0')
          await until(() => accepted.readableLength === 1)
        }
        const seen: string[] = []
        const reader = (which: string) =>
          createChunkReader((chunk) => void seen.push(which + lookAt(chunk).toString()))
        const [first, second] = [reader('first '), reader('second ')]
        first(accepted)
        accepted.resume()
        for (const [text, next] of [
          ['1', second],
          ['2', first],
          ['3', first],
          ['4', second],
        ] as const) {
          connected.write(text)
          await until(() => seen.at(-1)?.endsWith(text) === true)
          next(accepted)
        }
        connected.write('5')
        await until(() => seen.at(-1)?.endsWith('5') === true)
        const expected = ['first 1', 'second 2', 'first 3', 'first 4', 'second 5']
        assert.deepEqual(seen, wasBuffered ? ['first 0', ...expected] : expected)
      })
    }

    it('many bytes in pieces of all sizes, read in spells, arrive unharmed', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const [roll, cut] = [dice(), dice()]
      const [sent, got] = [createHash('sha1'), createHash('sha1')]
      createChunkReader(function (chunk) {
        got.update(lookAt(chunk))
        if (roll(8) > 0) return
        this.pause()
        setImmediate(() => this.resume())
      })(accepted)
      const bytes = Buffer.from(Array.from({ length: 4096 }, () => cut(256)))
      const source = Buffer.concat(Array(64).fill(bytes))
      for (let left = 16_777_216; left > 0;) {
        const size = Math.min(left, 1 + cut(cut(3) === 0 ? 200_000 : 3000))
        const start = cut(4096)
        const piece = source.subarray(start, start + size)
        left -= piece.length
        sent.update(piece)
        if (!connected.write(piece)) await once(connected, 'drain')
      }
      connected.end()
      await once(accepted, 'end')
      assert.equal(got.digest('hex'), sent.digest('hex'))
    })

    it('destroyed by the callback it hands out nothing more', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const seen = watchEvents(accepted)
      createChunkReader(function (chunk) {
        seen.push(`${chunk.length > 0}`)
        this.destroy()
      })(accepted)
      connected.end(Buffer.alloc(300_000))
      await once(accepted, 'close')
      await turns()
      assert.deepEqual(seen, ['true', 'close false'])
    })

    it('what is half closed can still be written to; what is not half open ends itself', async (t) => {
      for (const halfOpen of [true, false]) {
        const { accepted, connected } = await socketPair(t, kind, { halfOpen })
        const seen = readTexts(accepted)
        connected.end('all')
        await once(accepted, 'end')
        assert.deepEqual(seen, ['all', 'end'])
        let answer = ''
        connected.on('data', (chunk) => (answer += String(chunk)))
        const ended = once(connected, 'end')
        if (halfOpen) accepted.end('answer')
        await ended
        assert.equal(answer, halfOpen ? 'answer' : '')
        await until(() => seen.includes('close false'))
      }
    })
  })
}

it('tcp: a reset by the peer is an error of the read', async (t) => {
  const { accepted, connected } = await socketPair(t, 'tcp')
  const seen = readTexts(accepted)
  connected.write('bytes')
  await until(() => seen.length === 1)
  connected.resetAndDestroy()
  await until(() => seen.length === 3)
  assert.deepEqual(seen, ['bytes', 'error ECONNRESET read -104 read ECONNRESET', 'close true'])
})
