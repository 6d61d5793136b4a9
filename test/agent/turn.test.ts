import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createAgent } from 'sluice/agent'
import { Turn } from '#src/base/turn.js'
import { ack, hello, notify } from '../support/peer.ts'
import { until } from '../support/until.ts'
import { SpySocket } from './support.ts'

const setX = '01 03 02 01 "x" 04 01'

const outbox = (name: string, order: string[]) => ({ flush: () => void order.push(name) })

test('all leave together at the end of the turn, in the order in which they came', async () => {
  const order: string[] = []
  const turn = new Turn(0.5)
  turn.add(outbox('a', order), 0)
  turn.add(outbox('b', order), 0.4)
  await Promise.resolve()
  process.nextTick(() => order.push('tick'))
  await nextTurn()
  assert.deepEqual(order, ['tick', 'a', 'b'])
  turn.add(outbox('c', order), 7)
  await nextTurn()
  assert.deepEqual(order, ['tick', 'a', 'b', 'c'])
})

test('when handlers take long, what waits leaves before the next one is called', () => {
  const order: string[] = []
  const turn = new Turn(0.5)
  turn.add(outbox('a', order), 10)
  turn.add(outbox('b', order), 10.5)
  assert.deepEqual(order, [])
  turn.add(outbox('c', order), 10.6)
  assert.deepEqual(order, ['a', 'b', 'c'])
})

test('what is added while the others leave, leaves the next time', async () => {
  const order: string[] = []
  const turn = new Turn(0.5)
  turn.add({ flush: () => turn.add(outbox('later', order), 0) }, 0)
  turn.end()
  assert.deepEqual(order, [])
  await nextTurn()
  assert.deepEqual(order, ['later'])
})

test('a peer that ends its side right behind its question gets the answer first', async () => {
  const agent = createAgent()
  agent.message('m', (_, actions) => void actions.setVar('txn', 'x', 1))
  const socket = new SpySocket()
  agent.accept(socket)
  socket.arrive(hello())
  socket.arrive(notify('01 01', '01 "m" 00'))
  socket.push(null)
  await until(() => socket.writableEnded)
  const answer = ack('01 01', setX)
  assert.deepEqual(Buffer.concat(socket.writes).subarray(-answer.length), answer)
  agent.destroy()
})

test('what was answered leaves before the agent is destroyed', () => {
  const agent = createAgent()
  agent.message('m', (_, actions) => {
    actions.setVar('txn', 'x', 1)
    queueMicrotask(() => agent.destroy())
  })
  const socket = new SpySocket()
  agent.accept(socket)
  socket.arrive(hello())
  socket.arrive(notify('01 01', '01 "m" 00'))
  return until(() => socket.destroyed).then(() => {
    const answer = ack('01 01', setX)
    assert.deepEqual(Buffer.concat(socket.writes).subarray(-answer.length), answer)
  })
})
