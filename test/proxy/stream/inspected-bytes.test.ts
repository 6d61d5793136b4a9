/** The first bytes of a TCP connection, and what they are as HTTP. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InspectedBytes } from '#src/proxy/stream/inspected-bytes.js'
import type { ProxySettings } from '#src/proxy/settings.js'

const inspected = ({ maxBufferSize = 100, maxHeadSize = 1000, maxHeaders = 10 } = {}) =>
  new InspectedBytes({ maxBufferSize, maxHeadSize, maxHeaders } as ProxySettings) // all that it reads

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('the first bytes of a connection', () => {
  it('are kept in their order, and taken once', () => {
    const kept = inspected()
    assert.equal(kept.take(), undefined)
    kept.add(bytes('ab'))
    kept.add(bytes('cd'))
    assert.equal(kept.bytes.toString(), 'abcd')
    assert.equal(kept.take()?.toString(), 'abcd')
    assert.equal(kept.bytes.length, 0)
    assert.equal(kept.take(), undefined)
  })

  it('are full with as many as the buffer holds', () => {
    const kept = inspected({ maxBufferSize: 4 })
    assert.equal(kept.add(bytes('abc')), false)
    assert.equal(kept.full, false)
    assert.equal(kept.add(bytes('d')), true)
    assert.equal(kept.full, true)
    assert.equal(inspected({ maxBufferSize: 4 }).add(bytes('abcdef')), true)
  })

  it('are not seen while they are concealed, and not lost', () => {
    const kept = inspected({ maxBufferSize: 6 })
    kept.add(bytes('ab'))
    assert.equal(kept.reveal(), false)
    kept.conceal()
    kept.conceal()
    assert.equal(kept.concealed, false)
    assert.equal(kept.add(bytes('c')), false)
    assert.equal(kept.add(bytes('def')), true, 'there is room for no more')
    assert.deepEqual([kept.bytes.toString(), kept.concealed, kept.full], ['ab', true, false])
    assert.equal(kept.reveal(), true)
    assert.deepEqual([kept.bytes.toString(), kept.concealed, kept.full], ['abcdef', false, true])
    kept.conceal()
    kept.add(bytes('g'))
    assert.equal(kept.take()?.toString(), 'abcdefg')
  })

  const states: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'partial'],
    ['the beginning of a head', 'GET /a HTTP/1.1\r\nHost', 'partial'],
    ['a head', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n', 'complete'],
    ['a head and more', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\nmore', 'complete'],
    ['what cannot become a head', '\x16\x03\x01', 'invalid'],
    ['a head with a mistake', 'GET /a HTTP/1.1\r\nA b: c\r\n\r\n', 'invalid'],
    ['half a head, and no room for more', `GET /${'a'.repeat(95)}`, 'invalid'],
  ]
  for (const [name, text, state] of states) {
    it(`are HTTP that is ${state}: ${name}`, () => {
      const kept = inspected()
      if (text !== '') kept.add(bytes(text))
      assert.equal(kept.requestState, state)
      assert.equal(kept.request !== undefined, state === 'complete')
      assert.equal(kept.requestState, state)
    })
  }

  it('are looked at anew when more have come', () => {
    const kept = inspected()
    kept.add(bytes('GET /a HTTP/1.1\r\nHost: a\r\n'))
    assert.equal(kept.requestState, 'partial')
    kept.add(bytes('\r\n'))
    assert.equal(kept.requestState, 'complete')
    assert.equal(kept.request?.target, '/a')
    // A request is parsed once for all that ask.
    assert.equal(kept.request, kept.request)
  })

  it('have no body, whatever their head announces', () => {
    const kept = inspected()
    kept.add(bytes('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'))
    assert.equal(kept.request?.body, undefined)
    assert.equal(kept.request?.bodySize, 0)
  })

  it('are no request with more head, or more fields, than a message may have', () => {
    const head = `GET / HTTP/1.1\r\nHost: ${'b'.repeat(30)}\r\nC: d\r\n\r\n`
    for (const limits of [{ maxHeadSize: 40 }, { maxHeaders: 1 }]) {
      const kept = inspected(limits)
      kept.add(bytes(head))
      assert.equal(kept.requestState, 'invalid')
      assert.equal(kept.request, undefined)
    }
  })
})
