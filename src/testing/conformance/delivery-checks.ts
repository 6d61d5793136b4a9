import { Buffer } from 'node:buffer'
import { needCapability, type Check, type CheckContext } from './check.ts'
import type { Conversation, Ids } from './conversation.ts'
import { notifyOf } from './frames.ts'
import { hello3x } from './hellos.ts'

/** Runs jobs, some at a time. */
async function inBatches(size: number, jobs: readonly (() => Promise<void>)[]): Promise<void> {
  for (let at = 0; at < jobs.length; at += size) {
    await Promise.all(jobs.slice(at, at + size).map((job) => job()))
  }
}

const offsets = (bytes: Buffer) => Array.from({ length: bytes.length - 1 }, (_, index) => index + 1)
const atOnce = 16
/** HAProxy has at most this many NOTIFYs in flight on a connection, unless told otherwise. */
const window = 20

const idsOf = (count: number): Ids[] => Array.from({ length: count }, (_, index): Ids => [index * 2 + 1, 1])

async function conversationWithCuts(
  context: CheckContext,
  helloCuts: readonly number[],
  notifyCuts: readonly number[],
): Promise<Conversation> {
  const conversation = await context.open()
  await conversation.send(hello3x, helloCuts)
  await conversation.expectHello()
  await conversation.send(notifyOf(1, 1, context.sample), notifyCuts)
  await conversation.expectAck([1, 1])
  return conversation
}

const cut: Check[] = [
  {
    id: 'delivery.split',
    title: 'HELLO and NOTIFY may be cut in two at every byte',
    level: 'must',
    source: 'TCP',
    points: ['A3', 'W26'],
    async run(context) {
      const notify = notifyOf(1, 1, context.sample)
      const cuts = [
        ...offsets(hello3x).map((at) => [[at], []] as const),
        ...offsets(notify).map((at) => [[], [at]] as const),
      ]
      await inBatches(
        atOnce,
        cuts.map(([helloCuts, notifyCuts]) => async () => {
          const conversation = await conversationWithCuts(context, helloCuts, notifyCuts)
          conversation.wire.destroy()
        }),
      )
    },
  },
  {
    id: 'delivery.bytes',
    title: 'HELLO and NOTIFY may come one byte at a time',
    level: 'must',
    source: 'TCP',
    points: ['A3', 'W26'],
    async run(context) {
      await conversationWithCuts(context, offsets(hello3x), offsets(notifyOf(1, 1, context.sample)))
    },
  },
  {
    id: 'delivery.joined',
    title: 'three NOTIFYs may come in one write, or cut elsewhere than between them',
    level: 'must',
    source: 'TCP, SPOE.txt 3.2.1',
    points: ['W26'],
    async run(context) {
      needCapability(context, 'pipelining')
      const ids = idsOf(3)
      const frames = Buffer.concat(ids.map((each) => notifyOf(...each, context.sample)))
      const size = frames.length / 3
      for (const cuts of [[], [size + 2], [size - 1, size * 2 + 5], [3, size + 6, size * 3 - 1]]) {
        const conversation = await context.shake()
        await conversation.send(frames, cuts)
        await conversation.expectAcks(ids)
      }
    },
  },
  {
    id: 'delivery.one-write',
    title: 'an ACK arrives in one piece: each frame is one write',
    level: 'should',
    source: 'HAProxy 3.2 and later',
    points: ['A3', 'W26'],
    async run(context) {
      const conversation = await context.shake()
      for (const ids of idsOf(window)) {
        const { received } = await conversation.ask(context.sample, ids)
        if (received.pieces > 1) conversation.fail('an ACK in one piece', `${received.pieces} pieces`)
      }
    },
  },
]

const many: Check[] = [
  {
    id: 'delivery.pipelined',
    title: `${window} NOTIFYs in flight are answered once each, in any order`,
    level: 'must',
    source: 'SPOE.txt 3.2.1',
    points: ['A5', 'W13', 'W26'],
    async run(context) {
      needCapability(context, 'pipelining')
      const conversation = await context.shake()
      for (let round = 0; round < 5; round++) {
        const ids = idsOf(window)
        await conversation.send(Buffer.concat(ids.map((each) => notifyOf(...each, context.sample))))
        await conversation.expectAcks(ids)
      }
    },
  },
  {
    id: 'delivery.burst',
    title: '50 connections at once, as HAProxy opens them on a cold start, are all served',
    level: 'must',
    source: 'HAProxy 1.8 to 3.5',
    points: ['A13'],
    async run(context) {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const conversation = await context.shake()
          await conversation.ask(context.sample)
        }),
      )
    },
  },
  {
    id: 'delivery.independent',
    title: 'a connection in the middle of a frame does not hold up another',
    level: 'must',
    source: 'HAProxy 1.8 to 3.5',
    points: ['A13', 'W23'],
    async run(context) {
      const slow = [await context.open(), await context.shake()] as const
      await slow[0].send(hello3x.subarray(0, 20))
      const notify = notifyOf(1, 1, context.sample)
      await slow[1].send(notify.subarray(0, 6))
      const other = await context.shake()
      await other.ask(context.sample)
      await slow[1].send(notify.subarray(6))
      await slow[1].expectAck([1, 1])
    },
  },
  {
    id: 'delivery.slow-reader',
    title: 'a peer that does not read loses no ACK, and holds up nobody else',
    level: 'should',
    source: 'TCP',
    points: ['W26'],
    async run(context) {
      needCapability(context, 'pipelining')
      const conversation = await context.shake()
      conversation.wire.stream.pause()
      const ids = idsOf(2000)
      for (let at = 0; at < ids.length; at += 100) {
        const some = ids.slice(at, at + 100)
        await conversation.send(Buffer.concat(some.map((each) => notifyOf(...each, context.sample))))
      }
      const other = await context.shake()
      await other.ask(context.sample)
      conversation.wire.stream.resume()
      await conversation.expectAcks(ids)
    },
  },
]

/** How bytes come and go: cut anywhere, many at once, slowly, on many connections. */
export const deliveryChecks: readonly Check[] = [...cut, ...many]
