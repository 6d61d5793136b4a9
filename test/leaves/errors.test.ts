import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError, UsageError } from 'sluice'
import { commonFaults, errorMessage } from '#src/base/errors.js'

test('an error has its code, who is to blame, and the name of its class', () => {
  const cause = new Error('why')
  const error = new SluiceError('ERR_X', 'what', { fault: 'io', cause })
  assert.ok(error instanceof Error)
  assert.deepEqual(
    [error.name, error.code, error.message, error.fault],
    ['SluiceError', 'ERR_X', 'what', 'io'],
  )
  assert.equal(error.cause, cause)
  assert.ok(!('cause' in new SluiceError('ERR_X', 'what', { fault: 'peer' })))
  assert.match(error.stack ?? '', /SluiceError: what|Error: what/)
})

test("a UsageError is the caller's", () => {
  const error = new UsageError('ERR_SLUICE_CLOSED', 'closed', 'cause')
  assert.ok(error instanceof SluiceError)
  assert.deepEqual(
    [error.name, error.code, error.fault, error.cause],
    ['UsageError', 'ERR_SLUICE_CLOSED', 'local', 'cause'],
  )
  for (const code of Object.keys(commonFaults)) assert.match(code, /^ERR_SLUICE_/)
})

test('whatever was thrown has a text', () => {
  for (const [thrown, text] of [
    [new Error('e'), 'e'],
    ['s', 's'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5n, '5'],
    [Symbol('s'), 'Symbol(s)'],
    [{}, '[object Object]'],
    [Object.create(null), 'an object that has no text'],
    [
      {
        toString() {
          throw new Error('no')
        },
      },
      'an object that has no text',
    ],
  ] as const) {
    assert.equal(errorMessage(thrown), text)
  }
})
