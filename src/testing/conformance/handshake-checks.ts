import { Buffer } from 'node:buffer'
import { IpAddress } from '../../net/ip-address.ts'
import type { Value } from '../../spop/typed-data.ts'
import type { Check, CheckContext } from './check.ts'
import { helloKeys, helloOf, helloWith } from './frames.ts'
import { hello26, hello3x } from './hellos.ts'

const integer = (type: 'int32' | 'uint32' | 'int64' | 'uint64', value: number): Value => ({ type, value })

/** Each HELLO is accepted, and the connection answers NOTIFYs. */
async function accepts(context: CheckContext, hellos: readonly Buffer[]): Promise<void> {
  for (const bytes of hellos) {
    const conversation = await context.shake(bytes)
    await conversation.ask(context.sample)
    conversation.wire.destroy()
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

/** HELLO (SPOE.txt 3.2.4, 3.2.5): what is accepted, and how it is answered. */
export const handshakeChecks: readonly Check[] = [...answers, ...accepted]
