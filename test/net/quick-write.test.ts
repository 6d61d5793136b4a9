/** Writes past the stream of a socket, beside a socket that is written by its stream: the same events, the same bytes. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { lookAt } from '#src/base/lent.js'
import { handleOf, WriteRequestClass } from '#src/net/inside.js'
import { LingeringSocket } from '#src/net/lingering-socket.js'
import { writeQuickly } from '#src/net/quick-write.js'
import { kinds, socketPair, watchEvents } from '../support/socket-pairs.ts'
import type { Kind } from '../support/socket-pairs.ts'
import { until } from '../support/until.ts'

/** More than any kernel takes of a peer that does not read. */
const much = 16_777_216

/** Where nothing is written past streams there is nothing to be tested but that. */
const skip = WriteRequestClass === undefined

type Written = ReturnType<typeof writeQuickly>

async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  await once(socket, 'end')
  return Buffer.concat(pieces)
}

/** Of bytes that are nowhere like those before. */
function unlike(size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size)
  for (let at = 0; at < size; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
  return bytes
}

function unfinished(written: Written): Exclude<Written, true | undefined> {
  if (written === true || written === undefined) assert.fail(`it is ${written}`)
  return written
}

it('writes nothing where no request is found', { skip: !skip }, async (t) => {
  const { accepted } = await socketPair(t, 'tcp')
  assert.deepEqual([writeQuickly(accepted, 'bytes'), accepted.bytesWritten], [undefined, 0])
})

for (const kind of kinds) {
  describe(kind, { skip }, () => {
    it('bytes and text arrive, and the kernel has them at once', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const all = readAll(connected)
      const answers = [
        writeQuickly(accepted, 'text \xe9\xff\0'),
        writeQuickly(accepted, Buffer.from(' bytes')),
        writeQuickly(accepted, ''),
        writeQuickly(accepted, Buffer.from('in the middle').subarray(2, 6)),
      ]
      assert.deepEqual(answers, [true, true, true, true])
      assert.deepEqual([accepted.bytesWritten, accepted.writableLength], [18, 0])
      accepted.end()
      assert.equal((await all).toString('latin1'), 'text \xe9\xff\0 bytes the')
    })

    it('what the kernel does not take is told once, later, and the stream writes behind it, to the end', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const seen = watchEvents(accepted)
      const bytes = unlike(much)
      const first = unfinished(writeQuickly(accepted, bytes))
      let returned = false
      first.onTaken = (error) => seen.push(`taken ${returned} ${error?.message}`)
      assert.equal(writeQuickly(accepted, 'not before it'), undefined)
      accepted.write('behind', () => seen.push('written'))
      accepted.end(' it')
      returned = true
      await turn()
      assert.deepEqual(seen, [])
      const got = await readAll(connected)
      assert.equal(got.length, much + 9)
      assert.ok(got.subarray(0, much).equals(bytes))
      assert.equal(got.subarray(much).toString(), 'behind it')
      connected.end()
      accepted.resume()
      await once(accepted, 'close')
      assert.deepEqual(seen, ['taken true undefined', 'written', 'finish', 'end', 'close false'])
    })

    it('text that the kernel does not take arrives, too, and all of it before the end', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const text = unlike(much).toString('latin1')
      unfinished(writeQuickly(accepted, text))
      accepted.end()
      assert.ok((await readAll(connected)).equals(Buffer.from(text, 'latin1')))
    })

    it('an unfinished write keeps its bytes', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      setFlagsFromString('--expose-gc')
      const collect = runInNewContext('gc') as () => void // by that flag
      const expected = createHash('sha1').update(unlike(much)).digest('hex')
      unfinished(writeQuickly(accepted, unlike(much)))
      for (let left = 5; left > 0; left--) {
        collect()
        Buffer.alloc(much, 'garbage')
        await turn()
      }
      accepted.end()
      assert.equal(
        createHash('sha1')
          .update(await readAll(connected))
          .digest('hex'),
        expected,
      )
    })

    it('a thousand writes of all sizes, past the stream and by it, keep their order', async (t) => {
      const { accepted, connected } = await socketPair(t, kind)
      const got = readAll(connected)
      const sent: Buffer[] = []
      const source = unlike(100_000)
      for (let at = 0; at < 1000; at++) {
        const piece = source.subarray(at, at + ((at * 7919) % (at % 5 === 0 ? 90_000 : 900)))
        sent.push(piece)
        const written =
          at % 3 === 0 ? undefined : writeQuickly(accepted, at % 2 ? piece : piece.toString('latin1'))
        if (written === undefined && !accepted.write(piece)) await once(accepted, 'drain')
        if (at % 11 === 0) await turn()
      }
      accepted.end()
      assert.ok((await got).equals(Buffer.concat(sent)))
    })

    /** What it does with a socket, and what stands before the write, if anything. */
    const states: Record<string, (socket: Socket) => void> = {
      corked: (socket) => socket.cork(),
      'with bytes in its stream': (socket) => void socket.write(Buffer.alloc(much)),
      ended: (socket) => void socket.end(),
      destroyed: (socket) => void socket.destroy(),
      'timed by its stream': (socket) => void socket.setTimeout(60_000),
    }
    for (const [name, bring] of Object.entries(states)) {
      it(`one that is ${name} is left to its stream`, async (t) => {
        const { accepted } = await socketPair(t, kind)
        bring(accepted)
        const before = accepted.bytesWritten
        assert.equal(writeQuickly(accepted, 'bytes'), undefined)
        assert.equal(accepted.bytesWritten, before)
      })
    }
  })
}

