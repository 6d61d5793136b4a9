// The target of the fuzzer that needs no socket: splitter, decoder, encoder, handshake and fragments, as a connection
// would use them.
import assert from 'node:assert/strict'
import {
  acceptAgentHello,
  acceptHaproxyHello,
  createReader,
  decodeActions,
  decodeFrame,
  decodeMessages,
  decodeTypedData,
  encodeFrame,
  FragmentAssembler,
  FrameSplitter,
  SpopError,
  SpopFraming,
  Writer,
} from '../../dist/spop/index.js'

const maxFrameSize = 16_380
const maxPayloadSize = 100_000
const offer = { maxFrameSize, capabilities: ['pipelining', 'async', 'fragmentation'] }
const codes = /^ERR_SPOP_[A-Z_]+$/

export function createTarget(random) {
  const counts = new Map()
  const writer = new Writer()
  let splitter = new FrameSplitter(new SpopFraming(maxFrameSize))
  let assembler = new FragmentAssembler(maxPayloadSize)
  let accepted = 0

  const count = (code) => counts.set(code, (counts.get(code) ?? 0) + 1)

  /** What was decoded is written and decoded again: the second time gives the same bytes. */
  function roundTrip(frame) {
    writer.reset()
    try {
      encodeFrame(writer, frame)
    } catch (error) {
      // Integers that do not fit their type can be received and not sent.
      if (error instanceof SpopError && error.code === 'ERR_SPOP_VALUE') return
      throw error
    }
    const once = Buffer.from(writer.view())
    writer.reset()
    encodeFrame(writer, decodeFrame(once))
    assert.deepEqual(writer.view(), once, 'a frame that is written twice is the same')
  }

  function handle(bytes) {
    const frame = decodeFrame(bytes)
    accepted++
    if (random.once(16)) roundTrip(frame)
    if (frame.type === 'haproxy-hello') acceptHaproxyHello(frame, offer)
    else if (frame.type === 'agent-hello') acceptAgentHello(frame, offer)
    else if (frame.type === 'notify' && frame.fragment !== undefined) fragment(frame)
    else if (frame.type === 'unset') {
      const outcome = assembler.append(frame)
      if (typeof outcome !== 'string') decodeMessages(createReader(outcome))
    }
    if (random.once(500)) assembler.giveUp()
  }

  function fragment(frame) {
    if (!frame.fin) assembler.begin(frame.streamId, frame.frameId, frame.fragment)
  }

  function expectCoded(run) {
    try {
      run()
    } catch (error) {
      if (!(error instanceof SpopError) || !codes.test(error.code) || error.fault !== 'peer') throw error
      count(error.code)
      return false
    }
    return true
  }

  /** As a connection reads: in chunks cut anywhere; an error ends it, and the next frames have a new one. */
  function stream(bytes) {
    let at = 0
    while (at < bytes.length) {
      const end = random.once(2) ? bytes.length : at + 1 + random.below(bytes.length - at)
      const chunk = bytes.subarray(at, end)
      at = end
      const alive = expectCoded(() => {
        splitter.push(chunk)
        while (splitter.next()) {
          assert.ok(splitter.end - splitter.start <= maxFrameSize + 4)
          handle(splitter.bytes.subarray(splitter.start, splitter.end))
        }
      })
      if (!alive) {
        splitter = new FrameSplitter(new SpopFraming(maxFrameSize))
        assembler = new FragmentAssembler(maxPayloadSize)
        return
      }
    }
  }

  /** The parts that a frame is made of, on bytes that are not framed at all. */
  function parts(bytes) {
    expectCoded(() => {
      const reader = createReader(bytes)
      while (reader.remaining > 0) decodeTypedData(reader)
    })
    expectCoded(() => decodeMessages(createReader(bytes)))
    decodeActions(createReader(bytes), (error) => count(error.code))
  }

  return {
    /** Takes the bytes of one frame, right or wrong. */
    run(bytes) {
      if (random.once(8)) parts(bytes.subarray(Math.min(4, bytes.length)))
      else if (random.once(2)) expectCoded(() => handle(bytes))
      else stream(bytes)
      assert.ok(assembler.size <= maxPayloadSize)
    },
    /** What happened so far. */
    report: () => ({ accepted, codes: Object.fromEntries([...counts].sort((a, b) => b[1] - a[1])) }),
    close() {},
  }
}
