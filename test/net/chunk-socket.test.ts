/** A socket that hands out chunks past the stream layer, against one of Node.js. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { isLent, keep, lookAt } from '#src/base/lent.js'
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

test('what is kept of a chunk is not written again when more comes, on this socket or on another', async (t) => {
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
          kept.push(keep(chunk))
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
  socket.onChunk = (chunk) => void seen.push(lookAt(chunk).toString())
  socket.on('end', () => seen.push('end'))
  socket.pause()
  peer.end('bytes')
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.deepEqual([seen, socket.isPaused()], [[], true])
  socket.resume()
  await once(socket, 'end')
  assert.deepEqual(seen, ['bytes', 'end'])
})

test('a chunk is lent for the time of the call; what is kept of it is not, and is kept once', async (t) => {
  const [socket, peer] = await pair(t)
  const chunk = await new Promise<[boolean, Buffer]>((resolve) => {
    socket.onChunk = (lent) => resolve([isLent(lent), keep(lent)])
    peer.write('bytes')
  })
  const [wasLent, kept] = chunk
  assert.equal(wasLent, process.platform !== 'win32')
  assert.deepEqual([isLent(kept), keep(kept) === kept, kept.toString()], [false, true, 'bytes'])
})
