/** HELLO (SPOE.txt 3.2.4, 3.2.5): what is accepted, what is refused, and how it is answered. */
import { FrameType } from '../../spop/frame-head.ts'
import type { Value } from '../../spop/typed-data.ts'
import { haproxyHelloBytes } from '../haproxy-bytes.ts'
import { IpAddress } from '../../ip-address.ts'
import type { Check, CheckContext } from './check.ts'
import type { RefusalRules } from './conversation.ts'
import {
  fin,
  frameOf,
  helloKeys,
  helloOf,
  helloWith,
  keysPayload,
  notifyOf,
  type HelloKeys,
} from './frames.ts'

const uuid = '7f3c51aa-08d2-4f0e-9b8c-2f1d6a3e5b90'
const hello26 = haproxyHelloBytes({ capabilities: 'pipelining,async', engineId: uuid, maxFrameSize: 16_380 })
const hello3x = haproxyHelloBytes({ capabilities: 'pipelining', engineId: uuid, maxFrameSize: 16_380 })

const integer = (type: 'int32' | 'uint32' | 'int64' | 'uint64', value: number): Value => ({ type, value })

/** Each HELLO is accepted, and the connection answers NOTIFYs. */
async function accepts(context: CheckContext, hellos: readonly Buffer[]): Promise<void> {
  for (const bytes of hellos) {
    const conversation = await context.shake(bytes)
    await conversation.ask(context.sample)
    conversation.wire.destroy()
  }
}

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

const answers: Check[] = [
  {
    id: 'hello.answer',
    title:
      'the HELLO of HAProxy 2.6 and of 3.x is answered by AGENT-HELLO with version "2.0", a size and capabilities',
    level: 'must',
    source: 'SPOE.txt 3.2.5',
    points: ['A1', 'W17'],
    async run(context) {
      for (const bytes of [hello26, hello3x]) {
        const conversation = await context.open()
        await conversation.send(bytes)
        const { hello } = await conversation.expectHello()
        const { version, maxFrameSize, capabilities } = hello
        if (version !== '2.0') conversation.fail('version "2.0"', String(version))
        if (maxFrameSize === undefined || maxFrameSize < 256 || maxFrameSize > 16_380) {
          conversation.fail('max-frame-size from 256 to 16380', String(maxFrameSize))
        }
        if (capabilities === undefined) conversation.fail('the key capabilities, even if it is empty', 'none')
      }
    },
  },
  {
    id: 'hello.one-write',
    title: 'AGENT-HELLO arrives in one piece: HAProxy 3.2 and later reset the connection otherwise',
    level: 'must',
    source: 'HAProxy 3.2 to 3.5',
    points: ['A3'],
    async run(context) {
      for (let round = 0; round < 5; round++) {
        const conversation = await context.open()
        await conversation.send(hello3x)
        const { received } = await conversation.expectHello()
        const { pieces, firstPiece, bytes } = received
        if (pieces > 1) {
          conversation.fail(
            'AGENT-HELLO in one piece',
            `${pieces}, the first of ${firstPiece} of ${bytes.length} bytes`,
          )
        }
      }
    },
  },
  {
    id: 'hello.size-kept',
    title:
      "max-frame-size is HAProxy's own: a smaller one makes 2.6 reconnect in a storm when a NOTIFY is larger",
    level: 'should',
    source: 'HAProxy 2.6 to 3.5',
    points: ['A1'],
    async run(context) {
      const conversation = await context.open()
      await conversation.send(hello26)
      const { hello } = await conversation.expectHello()
      if (hello.maxFrameSize !== 16_380) conversation.fail('max-frame-size 16380', String(hello.maxFrameSize))
    },
  },
  {
    id: 'hello.size-256',
    title: 'a HELLO with max-frame-size 256 is answered with 256, and NOTIFYs are answered within it',
    level: 'must',
    source: 'SPOE.txt 3.2, 3.2.5',
    points: ['A1', 'A6', 'W16'],
    async run(context) {
      const conversation = await context.open()
      conversation.maxFrameSize = 256
      await conversation.send(helloWith({ size: integer('uint32', 256) }))
      const { hello } = await conversation.expectHello()
      if (hello.maxFrameSize !== 256) conversation.fail('max-frame-size 256', String(hello.maxFrameSize))
      await conversation.ask(context.sample)
    },
  },
  {
    id: 'hello.capabilities-common',
    title: 'pipelining and async are not announced to a HAProxy that does not have them',
    level: 'should',
    source: 'SPOE.txt 3.2.1',
    points: ['A2', 'W20'],
    async run(context) {
      const conversation = await context.open()
      await conversation.send(helloWith({ capabilities: '' }))
      const { hello } = await conversation.expectHello()
      if (/pipelining|async/.test(hello.capabilities ?? '')) {
        conversation.fail('neither pipelining nor async', `"${hello.capabilities}"`)
      }
    },
  },
  {
    id: 'hello.no-async',
    title:
      'async is not announced: up to 3.0 HAProxy then waits for its whole timeout when the agent goes away',
    level: 'should',
    source: 'HAProxy 1.8 to 3.0',
    points: ['A2'],
    async run(context) {
      const conversation = await context.open()
      await conversation.send(hello26)
      const { hello } = await conversation.expectHello()
      if (hello.capabilities?.includes('async') === true)
        conversation.fail('no async', `"${hello.capabilities}"`)
    },
  },
]

