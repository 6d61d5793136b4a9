import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawn } from 'node:child_process'
import { dial } from '#src/net/dial.js'
import type { Dialling } from '#src/net/dial.js'
import type { Endpoint } from 'sluice'
import { freePorts } from '../support/ports.ts'

/** Dials, and tells what came of it. */
function watch(t: TestContext, endpoint: Endpoint, timeout?: number): { seen: string[]; dialling: Dialling } {
  const seen: string[] = []
  const dialling = dial(
    endpoint,
    { create: () => new Socket(), timeout },
    {
      onConnected: (socket) => {
        t.after(() => socket.destroy())
        seen.push(`connected, ${socket.listenerCount('error')} listeners`)
      },
      onFailed: (why, error) =>
        seen.push(`${why} ${(error as NodeJS.ErrnoException | undefined)?.code ?? '-'}`),
    },
  )
  t.after(() => dialling.cancel())
  assert.deepEqual(seen, [], 'nothing is told from within')
  return { seen, dialling }
}

async function until(seen: string[], count = 1): Promise<string[]> {
  for (let waited = 0; waited < 3000 && seen.length < count; waited += 5) await sleep(5)
  await sleep(30)
  return seen
}

/** A process that listens with the smallest backlog, and accepts nothing before it is told to. */
async function stuckListener(t: TestContext): Promise<{ path: string; accept: () => void }> {
  const dir = mkdtempSync(join(tmpdir(), 'net-test-'))
  const path = join(dir, 'a.sock')
  const code = `
    const server = require('net').createServer((socket) => socket.resume())
    server.listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
      process.stdout.write('up')
      // A busy process: the event loop stands still.
      require('fs').readSync(0, Buffer.alloc(1))
    })`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => {
    child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })
  await once(child.stdout, 'data')
  return { path, accept: () => void child.stdin.write('x') }
}

describe('dialling', () => {
  it('gives a socket without listeners, over TCP', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { seen } = watch(t, { type: 'tcp', host: '127.0.0.1', port }, 1000)
    assert.deepEqual(await until(seen), ['connected, 0 listeners'])
  })

  it('tells once what failed', async (t) => {
    const [port = 0] = await freePorts(1)
    assert.deepEqual(await until(watch(t, { type: 'tcp', host: '127.0.0.1', port }).seen), [
      'error ECONNREFUSED',
    ])
    assert.deepEqual(await until(watch(t, { type: 'unix', path: '/nowhere/a' }, 500).seen), ['error ENOENT'])
    assert.deepEqual(await until(watch(t, { type: 'fd', fd: 3 }).seen), ['error -'])
  })

  it('tells nothing once it was cancelled', async (t) => {
    const [port = 0] = await freePorts(1)
    const { seen, dialling } = watch(t, { type: 'tcp', host: '127.0.0.1', port })
    dialling.cancel()
    dialling.cancel()
    await sleep(50)
    assert.deepEqual(seen, [])
  })

  it('tries a unix socket with a full backlog again, as long as there is time', async (t) => {
    const { path, accept } = await stuckListener(t)
    const first = Array.from({ length: 2 }, () => watch(t, { type: 'unix', path }, 3000))
    for (const { seen } of first) await until(seen)
    const without = watch(t, { type: 'unix', path })
    assert.deepEqual(await until(without.seen), ['error EAGAIN'])
    const short = watch(t, { type: 'unix', path }, 100)
    assert.deepEqual(await until(short.seen), ['timeout -'])
    const long = watch(t, { type: 'unix', path }, 3000)
    await sleep(100)
    assert.deepEqual(long.seen, [])
    accept()
    assert.deepEqual(await until(long.seen), ['connected, 0 listeners'])
  })
})
