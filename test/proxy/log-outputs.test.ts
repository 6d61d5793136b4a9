/**
 * Where log lines go, when nobody takes them: `sluice run` as a process of its own, with real pipes. What a reader can do
 * (stall, stall and read on, leave) times the targets that have one, then UDP.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../support/ports.ts'
import { RawHttp } from '../support/raw-http.ts'
import { root } from '../support/sluice.ts'
import { until } from '../support/until.ts'
import { folder, type Cleanup } from './support.js'

/** A pipe of the kernel: the writing end for a child, the reading end for us, which nobody has to read. */
class Pipe {
  readonly writer: number
  text = ''
  readonly #fd: number
  #reader: Socket | undefined
  #left = false

  constructor(t: Cleanup, dir: string, name: string) {
    const path = join(dir, name)
    assert.equal(spawnSync('mkfifo', [path]).status, 0)
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    this.writer = openSync(path, 'w')
    t.after(() => this.leave())
  }

  read(): void {
    this.#reader = new Socket({ fd: this.#fd, readable: true, writable: false })
    this.#reader.on('data', (chunk) => (this.text += chunk.toString('latin1')))
  }

  leave(): void {
    if (this.#left) return
    this.#left = true
    if (this.#reader === undefined) closeSync(this.#fd)
    else this.#reader.destroy()
  }
}

const targets = ['stdout', 'stderr', 'fd@3'] as const
type Target = (typeof targets)[number]

interface Running {
  readonly port: number
  /** The target's pipe. */
  readonly pipe: Pipe
  /** Standard error, unless that is the target. */
  readonly said: Pipe
  /** Bytes of memory in use. */
  memory(): number
  /** How it ended, and after how many milliseconds. */
  end(): Promise<{ readonly code: number | null; readonly took: number }>
}

async function run(t: Cleanup, log: string, target?: Target): Promise<Running> {
  const [port = 0] = await freePorts(1)
  const config = `
global
  tune.http.logurilen 16384
defaults
  mode http
  timeout client 5s
frontend fe
  bind 127.0.0.1:${port}
  log ${log}
  log-format "%HP"
  http-request return status 204
`
  const dir = folder(t, { 'haproxy.cfg': config })
  const pipes = ['stdout', 'stderr', 'fd@3'].map((name) => new Pipe(t, dir, name))
  const [stdout, stderr, other] = pipes as [Pipe, Pipe, Pipe] // three names
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'run', '-f', 'haproxy.cfg'], {
    cwd: dir,
    stdio: ['ignore', stdout.writer, stderr.writer, other.writer],
  })
  for (const { writer } of pipes) closeSync(writer)
  const ended = once(child, 'exit') as Promise<[number | null]>
  t.after(() => void child.kill('SIGKILL'))
  const pipe = pipes[Math.max(0, targets.indexOf(target ?? 'stdout'))] ?? stdout
  for (const each of pipes) if (each !== pipe || target === undefined) each.read()
  await listening(port)
  return {
    port,
    pipe,
    said: stderr,
    memory: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    async end() {
      const began = performance.now()
      child.kill('SIGTERM')
      const [code] = await ended
      return { code, took: performance.now() - began }
    },
  }
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const client = new RawHttp(port)
    client.send('GET /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const reply = await client.reply()
    client.close()
    if (typeof reply !== 'string') return
    await sleep(20)
  }
  throw new Error('it does not listen')
}

/** Sends requests whose log lines have `size` bytes, one after the other's answer. */
async function load(port: number, count: number, size: number): Promise<void> {
  const client = new RawHttp(port)
  const request = `GET /${'x'.repeat(size - 1)} HTTP/1.1\r\nHost: a\r\n\r\n`
  for (let sent = 0; sent < count; sent += 10) {
    client.send(request.repeat(10))
    for (let each = 0; each < 10; each++) {
      const reply = await client.reply()
      assert.equal(typeof reply === 'string' ? reply : reply.line, 'HTTP/1.1 204 No Content')
    }
  }
  client.close()
}

const megabyte = 1_048_576

