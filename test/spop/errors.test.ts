import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from 'sluice'
import { SpopError, spopFaults, StatusCode } from 'sluice/spop'

test('the status codes are those of SPOE.txt 3.5', () => {
  assert.deepEqual(Object.values(StatusCode), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99])
})

test('an error has its code, its status and who is to blame', () => {
  const error = new SpopError('ERR_SPOP_FRAME_TOO_BIG', '70000 bytes')
  assert.ok(error instanceof SluiceError && error instanceof Error)
  assert.equal(error.name, 'SpopError')
  assert.equal(error.code, 'ERR_SPOP_FRAME_TOO_BIG')
  assert.equal(error.status, 3)
  assert.equal(error.fault, 'peer')
  assert.equal(error.message, 'frame is too big: 70000 bytes')
  assert.equal(new SpopError('ERR_SPOP_NO_VERSION').message, 'version value not found')
  assert.equal(new SpopError('ERR_SPOP_VALUE', 'x', { fault: 'local' }).fault, 'local')
})

test('every code of the catalogue has the status that its name says', () => {
  const statuses: Record<string, number> = {
    ERR_SPOP_FRAME_TOO_BIG: 3,
    ERR_SPOP_PAYLOAD_TOO_BIG: 3,
    ERR_SPOP_INVALID_FRAME: 4,
    ERR_SPOP_TRUNCATED: 4,
    ERR_SPOP_VARINT: 4,
    ERR_SPOP_DATA_TYPE: 4,
    ERR_SPOP_NO_VERSION: 5,
    ERR_SPOP_NO_MAX_FRAME_SIZE: 6,
    ERR_SPOP_NO_CAPABILITIES: 7,
    ERR_SPOP_UNSUPPORTED_VERSION: 8,
    ERR_SPOP_BAD_MAX_FRAME_SIZE: 9,
    ERR_SPOP_FRAGMENTATION: 10,
    ERR_SPOP_INTERLACED: 11,
    ERR_SPOP_FRAME_ID_NOT_FOUND: 12,
    ERR_SPOP_VALUE: 4,
  }
  for (const [code, { status, message }] of Object.entries(spopFaults)) {
    assert.equal(status, statuses[code], code)
    assert.ok(message.length > 5)
  }
})