it('one that is connecting is left to its stream', { skip }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = new Socket().connect((server.address() as AddressInfo).port, '127.0.0.1') // of a TCP server
  t.after(() => {
    socket.destroy()
    server.close()
  })
  assert.deepEqual([socket.connecting, writeQuickly(socket, 'bytes')], [true, undefined])
  await once(socket, 'connect')
  assert.equal(writeQuickly(socket, 'bytes'), true)
})

/**
 * A peer on another core makes room between the try to write and the queue of libuv: the request is libuv's then, though nothing
 * waits. To use it for the next write would end the process.
 */
for (const kind of kinds) {
  it(`${kind}: a peer that reads all the time gets everything`, { skip }, async (t) => {
    const { accepted, connected } = await socketPair(t, kind)
    connected.destroy()
    accepted.destroy()
    const code = `
      const { parentPort } = require('node:worker_threads')
      let size = 0
      const server = require('node:net').createServer((socket) => {
        socket.on('data', ({ length }) => (size += length))
        socket.on('end', () => (parentPort.postMessage(size), server.close()))
      })
      server.listen(${kind === 'tcp' ? '0' : "'\\0sluice-quick-write-' + process.pid"}, () => parentPort.postMessage(server.address()))`
    const reader = new Worker(code, { eval: true })
    t.after(() => reader.terminate())
    const [address] = (await once(reader, 'message')) as [string | { readonly port: number }]
    const socket = new Socket()
    if (typeof address === 'string') socket.connect(address)
    else socket.connect(address.port)
    await once(socket, 'connect')
    const bytes = Buffer.alloc(65_536)
    let sent = 0
    for (let waits = 0; waits < 200 && sent < 4000;) {
      const written = writeQuickly(socket, bytes)
      sent++
      if (written === true) continue
      waits++
      const { promise, resolve } = withResolvers()
      unfinished(written).onTaken = resolve
      await promise
    }
    socket.end()
    const [size] = (await once(reader, 'message')) as [number]
    assert.equal(size, sent * bytes.length)
  })
}

function withResolvers(): { promise: Promise<unknown>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}

type Send = (bytes: Buffer | string) => void

/** What somebody does, in order; a turn passes between. */
interface Story {
  readonly kinds: readonly Kind[]
  readonly lingers?: boolean
  readonly steps: readonly ((send: Send, ours: Socket, theirs: Socket) => void)[]
}

const gone = (_: Send, __: Socket, theirs: Socket): void => void theirs.destroy()
const reset = (_: Send, __: Socket, theirs: Socket): void => void theirs.resetAndDestroy()
/** With its last words unread, and its end. */
const part = (_: Send, __: Socket, theirs: Socket): void => (theirs.write('farewell'), void theirs.destroy())
const wait = (): void => {}
const write = (send: Send): void => send('bytes')
const writeMuch = (send: Send): void => send(Buffer.alloc(much))

