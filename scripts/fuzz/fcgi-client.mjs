// The target of the fuzzer that is the client's end of FastCGI: whole connections with their requests, over streams in
// memory, whose callers pause, resume, abort and write bodies at random. Every request comes to exactly one end, with a code,
// and nothing stays on a connection that has gone.
import assert from 'node:assert/strict'
import { FcgiMux, resolveMuxOptions } from '../../dist/fcgi/client/mux.js'
import { FcgiError } from '../../dist/fcgi/index.js'
import { MemorySocket } from '../../dist/net/memory-socket.js'
import { Cutter, RecordWriter } from './records.mjs'

/** Records between two looks at the event loop. */
const batch = 8
const rest = () => new Promise((resolve) => setImmediate(resolve))

/** What the fuzzer feeds: see scripts/fuzz.mjs. */
export const createGrammar = (random) => new RecordWriter(random, 'application')

export function createTarget(random, _, grammar) {
  const counts = new Map()
  const cutter = new Cutter(random)
  const plain = resolveMuxOptions({ responseTimeout: 0, maxHeadSize: 2000, maxHeaders: 20 })
  const multiplexed = resolveMuxOptions({
    responseTimeout: 0,
    getValues: true,
    multiplex: true,
    maxRequests: 4,
  })
  const running = new Set()
  let peer
  let mux
  let sent = 0
  let accepted = 0

  const count = (what) => counts.set(what, (counts.get(what) ?? 0) + 1)

  function connect() {
    const [ours, theirs] = [new MemorySocket(true), new MemorySocket(true)]
    MemorySocket.join(ours, theirs)
    theirs.on('error', () => {}).on('end', () => theirs.end())
    theirs.resume()
    cutter.forget()
    grammar.id = -1
    peer = theirs
    mux = new FcgiMux(ours, 'fuzz', random.once(3) ? multiplexed : plain, { released() {}, closed() {} })
  }

  function start() {
    const method = random.pick(['GET', 'HEAD', 'POST'])
    const params = [['REQUEST_METHOD', method]]
    const state = { heads: 0, over: false, exchange: undefined }
    const over = (what) => {
      assert.equal(state.over, false, 'a request has one end')
      state.over = true
      running.delete(state)
      count(what)
    }
    running.add(state)
    grammar.id += 2
    state.exchange = mux.start(
      { params, ...(method === 'POST' ? { hasBody: true } : {}) },
      {
        onHead: ({ status }) => {
          assert.ok(status >= 200 && status <= 999)
          assert.equal(++state.heads, 1)
        },
        onBody: (chunk) => {
          assert.ok(state.heads === 1 && chunk.length > 0)
          return !random.once(10)
        },
        onBodyEnd: () => assert.equal(state.over, false),
        onEnd: () => {
          accepted++
          over('ended')
        },
        onError: (error) => {
          assert.ok(error instanceof FcgiError && /^ERR_FCGI_[A-Z_]+$/.test(error.code), String(error))
          over(error.code)
        },
      },
    )
    if (method === 'POST') state.exchange.write(Buffer.alloc(random.below(200)))
    if (random.once(20)) abort(state)
    else if (method === 'POST' && !random.once(5)) state.exchange.end()
  }

  function abort(state) {
    if (state.over) return
    state.over = true
    running.delete(state)
    count('aborted')
    state.exchange.abort()
  }

  return {
    async run(bytes) {
      if (mux === undefined || peer.destroyed || !peer.writable || random.once(5000)) {
        mux?.destroy()
        assert.equal(running.size, 0, 'a connection takes its requests with it')
        connect()
      }
      if (mux.room > 0 && (mux.active === 0 || random.once(3))) start()
      for (const piece of cutter.cut(bytes)) if (!peer.destroyed && peer.writable) peer.write(piece)
      for (const state of running) if (random.once(4)) state.exchange.resume()
      if (random.once(300)) for (const state of running) if (random.once(2)) abort(state)
      if (random.once(6000)) peer.destroy()
      else if (random.once(5999)) peer.end()
      if (++sent % batch === 0) {
        await rest()
        await rest()
      }
    },
    report: () => ({ accepted, codes: Object.fromEntries([...counts].sort((a, b) => b[1] - a[1])) }),
    async close() {
      mux?.destroy()
      await rest()
      assert.equal(running.size, 0, 'nothing stays in flight')
      assert.equal(mux?.active ?? 0, 0)
    },
  }
}
