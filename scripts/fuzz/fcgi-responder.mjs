// The target of the fuzzer that is the application's end of FastCGI: whole connections over streams in memory, with handlers
// that answer, wait, read, fail, write much or never settle. What it sends must be records; no request and no connection stays.
import assert from 'node:assert/strict'
import { Deadlines } from '../../dist/base/deadlines.js'
import { ResponderConnection } from '../../dist/fcgi/responder/connection.js'
import { resolveResponderOptions } from '../../dist/fcgi/responder/options.js'
import { RecordReader } from '../../dist/fcgi/index.js'
import { MemorySocket } from '../../dist/net/memory-socket.js'
import { Cutter, RecordWriter } from './records.mjs'

/** Records between two looks at the event loop. */
const batch = 8
const rest = () => new Promise((resolve) => setImmediate(resolve))

/** What the fuzzer feeds: see scripts/fuzz.mjs. */
export const createGrammar = (random) => new RecordWriter(random, 'gateway')

/** Handlers of every temper. */
function handler(random) {
  return async ({ params, stdin, signal }) => {
    assert.ok(params instanceof Map)
    switch (random.below(8)) {
      case 0:
        throw new Error('on purpose')
      case 1:
        await rest()
        return { status: 404 }
      case 2: {
        let size = 0
        try {
          for await (const chunk of stdin) size += chunk.length
        } catch {
          assert.ok(signal.aborted || stdin.destroyed)
        }
        return { body: String(size) }
      }
      case 3:
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)))
      case 4:
        return { headers: { A: 'b' }, body: 'x'.repeat(random.below(9000)) }
      default:
        return { body: 'fine' }
    }
  }
}

export function createTarget(random, _, grammar) {
  const counts = new Map()
  const cutter = new Cutter(random)
  const count = (what) => counts.set(what, (counts.get(what) ?? 0) + 1)
  let active = 0
  let admitted = 0
  const connections = new Set()
  const host = {
    options: resolveResponderOptions({
      onRequest: handler(random),
      roles: ['responder', 'authorizer', 'filter'],
      maxParamsSize: 2000,
      maxParams: 20,
      maxRequestsPerConnection: 5,
      stdinBufferSize: 4096,
      paramsTimeout: 0,
      stdinTimeout: 0,
    }),
    deadlines: new Deadlines((request) => request.expire(), false),
    admit() {
      if (active >= 50) return false
      active++
      admitted++
      return true
    },
    release: () => active--,
    closed: (connection) => connections.delete(connection),
  }
  let peer
  let connection
  let failure
  let sent = 0

  /** What comes back is records, and each of a type that applications send. */
  function receive(reader, chunk) {
    try {
      reader.push(chunk)
      while (reader.next()) {
        assert.ok([3, 6, 7, 10, 11].includes(reader.type), `a record of type ${reader.type}`)
        if (reader.type === 3) count(`END_REQUEST ${reader.content()[4]}`)
      }
    } catch (error) {
      failure ??= error
    }
  }

  function connect() {
    const [ours, theirs] = [new MemorySocket(true), new MemorySocket(true)]
    MemorySocket.join(ours, theirs)
    const reader = new RecordReader()
    ours.on('data', (chunk) => receive(reader, chunk))
    ours.on('error', () => {}).on('end', () => ours.end())
    cutter.forget()
    grammar.restart()
    peer = ours
    connection = new ResponderConnection(theirs, host)
    connections.add(connection)
  }

  return {
    async run(bytes) {
      if (peer === undefined || peer.destroyed || !peer.writable || random.once(2000)) {
        connection?.destroy()
        connect()
        count('connections')
      }
      for (const piece of cutter.cut(bytes)) if (!peer.destroyed && peer.writable) peer.write(piece)
      if (random.once(6000)) peer.destroy()
      else if (random.once(5999)) peer.end()
      if (++sent % batch === 0) {
        await rest()
        await rest()
      }
      if (failure !== undefined) throw failure
    },
    report: () => ({
      accepted: admitted,
      codes: Object.fromEntries([...counts].sort((a, b) => b[1] - a[1])),
    }),
    async close() {
      for (const each of connections) each.destroy()
      for (let turns = 0; turns < 10; turns++) await rest()
      assert.equal(connections.size, 0, 'no connection stays')
      assert.equal(active, 0, 'no request stays')
      host.deadlines.clear()
    },
  }
}
