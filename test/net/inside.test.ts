/** What is found inside the sockets of this line of Node.js: a line that brings others is told here first. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { Duplex } from 'node:stream'
import { Socket } from 'node:net'
import { it } from 'node:test'
import { TLSSocket } from 'node:tls'
import { ChunkSocket } from '#src/net/chunk-socket.js'
import { handleOf, isPlainSocket, readKeys, WriteRequestClass } from '#src/net/inside.js'
import { waitingBytes } from '#src/net/quick-write.js'
import { LingeringSocket } from '#src/net/lingering-socket.js'
import { MemorySocket } from '#src/net/memory-socket.js'
import { isPlain, kinds, socketPair } from '../support/socket-pairs.ts'
import { until } from '../support/until.ts'

const line = Number.parseInt(process.versions.node, 10)

it('finds how to read on the lines 20 to 26, and how to write on those that make a request for each write', () => {
  const isFound = line <= 26 && !isPlain
  assert.equal(readKeys !== undefined, isFound)
  assert.equal(WriteRequestClass !== undefined, isFound && line < 26)
})

it('finds neither where SLUICE_PLAIN_SOCKETS asks for sockets as documented', () => {
  const code = `const { readKeys, WriteRequestClass } = await import(${JSON.stringify(import.meta.resolve('#src/net/inside.js'))})
    console.log(readKeys, WriteRequestClass)`
  const env = { ...process.env, SLUICE_PLAIN_SOCKETS: '1' }
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', code], { env, encoding: 'utf8' })
  assert.equal(told, 'undefined undefined\n')
})

class Own extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._write(chunk, encoding, done)
  }
}

const traced = new Socket()
traced.write = traced.write.bind(traced) as Socket['write']

for (const [name, stream, expected] of [
  ['a socket', new Socket(), true],
  ['a socket of ours', new ChunkSocket(), true],
  ['one that lingers', new LingeringSocket(), true],
  ['TLS', new TLSSocket(new Socket()), false],
  ['another stream', new Duplex(), false],
  ['a socket in memory', new MemorySocket(), false],
  ['a socket that somebody watches', traced, false],
  ['a socket with a way to write of its own', new Own(), false],
] as const) {
  it(`${name} is ${expected ? 'plain' : 'not plain'}`, () => assert.equal(isPlainSocket(stream), expected))
}

for (const kind of kinds) {
  it(`${kind}: bytes wait in the stream or below it, until the kernel has them, and none of a socket that is gone`, async (t) => {
    const { accepted, connected } = await socketPair(t, kind)
    assert.equal(waitingBytes(accepted), 0)
    const size = 16_777_216
    accepted.write(Buffer.alloc(size))
    assert.ok(waitingBytes(accepted) > 0 && waitingBytes(accepted) <= size, `${waitingBytes(accepted)}`)
    connected.resume()
    await until(() => waitingBytes(accepted) === 0)
    accepted.cork()
    accepted.write('corked')
    assert.equal(waitingBytes(accepted), 6)
    accepted.uncork()
    accepted.destroy()
    assert.deepEqual([handleOf(accepted), waitingBytes(accepted)], [undefined, 0])
  })
}
