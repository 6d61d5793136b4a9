/** The rule of RFC 9110 section 9.2.2, as a table: who may meet the end of a connection, and what is sent again then. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isIdempotent, mayRepeat, useOfKept } from '../../src/http1/index.ts'

it('methods that may be carried out twice', () => {
  const safe = ['GET', 'HEAD', 'OPTIONS', 'TRACE']
  for (const method of [...safe, 'PUT', 'DELETE']) assert.equal(isIdempotent(method), true, method)
  for (const method of ['POST', 'PATCH', 'CONNECT', 'LOCK', 'get', '']) {
    assert.equal(isIdempotent(method), false, method)
  }
})

it('which requests go on a kept connection', () => {
  const table = [
    [true, 'open', 'use'],
    [true, 'soon', 'use'],
    [true, 'unknown', 'use'],
    [false, 'open', 'use'],
    [false, 'soon', 'wait'],
    [false, 'unknown', 'leave'],
  ] as const
  for (const [repeatable, liveness, use] of table) assert.equal(useOfKept(repeatable, liveness), use)
})

it('which requests are sent again when their connection ends', () => {
  const table = [
    // [idempotent, reused, unsent, again]
    [false, false, false, false],
    [false, false, true, true],
    [false, true, false, false],
    [false, true, true, true],
    [true, false, false, false],
    [true, false, true, true],
    [true, true, false, true],
    [true, true, true, true],
  ] as const
  for (const [idempotent, reused, unsent, again] of table) {
    assert.equal(
      mayRepeat({ idempotent, reused, unsent }),
      again,
      JSON.stringify([idempotent, reused, unsent]),
    )
  }
})
