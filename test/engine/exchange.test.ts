import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exchange, ExchangeList } from '#src/engine/exchange.js'
import { pickConnection } from '#src/engine/server.js'
import { Slots } from '#src/engine/slots.js'
import { watch } from '#src/engine/watch.js'

const make = (streamId = 0, frameId = 1, sentAt = 0) => {
  const exchange = new Exchange({ cancel: () => {} }, () => {}, undefined, 0)
  return Object.assign(exchange, { streamId, frameId, sentAt })
}
const head = (streamId: number | bigint, frameId = 1) =>
  ({ streamId, frameId }) as Parameters<Slots['find']>[0]

test('a list keeps its order while any of it is removed', () => {
  const list = new ExchangeList()
  const all = [1, 2, 3, 4, 5].map((id) => make(id))
  for (const each of all) list.push(each)
  for (const index of [2, 0, 4]) list.remove(all[index] as Exchange)
  assert.equal(list.size, 2)
  assert.deepEqual(
    list.takeAll().map(({ streamId }) => streamId),
    [2, 4],
  )
  assert.deepEqual([list.size, list.first], [0, undefined])
  list.push(make(6))
  assert.equal(list.first?.streamId, 6)
})

test('exchanges are found by both ids, of 64 bits too', () => {
  const list = new ExchangeList()
  for (const [stream, frame] of [
    [0, 1],
    [0, 2],
    [7, 1],
  ] as const) {
    list.push(make(stream, frame))
  }
  assert.equal(list.find(0, 2)?.frameId, 2)
  assert.equal(list.find(7, 1)?.streamId, 7)
  assert.equal(list.find(7, 2), undefined)
  assert.equal(list.find(2n ** 60n, 1), undefined)
})

test('slots: a timed-out exchange keeps its slot, and makes a silent connection suspect', () => {
  const slots = new Slots()
  slots.window = 3
  const [a, b] = [make(1, 1, 10), make(2, 1, 20)] as const
  slots.add(a)
  slots.add(b)
  assert.ok(slots.free)
  assert.equal(slots.abandon(a, 50, true), true)
  a.callback = undefined
  assert.deepEqual(
    [slots.size, slots.live, slots.expired, slots.suspect, slots.suspectSince],
    [2, 1, 1, true, 50],
  )
  assert.equal(slots.find(head(1)), a)
  slots.release(a, 60)
  slots.answered(60)
  assert.deepEqual([slots.size, slots.live, slots.expired, slots.suspect], [1, 1, 0, false])
  slots.release(b, 70)
  assert.deepEqual([slots.idleSince, slots.live], [70, 0])
})

test('slots: a lost exchange on a connection that answers others is no reason to suspect it, until all are lost', () => {
  const slots = new Slots()
  slots.window = 2
  slots.answered(15)
  slots.add(make(1, 1, 10))
  slots.add(make(2, 1, 12))
  const [a, b] = slots.takeAll() as [Exchange, Exchange]
  slots.add(a)
  slots.add(b)
  assert.equal(slots.abandon(a, 50, true), false)
  assert.equal(slots.abandon(b, 51, true), true)
})

test('slots: what the caller cancels says nothing about the agent', () => {
  const slots = new Slots()
  slots.window = 2
  const a = make(1, 1, 10)
  slots.add(a)
  assert.equal(slots.abandon(a, 11, false), false)
})

test('the connection with the fewest in flight is picked, a suspect one only when asked for', () => {
  const connection = (size: number, available = true, suspect = false) => ({
    available,
    slots: { size, suspect },
  })
  const [busy, light, full, odd] = [
    connection(5),
    connection(2),
    connection(0, false),
    connection(0, true, true),
  ] as const
  assert.equal(pickConnection([busy, light, full, odd], false), light)
  assert.equal(pickConnection([busy, light, full, odd], true), odd)
  assert.equal(pickConnection([full, odd], false), undefined)
  assert.equal(pickConnection([connection(1), busy], false)?.slots.size, 1)
})

test('the watch over an open connection: idle, busy, suspect', () => {
  const limits = { idleTimeout: 1000, processingTimeout: 100 }
  const slots = new Slots()
  slots.window = 3
  slots.idleSince = 500
  assert.equal(watch(slots, limits, 700), 800)
  assert.equal(watch(slots, limits, 1499.5), 'leave') // timers are early by a fraction
  assert.equal(watch(slots, { ...limits, idleTimeout: 0 }, 9999), undefined)
  const [short, long] = [make(1, 1, 1500), make(2, 1, 1500)] as const
  slots.add(short)
  slots.add(long)
  assert.equal(watch(slots, limits, 2000), 1000)
  slots.abandon(short, 2000, true)
  assert.equal(watch(slots, limits, 2040), 60)
  assert.equal(watch(slots, limits, 2100), 100) // the other one still waits
  slots.abandon(long, 2150, true)
  assert.equal(watch(slots, limits, 2200), 'unresponsive')
})
