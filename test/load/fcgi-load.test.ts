/** A load on FastCGI applications: bytes by hand from the specification at the other end, and php-fpm. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { createFcgiLoad, type FcgiLoadOptions } from '#src/load/fcgi-load.js'
import { noFaults } from '#src/load/load.js'
import type { LoadResult } from '#src/load/result.js'
import { openPlan, planOf, runUntil } from './run.ts'

interface Cleanup {
  after(hook: () => void | Promise<void>): void
}

/** A record as it came. */
interface RawRecord {
  readonly type: number
  readonly id: number
  readonly content: Buffer
}

/** A record, written by hand (FastCGI 1.0, section 3.3). */
function record(type: number, id: number, content: Buffer | string = ''): Buffer {
  const body = Buffer.from(content)
  return Buffer.concat([
    Buffer.of(1, type, id >> 8, id & 255, body.length >> 8, body.length & 255, 0, 0),
    body,
  ])
}

const end = (id: number, status = 0, app = 0) => record(3, id, Buffer.of(0, 0, 0, app, status, 0, 0, 0))
const response = (id: number, head = 'Content-Type: text/plain\r\n\r\nhello') =>
  Buffer.concat([record(6, id, head), record(6, id), end(id)])

/** What an application does with a whole request: the empty STDIN has come. */
type Deed = (socket: Socket, request: { id: number; records: RawRecord[]; count: number }) => void

/** An application that is a few lines: it cuts records, and leaves the rest to `deed`. */
async function startApplication(
  t: Cleanup,
  deed: Deed,
): Promise<{ port: number; sockets: Socket[]; aborts: number }> {
  const state = { port: 0, sockets: [] as Socket[], aborts: 0 }
  let count = 0
  const server = createServer((socket) => {
    state.sockets.push(socket)
    let rest = Buffer.alloc(0)
    const requests = new Map<number, RawRecord[]>()
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 8 && rest.length >= 8 + rest.readUInt16BE(4) + (rest[6] ?? 0)) {
        const size = rest.readUInt16BE(4)
        const each = { type: rest[1] ?? 0, id: rest.readUInt16BE(2), content: rest.subarray(8, 8 + size) }
        rest = rest.subarray(8 + size + (rest[6] ?? 0))
        if (each.type === 2) state.aborts++
        const records = requests.get(each.id) ?? []
        requests.set(each.id, records)
        records.push(each)
        if (each.type !== 5 || size > 0) continue
        requests.delete(each.id)
        deed(socket, { id: each.id, records, count: ++count })
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of state.sockets) socket.destroy()
    server.close()
  })
  state.port = (server.address() as AddressInfo).port
  return state
}

function run(port: number, more: Partial<FcgiLoadOptions>, until?: () => boolean): Promise<LoadResult> {
  const options = {
    name: 'test',
    target: { endpoint: { type: 'tcp', host: '127.0.0.1', port }, tls: undefined, connectTimeout: 5000 },
    request: { params: [['SCRIPT_FILENAME', '/a.php']], body: '' },
    inFlight: 1,
    expectedStatus: undefined,
    faults: noFaults,
    seed: 1,
    told: {},
    ...more,
  } as const
  return runUntil((plan) => createFcgiLoad({ ...options, plan }), more.plan ?? planOf(), until)
}

/** Name-value pairs with lengths below 128 (section 3.4). */
function pairsOf(bytes: Buffer): Record<string, string> {
  const found: Record<string, string> = {}
  for (let at = 0; at < bytes.length;) {
    const [name = 0, value = 0] = bytes.subarray(at, at + 2)
    const start = at + 2
    found[bytes.toString('utf8', start, start + name)] = bytes.toString(
      'utf8',
      start + name,
      start + name + value,
    )
    at = start + name + value
  }
  return found
}

