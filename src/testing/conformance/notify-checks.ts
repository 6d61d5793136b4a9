import { Buffer } from 'node:buffer'
import { IpAddress } from '../../net/ip-address.ts'
import { FrameType, type Id } from '../../spop/frame-head.ts'
import type { MessageInput } from '../../spop/notify.ts'
import type { Value } from '../../spop/typed-data.ts'
import type { Check, CheckContext } from './check.ts'
import { CheckSkipped } from './verdict.ts'
import { idKey, type Ids } from './conversation.ts'
import { expectActions, steadyAnswer } from './sample.ts'
import { fin, frameOf, notifyOf } from './frames.ts'

const unknown = 'sluice-probe-unknown'

function message(args: readonly (readonly [string, Value])[] = [], name = unknown): MessageInput {
  return { name, args }
}

async function answersAll(context: CheckContext, asked: readonly (readonly MessageInput[])[]): Promise<void> {
  const conversation = await context.shake()
  for (const [index, messages] of asked.entries()) await conversation.ask(messages, [index * 2 + 1, 1])
}

async function echoesIds(context: CheckContext, all: readonly Ids[]): Promise<void> {
  const conversation = await context.shake()
  for (const ids of all) await conversation.ask(context.sample, ids)
}

/** All ten types, with the values that codecs get wrong. */
const oddValues: readonly (readonly [string, Value])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['int32', { type: 'int32', value: -5 }],
  ['int32-least', { type: 'int32', value: -2_147_483_648 }],
  ['uint32', { type: 'uint32', value: 4_294_967_295 }],
  ['int64', -1n],
  ['int64-least', -9_223_372_036_854_775_808n],
  ['int64-most', 9_223_372_036_854_775_807n],
  ['uint64', { type: 'uint64', value: 18_446_744_073_709_551_615n }],
  ['ipv4', IpAddress.parse('192.0.2.1')],
  ['ipv6', IpAddress.parse('2001:db8::1')],
  ['string', 'text'],
  ['empty', ''],
  ['binary', Buffer.of(0, 255, 16)],
]

/** Around every length that a variable-length integer can have; the last is 64 bits. */
const varintEdges: readonly Id[] = [
  239, 240, 2287, 2288, 264_431, 264_432, 33_818_863, 33_818_864, 4_328_786_159, 4_328_786_160,
]

const manyArgs = (count: number) => Array.from({ length: count }, (_, index) => [`a${index}`, index] as const)

const payloads: Check[] = [
  {
    id: 'notify.unknown',
    title: 'a NOTIFY is answered by one ACK with FIN and its ids, also when no message is known',
    level: 'must',
    source: 'SPOE.txt 3.2.6, 3.2.7',
    points: ['A5', 'A7', 'W8'],
    run: (context) => answersAll(context, [[message([['a', 1]])], context.sample]),
  },
  {
    id: 'notify.empty',
    title: 'a NOTIFY without messages (HAProxy 3.1 to 3.3 sends some) is answered',
    level: 'must',
    source: 'HAProxy 3.1 to 3.3',
    points: ['A7', 'A11', 'W9'],
    run: (context) => answersAll(context, [[]]),
  },
  {
    id: 'notify.several',
    title: 'several messages, some of the same name, some without arguments, get one ACK',
    level: 'must',
    source: 'SPOE.txt 3.2.6',
    points: ['A11', 'W8'],
    run: (context) =>
      answersAll(context, [
        [message([['a', 1]]), message([], 'second'), message([['b', 'x']]), ...context.sample],
      ]),
  },
  {
    id: 'notify.second',
    title: 'a message is understood the same when another one stands before it: NB-ARGS is honoured',
    level: 'must',
    source: 'SPOE.txt 3.2.6',
    points: ['W7', 'W8'],
    async run(context) {
      const alone = await steadyAnswer(context)
      if (alone.wrong !== undefined)
        throw new CheckSkipped('the actions of the message cannot be decoded: see ack.actions')
      const conversation = await context.shake()
      const before = [
        message([
          ['a', 'x'],
          ['', 2],
        ]),
        ...context.sample,
      ]
      expectActions(conversation, await conversation.ask(before), alone)
    },
  },
  {
    id: 'notify.names',
    title: 'unnamed arguments, several of them, and arguments of the same name are taken',
    level: 'must',
    source: 'SPOE.txt 2.3',
    points: ['A11', 'W6'],
    run: (context) =>
      answersAll(context, [
        [
          message([
            ['', 1],
            ['', 2],
            ['a', 1],
            ['a', 2],
          ]),
        ],
      ]),
  },
  {
    id: 'notify.types',
    title: 'all ten types are taken: NULL, negative and 64-bit integers, addresses, empty strings',
    level: 'must',
    source: 'SPOE.txt 3.1',
    points: ['A11', 'W1', 'W2', 'W3', 'W5'],
    run: (context) =>
      answersAll(context, [[message(oddValues)], ...oddValues.map((pair) => [message([pair])])]),
  },
  {
    id: 'notify.bytes',
    title: 'strings need not be UTF-8, names included',
    level: 'must',
    source: 'SPOE.txt 3.1',
    points: ['W11'],
    async run(context) {
      const conversation = await context.shake()
      // Name of three bytes, one argument: name of two bytes, STRING of four.
      const payload = Buffer.from('03fffec0010280ff0804c328a0ff', 'hex')
      await conversation.send(frameOf(FrameType.Notify, fin, 1, 1, payload))
      await conversation.expectAck([1, 1])
    },
  },
  {
    id: 'notify.arguments',
    title: '128 and 255 arguments fit a message: NB-ARGS is an unsigned byte',
    level: 'must',
    source: 'SPOE.txt 3.2.6',
    points: ['W7'],
    run: (context) => answersAll(context, [[message(manyArgs(128))], [message(manyArgs(255))]]),
  },
  {
    id: 'notify.full-size',
    title: 'a frame of exactly max-frame-size is taken: the length field does not count',
    level: 'must',
    source: 'SPOE.txt 3.2',
    points: ['W16'],
    async run(context) {
      const conversation = await context.shake()
      const empty = notifyOf(1, 1, [message([['a', Buffer.alloc(16_000)]])]).length - 4
      const filled = Buffer.alloc(16_000 + conversation.maxFrameSize - empty)
      if (filled.length < 2288)
        throw new CheckSkipped(`the agent takes ${conversation.maxFrameSize} bytes only`)
      const frame = notifyOf(1, 1, [message([['a', filled]])])
      if (frame.length - 4 !== conversation.maxFrameSize) throw new Error('the check has made a wrong frame')
      await conversation.send(frame)
      await conversation.expectAck([1, 1])
    },
  },
]

