import assert from 'node:assert/strict'
import { test } from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import fc from 'fast-check'
import { FrameSplitter, type Framing } from '#src/bytes/frame-splitter.js'

/** One byte of length, header included, behind one byte that must be 0x7e. */
const framing: Framing = {
  headerSize: 2,
  sizeAt(bytes, at) {
    if (bytes[at] !== 0x7e) throw new RangeError(`no frame at ${at}`)
    return bytes[at + 1] ?? 0
  },
}

const frame = (size: number, fill = 1) =>
  Buffer.from([0x7e, size, ...Array.from({ length: size - 2 }, () => fill)])

function drain(splitter: FrameSplitter): Buffer[] {
  const frames: Buffer[] = []
  while (splitter.next()) frames.push(splitter.bytes.subarray(splitter.start, splitter.end))
  return frames
}

test('a fresh splitter has nothing, however often it is asked', () => {
  const splitter = new FrameSplitter(framing)
  assert.equal(splitter.next(), false)
  assert.equal(splitter.next(), false)
  assert.equal(splitter.midFrame, false)
  assert.equal(splitter.bytes.length, 0)
})

test('a frame that is whole within its chunk is not copied', () => {
  const splitter = new FrameSplitter(framing)
  const chunk = Buffer.concat([frame(5), frame(2), frame(4)])
  splitter.push(chunk)
  const places: [number, number][] = []
  while (splitter.next()) {
    assert.equal(splitter.bytes, chunk)
    places.push([splitter.start, splitter.end])
    assert.equal(splitter.drained, splitter.end === chunk.length)
  }
  assert.deepEqual(places, [
    [0, 5],
    [5, 7],
    [7, 11],
  ])
  assert.equal(splitter.midFrame, false)
})

test('a drained splitter can be asked again, and again after the next chunk', () => {
  const splitter = new FrameSplitter(framing)
  for (const piece of [
    frame(5).subarray(0, 1),
    Buffer.alloc(0),
    frame(5).subarray(1, 2),
    frame(5).subarray(2, 4),
  ]) {
    splitter.push(piece)
    assert.equal(splitter.next(), false)
    assert.equal(splitter.next(), false)
    assert.equal(splitter.midFrame, true)
  }
  splitter.push(Buffer.concat([Buffer.of(9), frame(3)]))
  assert.deepEqual(drain(splitter), [Buffer.of(0x7e, 5, 1, 1, 9), frame(3)])
  assert.equal(splitter.next(), false)
  assert.equal(splitter.midFrame, false)
})

test('a chunk that ends exactly behind a header waits for the rest', () => {
  const splitter = new FrameSplitter(framing)
  splitter.push(frame(4).subarray(0, 1))
  assert.equal(splitter.next(), false)
  splitter.push(frame(4).subarray(1, 2))
  assert.equal(splitter.next(), false)
  splitter.push(frame(4).subarray(2))
  assert.deepEqual(drain(splitter), [frame(4)])
})

test('a frame that is nothing but its header is found in pieces too', () => {
  const splitter = new FrameSplitter(framing)
  splitter.push(Buffer.of(0x7e))
  assert.equal(splitter.next(), false)
  splitter.push(Buffer.of(2, 0x7e))
  assert.deepEqual(drain(splitter), [frame(2)])
  assert.equal(splitter.midFrame, true)
})

test('the position moves on before a frame is handed out: a caller that throws does not see it twice', () => {
  const splitter = new FrameSplitter(framing)
  splitter.push(Buffer.concat([frame(3, 1), frame(3, 2)]))
  assert.throws(() => {
    while (splitter.next()) throw new Error('handler')
  }, /handler/)
  assert.deepEqual(drain(splitter), [frame(3, 2)])
})

test('memory that was handed out is never written again', () => {
  const splitter = new FrameSplitter(framing)
  splitter.push(frame(6, 1).subarray(0, 3))
  splitter.next()
  splitter.push(frame(6, 1).subarray(3))
  assert.equal(splitter.next(), true)
  const held = splitter.bytes.subarray(splitter.start, splitter.end)
  for (let count = 0; count < 50; count++) {
    splitter.push(frame(6, 2).subarray(0, 3))
    drain(splitter)
    splitter.push(frame(6, 2).subarray(3))
    drain(splitter)
  }
  assert.deepEqual(held, frame(6, 1))
})