const stories: Record<string, Story> = {
  'a peer that has reset': { kinds: ['tcp'], steps: [reset, write] },
  'a peer that is gone': { kinds: ['unix'], steps: [gone, write] },
  'two writes to one that is gone': {
    kinds,
    steps: [gone, (send) => (send('one'), send(Buffer.from('two')), send('three'))],
  },
  'a write to one that is gone, and the end': {
    kinds: ['unix'],
    steps: [gone, (send, ours) => (send('a'), ours.end())],
  },
  'a write to one that is gone, and away': {
    kinds,
    steps: [gone, (send, ours) => (send('a'), ours.destroy())],
  },
  'a reset in the middle of a write': { kinds: ['tcp'], steps: [writeMuch, reset] },
  'an end in the middle of a write': { kinds: ['unix'], steps: [writeMuch, gone] },
  'a reset with a write behind': { kinds: ['tcp'], steps: [writeMuch, write, reset] },
  'destroyed in the middle of a write': { kinds, steps: [writeMuch, (_, ours) => void ours.destroy()] },
  'destroyed with an error, in the middle of a write': {
    kinds,
    steps: [writeMuch, (_, ours) => void ours.destroy(Object.assign(new Error('ours'), { code: 'OURS' }))],
  },
  'the end in the middle of a write, and a reset': {
    kinds: ['tcp'],
    steps: [writeMuch, (_, ours) => void ours.end(), reset],
  },
  'one that lingers behind a farewell': { kinds: ['unix'], lingers: true, steps: [part, wait, write] },
  'one that lingers with a write behind that which has failed, and is held meanwhile': {
    kinds: ['unix'],
    lingers: true,
    steps: [
      (_, ours) => void ours.pause(),
      writeMuch,
      write,
      part,
      wait,
      wait,
      (_, ours) => void ours.resume(),
    ],
  },
  'one that lingers, and writes in that turn': {
    kinds: ['unix'],
    lingers: true,
    steps: [(send, ours, theirs) => (part(send, ours, theirs), send('a'), send('b')), write, write],
  },
}

/** What came of a story, event by event; and whatever became of each write, whose order is its own. */
async function live(t: TestContext, kind: Kind, story: Story, isQuick: boolean): Promise<string[][]> {
  const connecting = story.lingers === true ? new LingeringSocket({ allowHalfOpen: true }) : undefined
  const { accepted, connected } = await socketPair(t, kind, {
    pauseOnConnect: true,
    ...(connecting !== undefined && { connecting }),
  })
  const [ours, theirs] = connecting === undefined ? [accepted, connected] : [connecting, accepted]
  theirs.on('error', () => {})
  const seen = watchEvents(ours)
  if (connecting !== undefined)
    connecting.onChunk = (chunk) => void seen.push(`got ${lookAt(chunk).toString()}`)
  const fates: string[] = []
  const taken = (error?: NodeJS.ErrnoException | null): void => {
    const isLost = ours.destroyed || (error ?? undefined) !== undefined
    // Of what was cut off by the end of the socket a stream says that it had left.
    if (isLost && !ours.destroyed && !fates.includes('lost')) seen.push(`lost: ${error?.message}`)
    fates.push(isLost ? 'lost' : 'taken')
  }
  const send = (bytes: Buffer | string): void => {
    const written = isQuick ? writeQuickly(ours, bytes) : undefined
    if (written === true) process.nextTick(taken)
    else if (written === undefined) ours.write(bytes, 'latin1', taken)
    else written.onTaken = taken
    seen.push(`writable ${ours.writable}`)
  }
  for (const step of story.steps) {
    step(send, ours, theirs)
    await turn()
    seen.push('turn')
  }
  await until(() => seen.some((each) => each.startsWith('close')))
  await turn()
  // Since Node.js 22 a stream that was destroyed has failed when a write of it is given up.
  const failure = ours.errored?.message === 'write ECANCELED' ? undefined : ours.errored?.message
  return [[...seen, `errored ${failure}`, `closed ${handleOf(ours) === undefined}`], fates]
}

for (const [name, story] of Object.entries(stories)) {
  for (const kind of story.kinds) {
    it(`${kind}: ${name}: as a write of the stream`, { skip }, async (t) => {
      const expected = await live(t, kind, story, false)
      assert.deepEqual(await live(t, kind, story, true), expected)
    })
  }
}
