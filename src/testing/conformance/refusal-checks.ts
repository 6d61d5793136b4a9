import { Buffer } from 'node:buffer'
import { FrameType } from '../../spop/frame-head.ts'
import type { Check, CheckContext } from './check.ts'
import type { RefusalRules } from './conversation.ts'
import { fin, frameOf, helloKeys, helloWith, keysPayload, notifyOf, type HelloKeys } from './frames.ts'
import { hello26, hello3x } from './hellos.ts'

/** Each first frame is refused. */
async function refuses(context: CheckContext, frames: readonly Buffer[], rules: RefusalRules): Promise<void> {
  for (const bytes of frames) {
    const conversation = await context.open()
    await conversation.send(bytes)
    await conversation.expectRefusal(rules)
    conversation.wire.destroy()
  }
}

function refusal(id: string, title: string, without: HelloKeys, status: number): Check {
  return {
    id,
    title,
    level: 'must',
    source: 'SPOE.txt 3.2.5, 3.5',
    points: ['W17'],
    run: (context) => refuses(context, [helloWith(without)], { statuses: [status], silent: 'must' }),
  }
}

/** HELLO (SPOE.txt 3.2.4, 3.2.5): what is refused, and with which status. */
export const refusalChecks: readonly Check[] = [
  refusal(
    'hello.version-old',
    'a HELLO with version "1.0" alone is refused with status 8',
    { versions: '1.0' },
    8,
  ),
  refusal(
    'hello.version-new',
    'a HELLO with version "3.0" alone is refused with status 8',
    { versions: '3.0' },
    8,
  ),
  refusal(
    'hello.no-version',
    'a HELLO without supported-versions is refused with status 5',
    { versions: undefined },
    5,
  ),
  refusal('hello.no-size', 'a HELLO without max-frame-size is refused with status 6', { size: undefined }, 6),
  refusal(
    'hello.no-capabilities',
    'a HELLO without capabilities is refused with status 7',
    { capabilities: undefined },
    7,
  ),
  refusal(
    'hello.size-small',
    'a HELLO with max-frame-size 255 is refused with status 9',
    { size: { type: 'uint32', value: 255 } },
    9,
  ),
  {
    id: 'hello.version-malformed',
    title: 'versions that are not Major.Minor are refused',
    level: 'should',
    source: 'SPOE.txt 3.2.4',
    points: ['W17'],
    run: (context) =>
      refuses(
        context,
        ['2', 'two', '2.0.1'].map((versions) => helloWith({ versions })),
        { statuses: [4, 8] },
      ),
  },
  {
    id: 'hello.malformed',
    title:
      'a HELLO that is cut inside a value, has a reserved type in it, or a size that is text, is refused',
    level: 'should',
    source: 'SPOE.txt 3.1, 3.5',
    points: ['W24'],
    hostile: true,
    run: (context) =>
      refuses(
        context,
        [
          frameOf(FrameType.HaproxyHello, fin, 0, 0, keysPayload(helloKeys()).subarray(0, -3)),
          frameOf(
            FrameType.HaproxyHello,
            fin,
            0,
            0,
            Buffer.concat([Buffer.from('\u0001x\u000b'), keysPayload(helloKeys())]),
          ),
          helloWith({ size: '16380' }),
        ],
        {},
      ),
  },
  {
    id: 'hello.head',
    title: 'a HELLO without FIN, or with a stream id, is refused',
    level: 'should',
    source: 'SPOE.txt 3.2.4',
    points: ['W12'],
    run: (context) =>
      refuses(
        context,
        [
          frameOf(FrameType.HaproxyHello, 0, 0, 0, keysPayload(helloKeys())),
          frameOf(FrameType.HaproxyHello, fin, 1, 1, keysPayload(helloKeys())),
        ],
        {},
      ),
  },
  {
    id: 'hello.first',
    title: 'a NOTIFY before HELLO is not answered',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['W22'],
    run: (context) => refuses(context, [notifyOf(1, 1, context.sample)], { silent: undefined }),
  },
  {
    id: 'hello.once',
    title: 'a second HELLO is refused',
    level: 'should',
    source: 'SPOE.txt 3.2.4',
    points: ['W22'],
    async run(context) {
      const conversation = await context.shake()
      await conversation.send(hello3x)
      await conversation.expectRefusal({ silent: undefined })
    },
  },
  {
    id: 'hello.roles',
    title: "the agent's own frames (AGENT-HELLO, AGENT-DISCONNECT, ACK) are refused",
    level: 'should',
    source: 'SPOE.txt 3.2.2',
    points: ['W22'],
    async run(context) {
      for (const type of [FrameType.AgentHello, FrameType.AgentDisconnect, FrameType.Ack]) {
        const conversation = await context.shake()
        await conversation.send(frameOf(type, fin, 0, 0, Buffer.alloc(0)))
        await conversation.expectRefusal({ silent: undefined })
      }
    },
  },
  {
    id: 'hello.truncated',
    title: 'a connection that ends inside HELLO is closed',
    level: 'must',
    source: 'any network',
    points: ['A10', 'W24'],
    hostile: true,
    async run(context) {
      for (const size of [1, 4, 5, 40]) {
        const conversation = await context.open()
        await conversation.send(hello26.subarray(0, size))
        conversation.wire.end()
        await conversation.expectRefusal({ silent: undefined })
      }
    },
  },
]