const accepted: Check[] = [
  {
    id: 'hello.versions',
    title: 'lists of versions are read: "2.0, 1.5", "1.0,2.0" and " 2.0 " are answered with "2.0"',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['W17'],
    async run(context) {
      for (const versions of ['2.0, 1.5', '1.0,2.0', ' 2.0 ']) {
        const conversation = await context.open()
        await conversation.send(helloWith({ versions }))
        const { hello } = await conversation.expectHello()
        if (hello.version !== '2.0') conversation.fail('version "2.0"', String(hello.version))
      }
    },
  },
  {
    id: 'hello.version-minor',
    title: 'a later minor version includes the earlier: "2.5" is accepted',
    level: 'should',
    source: 'SPOE.txt 3.2.4',
    points: ['W17'],
    run: (context) => accepts(context, [helloWith({ versions: '2.5' })]),
  },
  {
    id: 'hello.unknown-keys',
    title: 'unknown keys are skipped, whatever their type',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['W18'],
    run: (context) => accepts(context, [helloOf([...unknownKeys, ...helloKeys()])]),
  },
  {
    id: 'hello.key-exact',
    title: 'keys are compared whole: "max-frame-size-hint" is not "max-frame-size"',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['W18'],
    run: (context) =>
      accepts(context, [
        helloOf([
          ['max-frame-size-hint', integer('uint32', 1)],
          ['capabilities-hint', null],
          ['supported-versions-hint', '1.0'],
          ...helloKeys(),
        ]),
      ]),
  },
  {
    id: 'hello.key-order',
    title: 'keys may come in any order',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['W18'],
    run: (context) => accepts(context, [helloOf([...helloKeys()].reverse())]),
  },
  {
    id: 'hello.integer-types',
    title: 'max-frame-size may be any of the four integer types',
    level: 'must',
    source: 'HAProxy reads all four',
    points: ['W21'],
    run: (context) =>
      accepts(
        context,
        (['int32', 'uint32', 'int64', 'uint64'] as const).map((type) =>
          helloWith({ size: integer(type, 16_380) }),
        ),
      ),
  },
  {
    id: 'hello.capabilities-any',
    title: 'capabilities may be empty, have blanks, or be unknown',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['W20'],
    run: (context) =>
      accepts(
        context,
        ['', ' pipelining , async ', 'pipelining,teleportation'].map((capabilities) =>
          helloWith({ capabilities }),
        ),
      ),
  },
  {
    id: 'hello.no-engine-id',
    title: 'engine-id is optional',
    level: 'must',
    source: 'SPOE.txt 3.2.4',
    points: ['A4'],
    run: (context) => accepts(context, [helloWith({ engineId: undefined })]),
  },
]

const unknownKeys: readonly (readonly [string, Value])[] = [
  ['x-null', null],
  ['x-true', true],
  ['x-false', false],
  ['x-int32', integer('int32', -5)],
  ['x-uint32', integer('uint32', 4_000_000_000)],
  ['x-int64', -1n],
  ['x-uint64', { type: 'uint64', value: 18_446_744_073_709_551_615n }],
  ['x-ipv4', IpAddress.parse('192.0.2.1')],
  ['x-ipv6', IpAddress.parse('2001:db8::1')],
  ['x-string', 'text'],
  ['x-binary', Buffer.of(0, 255)],
]

const refused: Check[] = [
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
    { size: integer('uint32', 255) },
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

/** See the head of this file. */
export const handshakeChecks: readonly Check[] = [...answers, ...accepted, ...refused]
