/** `option forwardfor` of a frontend and of its backend together: which header, for whom, and beside which of the client's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RawClient, rawOrigin } from '../proxy/support.ts'
import type { Cleanup } from '../proxy/support.ts'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { startSluice } from '../support/sluice.ts'

const options = [
  '',
  'option forwardfor',
  'option forwardfor if-none',
  'option forwardfor header X-Client',
  'option forwardfor except 127.0.0.0/8',
  'option forwardfor except 192.0.2.1 header X-Client if-none',
] as const

const headers = ['', 'X-Forwarded-For: 192.0.2.9\r\n', 'X-Client: 192.0.2.9\r\n'] as const

/** Each frontend has an address of its own; the path chooses the backend. The last frontend has its option from `defaults`. */
const config = (origin: number) => (ports: Readonly<Record<'fe', number>>) =>
  `defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
${options.map((option, at) => `backend ${at}\n  ${option}\n  server s 127.0.0.1:${origin}`).join('\n')}
${options.map((option, at) => `frontend f${at}\n  bind 127.0.0.${at + 1}:${ports.fe}\n  ${option}\n  use_backend %[path,field(2,/)]`).join('\n')}
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
  option forwardfor header X-Default
backend inherits
  server s 127.0.0.1:${origin}
backend unchanged
  option forwardfor
  server s 127.0.0.1:${origin}
frontend inheriting
  bind 127.0.0.${options.length + 1}:${ports.fe}
  option forwardfor except 127.0.0.1
  use_backend %[path,field(2,/)]
`

/** Every pair, by frontend and backend. */
const pairs = [
  ...options.flatMap((_, front) => options.map((__, back) => [front, String(back)] as const)),
  ...['inherits', 'unchanged', '1'].map((back) => [options.length, back] as const),
]

async function startOrigin(
  t: Cleanup,
): Promise<{ readonly port: number; readonly seen: Map<string, string> }> {
  const seen = new Map<string, string>()
  const { port } = await rawOrigin(t, (text) => {
    if (!text.endsWith('\r\n\r\n')) return undefined
    seen.set(/x-id: (.*)\r\n/.exec(text)?.[1] ?? '', text)
    return 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'
  })
  return { port, seen }
}

async function askAll(port: number): Promise<void> {
  await Promise.all(
    pairs.map(async ([front, back]) => {
      const client = new RawClient(port, `127.0.0.${front + 1}`)
      for (const [at, header] of headers.entries()) {
        const id = `${front} ${back} ${at}`
        client.received = ''
        client.send(`GET /${back} HTTP/1.1\r\nHost: h\r\nX-Id: ${id}\r\n${header}\r\n`)
        await client.until('done')
      }
      client.destroy()
    }),
  )
}

test('both sections have a say in option forwardfor', { skip: skipWithoutHaproxy() }, async (t) => {
  const origins = [await startOrigin(t), await startOrigin(t)] as const
  const haproxy = await startHaproxy({ ports: ['fe'], config: config(origins[0].port) })
  const sluice = await startSluice({ ports: ['fe'], config: config(origins[1].port) })
  try {
    await Promise.all([askAll(haproxy.ports.fe), askAll(sluice.ports.fe)])
    const [theirs, ours] = origins.map(({ seen }) =>
      [...seen].map(([id, text]) => `${id}: ${text}`).toSorted(),
    )
    assert.equal(theirs?.length, pairs.length * headers.length)
    assert.deepEqual(ours, theirs)
  } finally {
    await haproxy.stop()
    await sluice.stop()
  }
})
