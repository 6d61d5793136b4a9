import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { onPolledSince, pollRound, wasPolledSince } from '#src/net/liveness.js'
import { until } from '../support/until.ts'

describe('whether all sockets were looked at', () => {
  it('is true two rounds of the loop later, and not before', async () => {
    const since = pollRound()
    assert.equal(wasPolledSince(since), false)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(wasPolledSince(since), false, 'the round that was going on')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(wasPolledSince(since), true)
  })

  it('is told to everybody who waits, in order, and never on the stack of the call', async () => {
    const told: number[] = []
    onPolledSince(pollRound(), () => told.push(1))
    onPolledSince(pollRound(), () => told.push(2))
    onPolledSince(-10, () => told.push(0))
    assert.deepEqual(told, [])
    await until(() => told.length >= 3)
    assert.deepEqual(told, [0, 1, 2])
  })

  it('hears the end that came with the bytes that were read before', async (t) => {
    const server = createServer((socket) => socket.end('all'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    for (let at = 0; at < 50; at++) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      let ended = false
      socket.on('end', () => (ended = true))
      await once(socket, 'data')
      await new Promise<void>((resolve) => onPolledSince(pollRound(), resolve))
      assert.equal(ended, true)
    }
  })
})
