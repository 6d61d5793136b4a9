/** The small parts, by themselves. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { createProxy, loadProxy, phases, phasesOf } from 'sluice/proxy'
import { BodyDecoder, Framing, HeaderList, parseConnection } from '#src/http1/index.js'
import { lookAt } from '#src/base/lent.js'
import { openPlan } from '#src/proxy/plan/sealed.js'
import { Deadline } from '#src/base/deadline.js'
import { errorPage, rawErrorPage } from '#src/proxy/stream/error-page.js'
import { ErrorRate } from '#src/proxy/filters/spoe/error-rate.js'
import { encodeSample, fromSpop } from '#src/proxy/filters/spoe/values.js'
import { cleanConnection, fixFraming } from '#src/proxy/wire/hop-by-hop.js'
import { frame, gather } from '#src/proxy/wire/outgoing.js'
import { haproxyReason } from '#src/proxy/wire/reason.js'
import { bin, bool, meth, sint, str, addr } from '#src/sample/value.js'
import { createReader, decodeTypedData, Writer } from '#src/spop/index.js'
import type { SampleValue } from '#src/sample/value.js'
import type { TypedData } from '#src/spop/index.js'
import { ask, defaults, folder } from './support.js'

describe('Deadline', () => {
  it('is missed once, unless it is moved or given up', async () => {
    let missed = 0
    const deadline = new Deadline(() => missed++)
    deadline.arm(20)
    deadline.arm(60)
    await sleep(40)
    assert.equal(missed, 0)
    assert.equal(deadline.armed, true)
    await sleep(60)
    assert.equal(missed, 1)
    assert.equal(deadline.armed, false)
    deadline.arm(20)
    deadline.disarm()
    await sleep(40)
    deadline.arm(20)
    deadline.stop()
    await sleep(40)
    assert.equal(missed, 1)
  })

  it('may come sooner than it was, and never', async () => {
    let missed = 0
    const deadline = new Deadline(() => missed++)
    deadline.arm(10_000)
    deadline.arm(10)
    await sleep(40)
    assert.equal(missed, 1)
    deadline.arm(undefined)
    deadline.arm(2 ** 40)
    assert.equal(deadline.armed, false)
    deadline.stop()
  })
})

describe('gather', () => {
  const pieces = [Buffer.from('abc'), Buffer.from('de')]
  const gathered = (...args: Parameters<typeof frame>): Buffer | undefined => {
    const bytes = gather(frame(...args))
    return bytes === undefined ? undefined : lookAt(bytes)
  }

  it('puts head, pieces and the end of a body into one buffer', () => {
    assert.equal(gathered('H\r\n', pieces, false, false)?.toString(), 'H\r\nabcde')
    assert.equal(gathered('H\r\n', pieces, true, false)?.toString(), 'H\r\n5\r\nabcde\r\n')
    assert.equal(gathered('', [], true, true)?.toString(), '0\r\n\r\n')
    const trailers = HeaderList.from([['T', '1']])
    assert.equal(gathered('', pieces, true, true, trailers)?.toString(), '5\r\nabcde\r\n0\r\nt: 1\r\n\r\n')
    assert.equal(gathered('', [], false, true), undefined)
    assert.equal(gathered('', [pieces[0] as Buffer], false, true), pieces[0])
  })

  it('makes chunks that the decoder reads back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 3 }), { maxLength: 5 }),
        (turns) => {
          const parts = turns.map((turn) =>
            gathered(
              '',
              turn.map((each) => Buffer.from(each)),
              true,
              false,
            ),
          )
          const whole = Buffer.concat(
            [...parts, gathered('', [], true, true)].filter((each) => each !== undefined),
          )
          const decoder = new BodyDecoder()
          decoder.reset(Framing.Chunked)
          decoder.push(whole)
          const read: Buffer[] = []
          for (let piece = decoder.next(); piece !== undefined; piece = decoder.next()) read.push(piece)
          assert.ok(decoder.done)
          assert.deepEqual(Buffer.concat(read), Buffer.concat(turns.flat().map((each) => Buffer.from(each))))
        },
      ),
    )
  })
})

describe('headers of one hop', () => {
  it('lose what was said to us', () => {
    const fields: [string, string][] = [
      ['Connection', 'close, X-A, Host'],
      ['A', 'b'],
      ['x-a', 'for us alone'],
      ['host', 'a'],
      ['connection', 'Keep-Alive'],
      ['connection', 'Upgrade , te'],
      ['TE', 'trailers'],
    ]
    const read = (...options: string[]): string[] => {
      const headers = HeaderList.from(fields)
      cleanConnection(headers, parseConnection(options.join(',')))
      return [...headers].map((each) => each.join(':'))
    }
    assert.deepEqual(read('close', 'X-A', 'upgrade'), ['A:b', 'host:a', 'TE:trailers', 'connection:Upgrade'])
    assert.deepEqual(read('close'), ['A:b', 'x-a:for us alone', 'host:a', 'TE:trailers'])
  })

  it('say how the body is sent', () => {
    const framed = (framing: Framing, ...pairs: [string, string][]): string[] => {
      const headers = HeaderList.from(pairs)
      fixFraming(headers, framing)
      return [...headers].map((each) => each.join(':'))
    }
    assert.deepEqual(framed(0), [])
    assert.deepEqual(framed(0, ['Content-Length', '0']), ['Content-Length:0'])
    assert.deepEqual(framed(0, ['Content-Length', '5']), ['content-length:0'])
    assert.deepEqual(framed(0, ['Transfer-Encoding', 'chunked']), [])
    assert.deepEqual(framed(5), ['content-length:5'])
    assert.deepEqual(framed(5, ['Content-Length', '5'], ['Content-Length', '6']), ['content-length:5'])
    assert.deepEqual(framed(5, ['Content-Length', '005']), ['Content-Length:005'])
    assert.deepEqual(framed(5, ['Content-Length', 'x'], ['A', 'b']), ['A:b', 'content-length:5'])
    assert.deepEqual(framed(Framing.Chunked, ['Content-Length', '5']), ['transfer-encoding:chunked'])
    assert.deepEqual(framed(Framing.Chunked, ['Transfer-Encoding', 'gzip']), ['transfer-encoding:chunked'])
    assert.deepEqual(framed(Framing.UntilClose, ['Content-Length', '5'], ['Transfer-Encoding', 'x']), [])
  })
})

describe('samples and SPOP', () => {
  const sent = (sample: SampleValue | undefined): TypedData => {
    const writer = new Writer()
    encodeSample(writer, sample)
    return decodeTypedData(createReader(Buffer.from(writer.view())))
  }

  it('become each other', () => {
    const samples = [
      bool(true),
      bool(false),
      sint(-5),
      sint(9_007_199_254_740_993n),
      addr(Uint8Array.of(192, 0, 2, 1)),
      addr(new Uint8Array(16).fill(1)),
      str('\xe9\0'),
      str('\xe9'.repeat(300)),
      bin(Buffer.from([1, 2])),
    ]
    for (const sample of samples) assert.deepEqual(fromSpop(sent(sample)), sample)
    assert.deepEqual(fromSpop(sent(meth('GET'))), str('GET'))
    assert.deepEqual(sent(undefined), { type: 'null' })
    assert.equal(fromSpop({ type: 'null' }), undefined)
    assert.deepEqual(fromSpop({ type: 'uint64', value: 2n ** 64n - 1n }), sint(-1))
  })
})

describe('ErrorRate', () => {
  it('counts within a second that slides', () => {
    const rate = new ErrorRate(2)
    assert.equal(rate.exceeded(1000), false)
    rate.count(1000)
    rate.count(1500)
    assert.equal(rate.exceeded(1900), true)
    // Half of the second before counts.
    assert.equal(rate.exceeded(2500), false)
    rate.count(2500)
    assert.equal(rate.exceeded(2500), true)
    assert.equal(rate.exceeded(9000), false)
  })
})

describe('words of HAProxy', () => {
  it('are those of its pages', () => {
    assert.equal(rawErrorPage(408).toString().split('\r\n')[0], 'HTTP/1.1 408 Request Time-out')
    assert.match(rawErrorPage(422).toString(), /no-cache\r\nContent-Type/)
    assert.match(errorPage(407).body.toString(), /<h1>407 Unauthorized/)
    assert.equal(errorPage(599).body.length, 0)
  })

  it('are those of its statuses', () => {
    assert.deepEqual([200, 302, 504, 299, 399, 499, 418, 599].map(haproxyReason), [
      'OK',
      'Moved Temporarily',
      'Gateway Time-out',
      'Success',
      'Redirection',
      'client has closed connection',
      "I'm a teapot",
      'Server Error',
    ])
  })
})

describe('phases', () => {
  it('fire each event once, in the order of SPOE.txt', () => {
    const { frontend, backend, server, response } = phasesOf.http
    const events = [...frontend, ...backend, ...server, ...response].map((each) => each.event)
    assert.deepEqual(
      events.filter((each) => each !== undefined),
      [
        'on-client-session',
        'on-frontend-tcp-request',
        'on-frontend-http-request',
        'on-backend-tcp-request',
        'on-backend-http-request',
        'on-server-session',
        'on-tcp-response',
        'on-http-response',
      ],
    )
    assert.equal(new Set(Object.values(phases).map((each) => each.name)).size, Object.keys(phases).length)
  })
})

describe('a fault of ours', () => {
  it('costs one stream', async (t) => {
    const dir = folder(t, {
      'haproxy.cfg': `${defaults}\nfrontend fe\n  bind ${'127.0.0.1:65535'}\n  http-request return status 200 if { path /good }\n  http-request deny\n`,
    })
    const { plan } = loadProxy({ files: ['haproxy.cfg'], cwd: dir })
    assert.ok(plan)
    const [frontend] = openPlan(plan).proxies
    assert.ok(frontend)
    const endpoints = frontend.model.binds[0]?.endpoints as { type: 'tcp'; host: string; port: number }[]
    endpoints[0] = { type: 'tcp', host: '127.0.0.1', port: 0 }
    const rules = frontend.rules.httpRequest as unknown as { action: { type: string; run: () => never } }[]
    rules[1] = {
      ...rules[1],
      action: {
        type: 'deny',
        run() {
          throw new Error('a bug')
        },
      },
    }
    const errors: string[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (fields: object, message: string) =>
        void errors.push(`${message}: ${String((fields as { err?: unknown }).err)}`),
    }
    const proxy = createProxy(plan, { logger, stderr: () => {} })
    t.after(() => proxy.destroy())
    await proxy.start()
    const endpoint = proxy.addresses.get('fe')?.[0]
    const port = endpoint?.type === 'tcp' ? endpoint.port : 0
    assert.match(await ask(t, port, 'GET /bad'), /^HTTP\/1\.1 500 Internal Server Error\r\n/)
    assert.deepEqual(errors, ['a stream failed: Error: a bug'])
    assert.match(await ask(t, port, 'GET /good'), /^HTTP\/1\.1 200 /)
  })
})
