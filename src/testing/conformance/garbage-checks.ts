import { Buffer } from 'node:buffer'
import { FrameType } from '../../spop/frame-head.ts'
import { formatEvent } from '../wire.ts'
import type { Check, CheckContext, CheckPoint } from './check.ts'
import type { CheckLevel } from './verdict.ts'
import type { RefusalRules } from './conversation.ts'
import { fin, frameOf, notifyOf } from './frames.ts'

const text = (value: string) => Buffer.from(value, 'latin1')

/** On a fresh connection, and on one that has shaken hands. */
async function refusesBytes(context: CheckContext, bytes: Buffer): Promise<void> {
  for (const conversation of [await context.open(), await context.shake()]) {
    await conversation.send(bytes)
    await conversation.expectRefusal({ silent: undefined })
  }
}

function garbage(id: string, title: string, bytes: Buffer, points: readonly CheckPoint[]): Check {
  return {
    id: `garbage.${id}`,
    title,
    level: 'must',
    source: 'SPOE.txt 3.2, safety',
    points,
    hostile: true,
    run: (context) => refusesBytes(context, bytes),
  }
}

function brokenNotify(
  id: string,
  title: string,
  payload: string,
  points: readonly CheckPoint[],
  level: CheckLevel,
): Check {
  return {
    id: `garbage.${id}`,
    title,
    level,
    source: 'SPOE.txt 3.1, 3.5',
    points,
    hostile: true,
    async run(context) {
      const rules: RefusalRules = { statuses: [4], silent: 'should' }
      const conversation = await context.shake()
      await conversation.send(frameOf(FrameType.Notify, fin, 1, 1, Buffer.from(payload, 'hex')))
      await conversation.expectRefusal(rules)
    },
  }
}

/** A TLS 1.2 ClientHello, as far as it matters. */
const clientHello = Buffer.from(`16030100c8010000c40303${'5a'.repeat(32)}00`, 'hex')
const httpRequest = text('GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.0\r\n\r\n')

/** Bytes that are no SPOP, or broken SPOP: refused at once, before memory is taken, and nobody else notices. */
export const garbageChecks: readonly Check[] = [
  garbage(
    'http',
    'an HTTP request is refused at once: its first bytes read as a length of 1.2 GB',
    httpRequest,
    ['W16', 'W25'],
  ),
  garbage('4gb', 'a length of 4 GB is refused at once', Buffer.from('ffffffff01000000010000', 'hex'), [
    'W16',
    'W25',
  ]),
  garbage('tls', 'a TLS handshake is refused at once', clientHello, ['W16', 'W25']),
  garbage('empty', 'a length of 0 is refused', Buffer.from('0000000000000000', 'hex'), ['W16']),
  {
    id: 'garbage.too-big',
    title: 'a frame of one byte more than agreed is refused with status 3, as soon as its length is there',
    level: 'must',
    source: 'SPOE.txt 3.2, 3.5',
    points: ['A6', 'W16'],
    hostile: true,
    async run(context) {
      const conversation = await context.shake()
      const length = Buffer.alloc(4)
      length.writeUInt32BE(conversation.maxFrameSize + 1)
      await conversation.send(Buffer.concat([length, Buffer.from('03000000010101', 'hex')]))
      await conversation.expectRefusal({ statuses: [3] })
    },
  },
  brokenNotify(
    'truncated',
    'a NOTIFY that ends inside a value is refused with status 4',
    '016d01016108ff',
    ['W24'],
    'should',
  ),
  brokenNotify(
    'count',
    'a NOTIFY with fewer arguments than NB-ARGS says is refused with status 4',
    '016d0201610401',
    ['W7', 'W24'],
    'should',
  ),
  brokenNotify(
    'overlong',
    'an integer of more than ten bytes is refused with status 4',
    `016d01016104${'ff'.repeat(11)}01`,
    ['W24'],
    'should',
  ),
  brokenNotify(
    'type',
    'a value of a reserved type is refused with status 4',
    '016d0101610b',
    ['W24'],
    'should',
  ),
  brokenNotify(
    'string',
    'a string that is longer than its frame is refused with status 4',
    '016d01016108fff0fefefefefefefe0e',
    ['W11', 'W24'],
    'should',
  ),
  {
    id: 'garbage.after',
    title: 'nothing is answered that stands behind broken bytes',
    level: 'must',
    source: 'safety',
    points: ['W16', 'W24'],
    hostile: true,
    async run(context) {
      const conversation = await context.shake()
      const broken = Buffer.from('7fffffff03000000010101', 'hex')
      await conversation.send(Buffer.concat([broken, notifyOf(3, 1, context.sample)]))
      const event = await conversation.next()
      const refused = event?.kind !== 'frame' || event.frame.type === FrameType.AgentDisconnect
      if (event === undefined || !refused)
        conversation.fail('AGENT-DISCONNECT or the end', formatEvent(event))
    },
  },
]