test('what the framing throws comes through, whole or in pieces, and again when asked again', () => {
  const whole = new FrameSplitter(framing)
  whole.push(Buffer.of(0x00, 5, 1))
  assert.throws(() => whole.next(), RangeError)
  const pieces = new FrameSplitter(framing)
  pieces.push(Buffer.of(0x00))
  assert.equal(pieces.next(), false)
  pieces.push(Buffer.of(5))
  assert.throws(() => pieces.next(), RangeError)
  assert.throws(() => pieces.next(), RangeError)
})

test('nothing is allocated for a frame that the framing refuses', () => {
  let asked = 0
  const splitter = new FrameSplitter({
    headerSize: 4,
    sizeAt(bytes, at) {
      asked++
      if (bytes.readUInt32BE(at) > 100) throw new RangeError('too big')
      return bytes.readUInt32BE(at)
    },
  })
  const before = process.memoryUsage().arrayBuffers
  for (let count = 0; count < 100; count++) {
    splitter.push(Buffer.from('ffffffff', 'hex'))
    assert.throws(() => splitter.next(), RangeError)
  }
  assert.equal(asked, 100)
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
})

test('the size of a frame is asked once when it is whole, and once when it is in pieces', () => {
  let asked = 0
  const counting: Framing = {
    headerSize: 2,
    sizeAt(bytes, at) {
      asked++
      return framing.sizeAt(bytes, at)
    },
  }
  const splitter = new FrameSplitter(counting)
  for (const [pieces, times] of [
    [[frame(5)], 1],
    [[frame(5).subarray(0, 3), frame(5).subarray(3)], 1],
    [[frame(5).subarray(0, 1), frame(5).subarray(1)], 1],
    [[frame(5).subarray(0, 1), frame(5).subarray(1, 3), frame(5).subarray(3, 4), frame(5).subarray(4)], 1],
  ] as const) {
    asked = 0
    for (const piece of pieces) {
      splitter.push(piece)
      while (splitter.next())
        assert.deepEqual(splitter.bytes.subarray(splitter.start, splitter.end), frame(5))
    }
    assert.equal(asked, times)
  }
})

test('no chunk is held once it is drained, whether frames were whole, in pieces, or not complete', async () => {
  v8.setFlagsFromString('--expose-gc')
  const collect = vm.runInNewContext('gc') as () => void
  const stream = Buffer.concat(Array.from({ length: 3 }, () => frame(5)))
  for (const cuts of [
    [5],
    [10],
    [3],
    [1],
    [8],
    [6],
    [2, 3],
    [1, 4],
    [5, 1],
    [1, 1, 1, 1, 1],
    [3, 7],
    [3, 3],
  ]) {
    const splitter = new FrameSplitter(framing)
    let at = 0
    const chunks = cuts.map((size) => {
      const chunk = Buffer.from(new Uint8Array(stream.subarray(at, (at += size))).buffer)
      splitter.push(chunk)
      drain(splitter)
      return new WeakRef(chunk)
    })
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    assert.deepEqual(
      chunks.map((chunk) => chunk.deref()),
      cuts.map(() => undefined),
      `${cuts.join(', ')}`,
    )
    assert.equal(splitter.bytes.length, 0)
  }
})

test('an idle splitter holds no chunk', () => {
  const splitter = new FrameSplitter(framing)
  splitter.push(Buffer.alloc(0))
  assert.equal(splitter.next(), false)
  splitter.push(frame(3))
  assert.equal(splitter.next(), true)
  assert.equal(splitter.next(), false)
  assert.equal(splitter.next(), false)
})

test('any cutting of a stream gives the same frames', () => {
  const sizes = fc.array(fc.integer({ min: 2, max: 40 }), { minLength: 1, maxLength: 12 })
  const cuts = fc.array(fc.nat(200), { maxLength: 12 })
  fc.assert(
    fc.property(sizes, cuts, (lengths, places) => {
      const frames = lengths.map((size, index) => frame(size, index + 1))
      const stream = Buffer.concat(frames)
      const marks = [0, ...places.filter((at) => at < stream.length).sort((a, b) => a - b), stream.length]
      const splitter = new FrameSplitter(framing)
      const found: Buffer[] = []
      for (let index = 1; index < marks.length; index++) {
        splitter.push(stream.subarray(marks[index - 1], marks[index]))
        found.push(...drain(splitter))
      }
      assert.deepEqual(found, frames)
      assert.equal(splitter.midFrame, false)
    }),
    { seed: 1, numRuns: 300 },
  )
})