const ids: Check[] = [
  {
    id: 'notify.stream-0',
    title: "stream id 0, HAProxy's first stream up to 3.0, and frame id 0 are ids like others",
    level: 'must',
    source: 'HAProxy 1.8 to 3.0',
    points: ['A5'],
    run: (context) =>
      echoesIds(context, [
        [0, 1],
        [0, 2],
        [0, 0],
      ]),
  },
  {
    id: 'notify.varints',
    title: 'ids come back unchanged at every length of a variable-length integer',
    level: 'must',
    source: 'SPOE.txt 3.1',
    points: ['A5', 'W1'],
    run: (context) =>
      echoesIds(
        context,
        varintEdges.flatMap((id): Ids[] => [
          [id, 1],
          [1, id],
        ]),
      ),
  },
  {
    id: 'notify.big-ids',
    title: 'ids over 2^53, 2^63 and 2^64-1 come back unchanged',
    level: 'must',
    source: 'SPOE.txt 3.1',
    points: ['A5', 'W4'],
    run: (context) =>
      echoesIds(
        context,
        [2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n].flatMap((id): Ids[] => [
          [id, 1],
          [1, id],
        ]),
      ),
  },
  {
    id: 'notify.ids-per-connection',
    title: 'the same ids on two connections are two NOTIFYs, each answered on its own connection',
    level: 'must',
    source: 'HAProxy 3.1 and later',
    points: ['W23'],
    async run(context) {
      const both = [await context.shake(), await context.shake()]
      for (const conversation of both) await conversation.send(notifyOf(1, 1, context.sample))
      for (const conversation of both) await conversation.expectAck([1, 1])
      for (const conversation of both) await conversation.ask(context.sample, [3, 1])
    },
  },
  {
    id: 'notify.flags',
    title: 'flags are in network order: a NOTIFY whose flags are 01000000 has no FIN, and is no whole NOTIFY',
    level: 'should',
    source: 'SPOE.txt 3.2.1, 3.2.2',
    points: ['W12'],
    async run(context) {
      const conversation = await context.shake()
      await conversation.send(frameOf(FrameType.Notify, 0x0100_0000, 1, 1, Buffer.from('016d00', 'hex')))
      await conversation.send(notifyOf(3, 1, context.sample))
      const event = await conversation.next()
      const ack = event?.kind === 'frame' && event.frame.type === FrameType.Ack ? event.frame : undefined
      if (ack !== undefined && idKey([ack.streamId, ack.frameId]) === '1/1')
        conversation.fail('no ACK', 'an ACK of 1/1')
    },
  },
  {
    id: 'notify.unknown-frame',
    title: 'a frame of an unknown type is skipped, and the connection goes on',
    level: 'should',
    source: 'SPOE.txt 3.2.2',
    points: ['A7'],
    async run(context) {
      const conversation = await context.shake()
      await conversation.send(frameOf(50, fin, 7, 1, Buffer.from('future')))
      await conversation.ask(context.sample, [9, 1])
    },
  },
]

/** NOTIFY and ACK (SPOE.txt 3.2.6, 3.2.7): whatever is asked, there is one answer with the same ids. */
export const notifyChecks: readonly Check[] = [...payloads, ...ids]