describe('a log whose reader', { concurrency: 3 }, () => {
  for (const target of targets) {
    it(`stalls costs lines, not memory, and does not hold up the end: ${target}`, async (t) => {
      const sluice = await run(t, `${target} len 65535 format raw local0`, target)
      await load(sluice.port, 1000, 8000)
      const before = sluice.memory()
      // 80 MB of log.
      await load(sluice.port, 10_000, 8000)
      assert.ok(sluice.memory() - before < 40 * megabyte, `from ${before} to ${sluice.memory()} bytes`)
      const { code, took } = await sluice.end()
      assert.equal(code, 0)
      assert.ok(took < 3000, `${took} ms`)
      if (target !== 'stderr') {
        assert.equal(sluice.said.text.match(/log lines are being lost/g)?.length, 1)
        assert.match(sluice.said.text, new RegExp(`log lines were lost target=${target} lines=\\d+`))
      }
    })

    it(`stalls and reads on has all lines but those that are counted: ${target}`, async (t) => {
      const sluice = await run(t, `${target} len 65535 format raw local0`, target)
      await load(sluice.port, 1000, 8000)
      sluice.pipe.read()
      const lost = /log lines were lost target=\S+ lines=(\d+)/
      await until(() => lost.test(sluice.said.text), 'the count')
      await load(sluice.port, 10, 100)
      await until(() => /^\/x{99}$/m.test(sluice.pipe.text), 'a line after the gap')
      const arrived = sluice.pipe.text.match(/^\/x{7999}$/gm)?.length ?? 0
      assert.equal(arrived + Number(lost.exec(sluice.said.text)?.[1]), 1000)
      assert.equal((await sluice.end()).code, 0)
    })

    it(`leaves ends nothing: ${target}`, async (t) => {
      const sluice = await run(t, `${target} format raw local0`, target)
      sluice.pipe.leave()
      await load(sluice.port, 100, 100)
      await sleep(1100)
      await load(sluice.port, 100, 100)
      const { code, took } = await sluice.end()
      assert.equal(code, 0)
      assert.ok(took < 3000, `${took} ms`)
      if (target !== 'stderr') assert.match(sluice.said.text, /being lost target=\S+ why="?write EPIPE/)
    })
  }
})

describe('a log over UDP', () => {
  it('to a name that nobody knows ends nothing', async (t) => {
    const sluice = await run(t, 'no-such-host.invalid:514 local0')
    await load(sluice.port, 20, 100)
    await until(() => sluice.said.text.includes('log lines are being lost'), 'the warning')
    await load(sluice.port, 1000, 100)
    assert.equal(sluice.said.text.match(/being lost/g)?.length, 1)
    const { code, took } = await sluice.end()
    assert.equal(code, 0)
    assert.ok(took < 3000, `${took} ms`)
  })

  it('to a port that nobody has, and with datagrams that are too large, ends nothing', async (t) => {
    const [port = 0] = await freePorts(1)
    const sluice = await run(t, `127.0.0.1:${port} len 65535 local0`)
    await load(sluice.port, 200, 8000)
    assert.equal((await sluice.end()).code, 0)
    const another = await run(t, `255.255.255.255:${port} local0`)
    await load(another.port, 20, 100)
    assert.match(another.said.text, /being lost target=255\.255\.255\.255:\d+ why="?send EACCES/)
    assert.equal((await another.end()).code, 0)
  })

  it('takes a burst with bounded memory', async (t) => {
    const target = createSocket('udp4')
    target.bind(0, '127.0.0.1')
    await once(target, 'listening')
    t.after(() => void target.close())
    let received = 0
    target.on('message', () => void received++)
    const sluice = await run(t, `127.0.0.1:${target.address().port} len 65535 local0`)
    await load(sluice.port, 1000, 8000)
    const before = sluice.memory()
    await load(sluice.port, 5000, 8000)
    assert.ok(sluice.memory() - before < 40 * megabyte, `from ${before} to ${sluice.memory()} bytes`)
    assert.ok(received > 0)
    assert.equal((await sluice.end()).code, 0)
  })
})
