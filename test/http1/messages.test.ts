import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Http1Error } from '#src/http1/index.js'
import { byteByByte, bytes, read } from './support.js'
import type { Outcome } from './support.js'
import { badRequests, badResponses, goodRequests, goodResponses } from './vectors.js'
import type { Bad, Good } from './vectors.js'

function expected(vector: Good, leftover: string): Outcome {
  return {
    start: [...vector.message.start],
    headers: vector.message.headers.map(([name, value]) => [name, value]),
    body: vector.message.body ?? '',
    trailers: vector.message.trailers?.map(([name, value]) => [name, value]),
    leftover,
  }
}

function suite(title: string, good: readonly Good[], bad: readonly Bad[], method?: string): void {
  describe(title, () => {
    for (const vector of good) {
      const whole = bytes(vector.raw)
      const asked = method === undefined ? undefined : (vector.method ?? method)
      it(`reads ${vector.name}`, () => {
        assert.deepEqual(read([whole], asked), expected(vector, ''))
      })
      it(`reads ${vector.name}: cut anywhere, byte by byte, followed by more`, () => {
        for (let at = 1; at < whole.length; at++) {
          const cut = read([whole.subarray(0, at), whole.subarray(at)], asked)
          assert.deepEqual(cut, expected(vector, ''), `cut at ${at}`)
        }
        assert.deepEqual(read(byteByByte(whole), asked), expected(vector, ''))
        const more = read([bytes(`${vector.raw}${vector.raw}\0`)], asked)
        assert.deepEqual(more, expected(vector, `${vector.raw}\0`))
      })
      it(`waits for the rest of ${vector.name}, wherever it is cut off`, () => {
        for (let at = 0; at < whole.length; at++) {
          assert.equal(read([whole.subarray(0, at)], asked), undefined, `ends at ${at}`)
        }
      })
    }
    for (const vector of bad) {
      it(`refuses ${vector.name}`, () => {
        const whole = bytes(vector.raw)
        const result = read([whole], method)
        assert.ok(result instanceof Http1Error, `it was taken: ${JSON.stringify(result)}`)
        assert.equal(result.code, vector.code)
        assert.equal(result.status, vector.status)
        assert.equal(result.fault, 'peer')
      })
      it(`refuses ${vector.name}, however it is cut`, () => {
        const whole = bytes(vector.raw)
        const step = whole.length > 2000 ? 997 : 1
        for (let at = 1; at < whole.length; at += step) {
          const result = read([whole.subarray(0, at), whole.subarray(at)], method)
          assert.ok(result instanceof Http1Error, `cut at ${at}: ${JSON.stringify(result)}`)
        }
        assert.ok(read(byteByByte(whole), method) instanceof Http1Error)
      })
    }
  })
}

suite('requests', goodRequests, badRequests)
suite('responses', goodResponses, badResponses, 'GET')
