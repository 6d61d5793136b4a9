/** The NOTIFY frames that the load sends, and the declarations to read them with. Both ends of a bench agree here. */
import { IpAddress } from 'sluice'
import type { Schema } from 'sluice/agent'
import { encodeNotify, Writer, type MessageInput } from 'sluice/spop'

export const messageName = 'get-ip-reputation'

/** Twenty messages, the first of which is the one above. */
export const manyMessages = [messageName, ...Array.from({ length: 19 }, (_, at) => `message-${at + 2}`)]

const headers = 'User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n'

const one: MessageInput = { name: messageName, args: [['ip', IpAddress.parse('192.0.2.1')]] }

/** Eight mixed arguments, about 300 bytes. */
const mixed: MessageInput = {
  name: messageName,
  args: [
    ['ip', IpAddress.parse('192.0.2.1')],
    ['dst', IpAddress.parse('2001:db8::1')],
    ['method', 'GET'],
    ['path', '/api/v1/customers/42/orders?page=3&size=20'],
    ['hdrs', headers.repeat(4).slice(0, 200)],
    ['ssl', true],
    ['port', { type: 'int32', value: 443 }],
    ['bytes', 5_000_000_000],
  ],
}

/** How many arguments are behind the address of a `wide` message. */
const wideCount = 127

/** Of each four, two texts that stay, one that is another each time (bench/spop-load.c), and a number. */
const wideArgs: MessageInput['args'] = Array.from({ length: wideCount }, (_, at) => {
  const kinds = [
    'gzip, deflate, br',
    'en-GB,en',
    'request-00000000',
    { type: 'int32', value: 1000 + at } as const,
  ]
  return [`a${at}`, kinds[at % 4] ?? ''] as const
})

/** What an agent declares to read them all. */
export const wideSchema: Schema = {
  ip: 'ip',
  ...Object.fromEntries(wideArgs.map(([name], at) => [name, at % 4 === 3 ? 'integer' : 'string'] as const)),
}

const wide: MessageInput = { name: messageName, args: [...one.args, ...wideArgs] }

const payloads = { one, mixed, wide } as const

export type PayloadName = keyof typeof payloads

/** One whole frame. `streamId` must be below 240, so that all frames have one size. */
export function notifyFrame(payload: PayloadName, streamId: number): Buffer {
  const writer = new Writer()
  encodeNotify(writer, streamId, 1, [payloads[payload]])
  return Buffer.from(writer.view())
}