// Most of the time is waited.
describe('a load on FastCGI', { concurrency: 6 }, () => {
  test('requests are those of the specification, with what is filled in, on a connection that stays', async (t) => {
    const seen: RawRecord[][] = []
    const application = await startApplication(t, (socket, { id, records }) => {
      seen.push(records)
      socket.write(response(id))
    })
    const request = { params: [['REQUEST_URI', '/item/{seq}']] as const, body: 'number={seq}' }
    const result = await run(application.port, { request }, () => seen.length > 20)
    assert.equal(application.sockets.length, 1)
    assert.equal(result.counts.answers, seen.length)
    assert.equal(result.errors, 0)
    for (const [at, records] of seen.entries()) {
      const body = `number=${at}`
      assert.deepEqual(
        records.map(({ type }) => type),
        [1, 4, 4, 5, 5],
      )
      // Responder, keep the connection.
      assert.equal(records[0]?.content.toString('hex'), '0001010000000000')
      assert.deepEqual(pairsOf(records[1]?.content ?? Buffer.alloc(0)), {
        REQUEST_URI: `/item/${at}`,
        CONTENT_LENGTH: String(body.length),
      })
      assert.equal(records[3]?.content.toString(), body)
    }
  })

  test('requests that are alike have the id of their place, several at a time on one connection', async (t) => {
    const ids = new Set<number>()
    let answers = 0
    const application = await startApplication(t, (socket, { id, records }) => {
      ids.add(id)
      assert.ok(records.every((each) => each.id === id))
      answers++
      setTimeout(() => socket.write(response(id)), 2)
    })
    const result = await run(application.port, { inFlight: 5 }, () => answers > 50)
    assert.deepEqual(
      [...ids].sort((a, b) => a - b),
      [1, 2, 3, 4, 5],
    )
    assert.equal(result.counts.answers, answers)
    assert.ok(result.service.min >= 0.9)
  })

  const ends: readonly (readonly [
    name: string,
    deed: (socket: Socket, id: number) => void,
    label: string,
    words: RegExp,
  ])[] = [
    [
      'a status of 503',
      (socket, id) => socket.write(response(id, 'Status: 503 Busy\r\n\r\n')),
      '503',
      /own status/,
    ],
    ['no response', (socket, id) => socket.write(end(id)), '502', /without a response/],
    ['a connection that is closed', (socket) => socket.end(), '502', /closed the connection/],
    [
      'a response without its end',
      (socket, id) => socket.end(record(6, id, 'a: b\r\n\r\n')),
      '502',
      /closed the connection/,
    ],
    ['OVERLOADED', (socket, id) => socket.write(end(id, 2)), '502', /OVERLOADED/],
    ['CANT_MPX_CONN', (socket, id) => socket.write(end(id, 1)), '502', /--inflight 1/],
    [
      'an exit code',
      (socket, id) => socket.write(Buffer.concat([record(6, id, 'a: b\n\n'), end(id, 0, 7)])),
      'app',
      /appStatus/,
    ],
    ['no records', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), '502', /no records/],
  ]

  for (const [name, deed, label, words] of ends) {
    test(`${name} is an error of its own, and the next request is sent`, async (t) => {
      let good = 0
      const application = await startApplication(t, (socket, { id, count }) => {
        if (count === 3) return deed(socket, id)
        good++
        socket.write(response(id))
      })
      const result = await run(application.port, {}, () => good > 6)
      assert.deepEqual(
        result.failures.map((each) => [each.label, each.count]),
        [[label, 1]],
      )
      assert.match(result.failures[0]?.words ?? '', words)
      assert.equal(result.counts.answers, good)
    })
  }

  test('what is expected of the status decides, also about 404 and 503', async (t) => {
    const application = await startApplication(t, (socket, { id, count }) => {
      socket.write(
        response(id, count % 2 === 0 ? 'Status: 404 Not Found\r\n\r\n' : 'Status: 503 Busy\r\n\r\n'),
      )
    })
    const plan = openPlan(100, 200)
    const result = await run(application.port, { inFlight: 4, plan, expectedStatus: 404 })
    assert.deepEqual([result.counts.answers, result.counts.wrong, result.failures.length], [20, 10, 0])
    assert.equal(result.firstWrong, 'status=404: it is 503')
  })

  test('a request that takes too long ends its connection, or is aborted where several share one', async (t) => {
    let answered = 0
    const slow = await startApplication(t, (socket, { id, count }) => {
      if (count === 3) return
      answered++
      socket.write(response(id))
    })
    const one = await run(slow.port, { plan: planOf({ timeout: 100 }) }, () => answered > 8)
    // A machine that stands still may make others take too long.
    const [failure] = one.failures
    assert.deepEqual([one.failures.length, failure?.label], [1, '504'])
    assert.equal(slow.sockets.length, (failure?.count ?? 0) + 1)
    let others = 0
    const shared = await startApplication(t, (socket, { id, count }) => {
      if (count === 3) setTimeout(() => socket.write(response(id)), 400)
      else {
        others++
        setTimeout(() => socket.write(response(id)), 5)
      }
    })
    const several = await run(
      shared.port,
      { inFlight: 3, plan: planOf({ timeout: 200 }) },
      () => others > 30 && shared.aborts > 0,
    )
    assert.ok(shared.aborts >= 1)
    assert.equal(shared.sockets.length, 1)
    assert.equal(several.counts.late, shared.aborts)
  })
})
