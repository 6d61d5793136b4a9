import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ActionType,
  decodeActions,
  encodeAck,
  encodeSetVar,
  encodeUnsetVar,
  ScopeCode,
  scopes,
  SpopError,
  type Scope,
  type Value,
} from 'sluice/spop'
import { hex, reading, spopError, written } from './support.ts'

test('the numbers of actions and scopes are those of the document', () => {
  assert.deepEqual(ActionType, { SetVar: 1, UnsetVar: 2 })
  assert.deepEqual(ScopeCode, { proc: 0, sess: 1, txn: 2, req: 3, res: 4 })
  assert.deepEqual(Object.keys(ScopeCode), [...scopes])
})

test('set-var has three arguments, unset-var two and no value, in every scope', () => {
  scopes.forEach((scope, code) => {
    assert.equal(
      written((writer) => encodeSetVar(writer, scope, 'ip_score', 20)),
      hex(`01 03 0${code} 08 "ip_score" 04 14`),
    )
    assert.equal(
      written((writer) => encodeUnsetVar(writer, scope, 'x')),
      hex(`02 02 0${code} 01 "x"`),
    )
    const [set, unset] = decodeActions(reading(`01 03 0${code} 01 "x" 11  02 02 0${code} 01 "y"`))
    assert.deepEqual(set, { type: 'set-var', scope, name: 'x', value: { type: 'boolean', value: true } })
    assert.deepEqual(unset, { type: 'unset-var', scope, name: 'y' })
  })
})

test('an ACK is whole: FIN, the ids of the NOTIFY, the actions', () => {
  let length = 0
  const bytes = written((writer) => {
    length = encodeAck(writer, 0, 2n ** 64n - 1n, [
      { type: 'set-var', scope: 'sess', name: 'a', value: 'b' },
      { type: 'unset-var', scope: 'res', name: 'c' },
    ])
  })
  assert.equal(
    bytes,
    hex('0000001d 67 00000001 00 ff f0 fe*7 0e  01 03 01 01 "a" 08 01 "b"  02 02 04 01 "c"'),
  )
  assert.equal(length, 29)
  assert.equal(
    written((writer) => encodeAck(writer, 1, 2, [], true)),
    hex('00000007 67 00000003 01 02'),
  )
})

test('an action that cannot be sent leaves nothing behind', () => {
  const bytes = written((writer) => {
    encodeUnsetVar(writer, 'txn', 'a')
    const local = spopError('ERR_SPOP_VALUE', undefined, 'local')
    assert.throws(() => encodeSetVar(writer, 'txn', 'b', 0.5), local)
    assert.throws(() => encodeSetVar(writer, 'txn', 'b', undefined as unknown as Value), local)
    assert.throws(
      () => encodeAck(writer, 1, 1, [{ type: 'set-var', scope: 'txn', name: 'b', value: NaN }]),
      local,
    )
    assert.throws(() => encodeAck(writer, NaN, 1, []), local)
  })
  assert.equal(bytes, hex('02 02 02 01 "a"'))
})

test('a scope that is none is refused with the list of those that are', () => {
  for (const scope of ['session', '', 'constructor', '__proto__', 'toString', undefined]) {
    const bytes = written((writer) => {
      const error = spopError('ERR_SPOP_VALUE', /wanted one of proc, sess, txn, req, res/, 'local')
      assert.throws(() => encodeSetVar(writer, scope as Scope, 'x', 1), error)
      assert.throws(() => encodeUnsetVar(writer, scope as Scope, 'x'), error)
    })
    assert.equal(bytes, '')
  }
})

test('wrong actions are told with what is wrong and where', () => {
  for (const [bytes, message] of [
    ['03 02 02 01 "x"', /action of type 3 at byte 0/],
    ['02 02 02 01 "x" 00', /action of type 0 at byte 5/],
    ['01 02 02 01 "x"', /action of type 1 with 2 arguments, wanted 3/],
    ['02 03 02 01 "x"', /action of type 2 with 3 arguments, wanted 2/],
    ['02 02 05 01 "x"', /scope 5 at byte 2/],
    ['02 02 ff 01 "x"', /scope 255 at byte 2/],
  ] as const) {
    assert.throws(() => decodeActions(reading(bytes)), spopError('ERR_SPOP_INVALID_FRAME', message))
  }
})

test('an engine keeps the actions before a wrong one, as HAProxy does, and learns what was wrong', () => {
  const errors: SpopError[] = []
  const actions = decodeActions(reading('02 02 02 01 "a"  02 02 02 01 "x" 00  02 02 02 01 "b"'), (error) => {
    errors.push(error)
  })
  assert.deepEqual(
    actions.map(({ name }) => name),
    ['a', 'x'],
  )
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ERR_SPOP_INVALID_FRAME'],
  )
  decodeActions(reading('01 03 02 01 "x" 08 05'), (error) => errors.push(error))
  assert.equal(errors[1]?.code, 'ERR_SPOP_TRUNCATED')
  assert.deepEqual(decodeActions(reading(''), assert.fail), [])
})

test('errors that are not of the protocol are not swallowed', () => {
  const reader = reading('02 02 02 01 "a"')
  reader.bytes = null as unknown as Buffer
  assert.throws(() => decodeActions(reader, assert.fail), TypeError)
})
