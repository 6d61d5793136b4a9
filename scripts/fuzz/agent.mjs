// The target of the fuzzer that is a whole agent, over streams in memory: connection, dispatcher, handlers of every
// temper. What it sends must be frames; every connection ends by itself or goes on; nothing stays in flight.
import assert from 'node:assert/strict'
import { createAgent } from '../../dist/agent/index.js'
import { decodeFrame, encodeHaproxyHello, FrameSplitter, SpopFraming, Writer } from '../../dist/spop/index.js'
import { createSocketPair } from '../../dist/testing/index.js'

const codes = /^ERR_(SPOP|AGENT)_[A-Z_]+$/
/** Frames between two looks at the event loop. */
const batch = 4

function helloBytes() {
  const writer = new Writer()
  encodeHaproxyHello(writer, {
    type: 'haproxy-hello',
    supportedVersions: '2.0',
    maxFrameSize: 16_380,
    capabilities: 'pipelining,async',
    healthcheck: false,
    engineId: 'fuzz',
  })
  return Buffer.from(writer.view())
}

/** Handlers that answer, wait, fail, reject, never settle, answer late, or set more than fits. */
function handler(random) {
  return (message, actions, { signal }) => {
    actions.setVar('txn', 'n', message.args.length)
    switch (random.below(12)) {
      case 0:
        throw new Error('on purpose')
      case 1:
        return Promise.reject(new Error('on purpose'))
      case 2:
        return new Promise(() => {})
      case 3:
        return new Promise((resolve) => setImmediate(resolve)).then(() => actions.setVar('req', 'late', true))
      case 4:
        for (let index = 0; index < 5; index++)
          actions.setVar('res', `v${index}`, 'x'.repeat(random.below(9000)))
        return undefined
      case 5:
        setImmediate(() => actions.unsetVar('sess', 'too_late'))
        return undefined
      case 6:
        assert.equal(signal.aborted, false)
        return Promise.resolve()
      default:
        return undefined
    }
  }
}

export function createTarget(random) {
  const agent = createAgent({
    deadline: 20,
    closeDelay: 0,
    maxPayloadSize: 100_000,
    async: random.once(2),
    fallback: (actions, reason) => void actions.setVar('txn', 'fallback', reason),
  })
  agent.otherwise(handler(random))
  const hello = helloBytes()
  let peer
  let sent = 0
  let failure

  function receive(splitter, chunk) {
    try {
      splitter.push(chunk)
      while (splitter.next()) {
        const frame = decodeFrame(Buffer.from(splitter.bytes.subarray(splitter.start, splitter.end)))
        // The agent listens no more: the next frames have a connection of their own.
        if (frame.type === 'agent-disconnect') peer?.destroy()
      }
    } catch (error) {
      failure ??= error
    }
  }

  function connect() {
    const [ours, theirs] = createSocketPair()
    const splitter = new FrameSplitter(new SpopFraming(16_380))
    ours.on('data', (chunk) => receive(splitter, chunk))
    ours.on('error', () => {})
    ours.on('end', () => ours.end())
    agent.accept(theirs)
    if (!random.once(10)) ours.write(hello)
    return ours
  }

  const rest = () => new Promise((resolve) => setImmediate(resolve))

  return {
    async run(bytes) {
      // Most frames of the other kinds end the connection; there would be little left for the handlers.
      if (![0, 3].includes(bytes[4] ?? 0) && !random.once(10)) return
      if (peer === undefined || peer.destroyed || peer.readableEnded || peer.writableEnded) peer = connect()
      const cut = random.once(3) ? random.below(bytes.length + 1) : 0
      if (cut > 0) peer.write(bytes.subarray(0, cut))
      peer.write(bytes.subarray(cut))
      const fate = random.below(200)
      if (fate === 0) peer.destroy()
      else if (fate === 1) peer.end()
      if (++sent % batch === 0) {
        await rest()
        await rest()
      }
      if (failure !== undefined) throw failure
    },
    report() {
      const { frames, errors } = agent.stats
      for (const code of Object.keys(errors)) assert.match(code, codes)
      return { accepted: frames.received, codes: errors }
    },
    async close() {
      peer?.destroy()
      await agent.close()
      assert.equal(agent.stats.inFlight, 0, 'nothing stays in flight')
      assert.equal(agent.stats.connections.active, 0, 'no connection stays')
    },
  }
}
