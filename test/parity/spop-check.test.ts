/** What `option spop-check` says of answers, made by hand from SPOE.txt: HAProxy beside sluice. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'

const text = (value: string): number[] => [value.length, ...Buffer.from(value)]
const version = (value: string): number[] => [...text('version'), 8, ...text(value)]
/** 16380 as a varint. */
const frameSize = [...text('max-frame-size'), 3, 0xfc, 0xf0, 0x06]
const capabilities = [...text('capabilities'), 8, ...text('')]

const hello = (items: readonly number[], { type = 101, flags = [0, 0, 0, 1], ids = [0, 0] } = {}): Buffer => {
  const frame = [type, ...flags, ...ids, ...items]
  const head = Buffer.alloc(4)
  head.writeUInt32BE(frame.length)
  return Buffer.concat([head, Buffer.from(frame)])
}

const whole = [...version('2.0'), ...frameSize, ...capabilities]

const answers: Readonly<Record<string, Buffer>> = {
  right: hello(whole),
  'empty frame': Buffer.alloc(4),
  'no FIN': hello(whole, { flags: [0, 0, 0, 0] }),
  'behind it more': Buffer.concat([hello(whole), Buffer.from('more')]),
  'a farewell': hello([...text('status-code'), 3, 99, ...text('message'), 8, ...text('bye')], { type: 102 }),
  HTTP: Buffer.from('HTTP/1.1 400 Bad\r\n\r\n'),
  'another version': hello([...version('1.0'), ...frameSize, ...capabilities]),
  'a stream id': hello(whole, { ids: [1, 0] }),
  'a frame id': hello(whole, { ids: [0, 1] }),
  'another type': hello(whole, { type: 103 }),
  'no version': hello([...frameSize, ...capabilities]),
  'no max-frame-size': hello([...version('2.0'), ...capabilities]),
  'no capabilities': hello([...version('2.0'), ...frameSize]),
  'too small frames': hello([...version('2.0'), ...text('max-frame-size'), 3, 100, ...capabilities]),
  'a text that is cut': hello([...version('2.0'), 9, 109]),
}

const names = Object.keys(answers)
const servers: Server[] = []
let ports: readonly number[] = []

before(async () => {
  for (const answer of Object.values(answers)) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(answer))
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
  ports = servers.map((server) => (server.address() as AddressInfo).port)
})
after(() => {
  for (const server of servers) server.close()
})

const config = ({ fe }: { readonly fe: number }): string => `
defaults
  mode tcp
  log stdout format raw local0
  option log-health-checks
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend f
  bind 127.0.0.1:${fe}
${names
  .map(
    (_, at) =>
      `backend b${at}\n  option spop-check\n  server s 127.0.0.1:${ports[at]} check inter 1s rise 1 fall 1\n`,
  )
  .join('')}`

/** The first line about each backend, without its time. */
async function firstLines(logs: () => string): Promise<string[]> {
  const lines = (): (string | undefined)[] =>
    names.map((_, at) => new RegExp(`Health check for server b${at}/s .*$`, 'm').exec(logs())?.[0])
  for (let waited = 0; waited < 10_000 && lines().includes(undefined); waited += 50) await sleep(50)
  return lines().map((line, at) => `${names[at]}: ${line?.replace(/duration: \d+ms/, 'duration: ms')}`)
}

test('the reason of each answer', { skip: skipWithoutHaproxy() }, async () => {
  const haproxy = await startHaproxy({ ports: ['fe'], config })
  const theirs = await firstLines(() => haproxy.logs())
  await haproxy.stop()
  const sluice = await startSluice({ ports: ['fe'], config })
  const ours = await firstLines(() => sluice.logs())
  await sluice.stop()
  assert.deepEqual(ours, theirs)
})
