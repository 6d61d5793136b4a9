/** req.hdrs_bin as HAProxy sends it, and whatever else may come in its place. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { decodeHeadersBin } from 'sluice/agent'
import { hex } from '../support/peer.ts'

it('a block that HAProxy 2.6.12 sent', () => {
  const captured = hex(`
    04 "host" 0f "127.0.0.1:24001"
    0a "user-agent" 0b "curl/7.88.1"
    06 "accept" 03 "*/*"
    00 00`)
  assert.deepEqual(decodeHeadersBin(captured), [
    ['host', '127.0.0.1:24001'],
    ['user-agent', 'curl/7.88.1'],
    ['accept', '*/*'],
  ])
})

it('no headers, empty values, repeated names, long values, bytes that are no UTF-8', () => {
  assert.deepEqual(decodeHeadersBin(hex('00 00')), [])
  assert.deepEqual(decodeHeadersBin(hex('01 "a" 00 01 "a" 02 c3 ff 09 "__proto__" 01 "x" 00 00')), [
    ['a', ''],
    ['a', 'Ã\u00ff'],
    ['__proto__', 'x'],
  ])
  // 300 is fc 03: 252 + 16 * 3.
  assert.deepEqual(decodeHeadersBin(hex('01 "a" fc 03 "x"*300 00 00')), [['a', 'x'.repeat(300)]])
})

it('a view into a larger buffer is read where it is', () => {
  const whole = hex('ff ff 01 "a" 01 "b" 00 00 ff')
  assert.deepEqual(decodeHeadersBin(new Uint8Array(whole).subarray(2, 8)), [['a', 'b']])
})

it('what is cut, goes on, or is over a limit has its code', () => {
  const good = hex('01 "a" 02 "bc" 00 00')
  for (let cut = 0; cut < good.length; cut++) {
    assert.throws(() => decodeHeadersBin(good.subarray(0, cut)), { code: 'ERR_AGENT_HEADERS', fault: 'peer' })
  }
  for (const bytes of [
    '00 00 00',
    '00 01 "x" 00 00',
    '01 "a" ff ff ff ff ff ff ff ff ff ff 00',
    'ff f0 fe fe fe fe fe fe fe 0e',
  ]) {
    assert.throws(() => decodeHeadersBin(hex(bytes)), { code: 'ERR_AGENT_HEADERS' }, bytes)
  }
  const three = hex('01 "a" 00 01 "b" 00 01 "c" 00 00 00')
  assert.equal(decodeHeadersBin(three, { maxHeaders: 3 }).length, 3)
  assert.throws(() => decodeHeadersBin(three, { maxHeaders: 2 }), { code: 'ERR_AGENT_HEADERS' })
  assert.throws(() => decodeHeadersBin(three, { maxSize: 10 }), { code: 'ERR_AGENT_HEADERS' })
})
