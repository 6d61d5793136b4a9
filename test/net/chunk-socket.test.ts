/** A socket that hands out chunks past the stream layer, against one of Node.js. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { ChunkSocket } from '#src/net/chunk-socket.js'

async function pair(t: TestContext): Promise<[ChunkSocket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = new ChunkSocket({ allowHalfOpen: true })
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1') // of a listening TCP server
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
    [Socket],
    [],
  ]
  t.after(() => {
    socket.destroy()
    peer.destroy()
    server.close()
  })
  return [socket, peer]
}

test('chunks are not written again when more comes, on this socket or on another', async (t) => {
  const sockets = await Promise.all([pair(t), pair(t)])
  const kept: Buffer[] = []
  for (const [name, size] of [
    ['a', 10],
    ['b', 3000],
    ['c', 30_000],
  ] as const) {
    for (const [socket, peer] of sockets) {
      let got = 0
      const all = new Promise<void>((resolve) => {
        socket.onChunk = (chunk) => {
          kept.push(chunk)
          got += chunk.length
          if (got === size) resolve()
        }
      })
      peer.write(name.repeat(size))
      await all
    }
  }
  const text = Buffer.concat(kept).toString()
  assert.equal(
    text,
    ['a', 'b', 'c'].flatMap((name, at) => Array(2).fill(name.repeat([10, 3000, 30_000][at] ?? 0))).join(''),
  )
})

test('a paused one reads nothing, and the end comes behind the bytes', async (t) => {
  const [socket, peer] = await pair(t)
  const seen: string[] = []
  socket.onChunk = (chunk) => void seen.push(chunk.toString())
  socket.on('end', () => seen.push('end'))
  socket.pause()
  peer.end('bytes')
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.deepEqual([seen, socket.isPaused()], [[], true])
  socket.resume()
  await once(socket, 'end')
  assert.deepEqual(seen, ['bytes', 'end'])
})
