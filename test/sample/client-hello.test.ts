import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import * as fc from 'fast-check'
import { readClientHello, readHandshakeType } from '#src/sample/client-hello.js'
import { clientHelloRecord, handshakeRecord } from '../support/client-hello.ts'

test('what a real client says is understood', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({
    port,
    host: '127.0.0.1',
    servername: 'a.example',
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  socket.on('error', () => {})
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  client.destroy()
  assert.deepEqual(readClientHello(bytes), {
    serverName: 'a.example',
    protocols: ['h2', 'http/1.1'],
    curves: true,
    ticketLength: 0,
  })
  assert.equal(readHandshakeType(bytes), 1)
  for (let length = 0; length < bytes.length; length++)
    assert.equal(readClientHello(bytes.subarray(0, length)), 'partial', String(length))
})

test('what is left out is not made up', () => {
  assert.deepEqual(readClientHello(clientHelloRecord({ curves: false })), {
    serverName: undefined,
    protocols: [],
    curves: false,
    ticketLength: undefined,
  })
  assert.equal(readClientHello(handshakeRecord(2, Buffer.alloc(60))), 'none')
  assert.equal(readHandshakeType(handshakeRecord(2, Buffer.alloc(60))), 2)
  assert.equal(readClientHello(Buffer.from('GET / HTTP/1.1\r\n')), 'none')
  assert.equal(readHandshakeType(Buffer.from('GET / HTTP/1.1\r\n')), 'none')
})

test('no bytes are too odd', () => {
  const whole = clientHelloRecord({ serverName: 'a.example', protocols: ['h2'], ticket: 't' })
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(whole)
      for (const [at, byte] of changes) bytes[at] = byte
      const read = readClientHello(bytes)
      assert.ok(typeof read === 'object' || read === 'partial' || read === 'none')
      readHandshakeType(bytes)
    }),
  )
})
