import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { spawnSync } from 'node:child_process'
import { listenOn } from '#src/net/listener.js'
import type { BindOptions } from '#src/net/listener.js'
import type { Endpoint } from 'sluice'

function socketPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'net-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return join(dir, 'a.sock')
}

async function listen(t: TestContext, endpoint: Endpoint, options: Partial<BindOptions> = {}) {
  const server: Server = createServer()
  t.after(() => server.close())
  return listenOn(server, endpoint, { remove: 'unanswered', onAcceptError: () => {}, ...options })
}

/** A socket file that nobody listens on any more: its process was killed. */
function leaveSocket(path: string): void {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`
  spawnSync(process.execPath, ['-e', code])
  assert.ok(statSync(path).isSocket())
}

const taken = { code: 'EADDRINUSE' }

describe('a unix socket', () => {
  // What is there, and what becomes of it.
  for (const [there, remove, expected] of [
    ['nothing', 'unanswered', 'listens'],
    ['nothing', 'any', 'listens'],
    ['a socket of nobody', 'unanswered', 'listens'],
    ['a socket of nobody', 'any', 'listens'],
    ['a socket in use', 'unanswered', 'refused'],
    ['a socket in use', 'any', 'listens'],
    ['a file', 'unanswered', 'refused'],
    ['a file', 'any', 'refused'],
  ] as const) {
    it(`where there is ${there}, removing ${remove}: ${expected}`, async (t) => {
      const path = socketPath(t)
      if (there === 'a file') writeFileSync(path, 'precious')
      else if (there === 'a socket of nobody') leaveSocket(path)
      else if (there === 'a socket in use') await listen(t, { type: 'unix', path })
      const listening = listen(t, { type: 'unix', path }, { remove })
      if (expected === 'refused') await assert.rejects(listening, taken)
      else assert.deepEqual(await listening, { type: 'unix', path })
      assert.ok(existsSync(path))
      assert.equal(statSync(path).isSocket(), there !== 'a file')
    })
  }

  it('has the permissions that it is given', async (t) => {
    const path = socketPath(t)
    await listen(t, { type: 'unix', path }, { mode: 0o611 })
    assert.equal(statSync(path).mode & 0o777, 0o611)
  })

  it('is told what is in its way, with the code of the system', async (t) => {
    const path = socketPath(t)
    const dir = dirname(path)
    writeFileSync(path, 'precious')
    for (const [where, wanted] of [
      [path, { code: 'EADDRINUSE', message: 'there is a file of that name, which is no socket' }],
      [dir, { code: 'EADDRINUSE', message: 'there is a directory of that name' }],
      [
        join(dir, 'none', 'a'),
        { code: 'EACCES', message: `the directory ${join(dir, 'none')} does not exist` },
      ],
    ] as const)
      await assert.rejects(listen(t, { type: 'unix', path: where }), wanted)
  })

  it('that cannot be made is told by the system', async (t) => {
    const path = join(socketPath(t), 'deeper')
    await assert.rejects(listen(t, { type: 'unix', path }), { syscall: 'listen' })
  })
})

it('tells when the process runs out of descriptors, which the system hides', async () => {
  const listener = JSON.stringify(import.meta.resolve('#src/net/listener.js'))
  const script = `
    import { createServer, connect } from 'node:net'
    const { listenOn } = await import(${listener})
    const onAcceptError = (error) => { console.log(error.code, error.message); process.exit() }
    const { port } = await listenOn(createServer(), { type: 'tcp', host: '127.0.0.1', port: 0 }, { remove: 'any', onAcceptError })
    const next = () => connect(port, '127.0.0.1').on('error', () => {}).on('connect', next)
    next()
    setTimeout(() => process.exit(), 5000)`
  const run = spawnSync(
    'sh',
    ['-c', 'ulimit -n 100; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    {
      encoding: 'utf8',
    },
  )
  assert.match(run.stdout, /^EMFILE EMFILE: descriptor \d+ of 100 \(ulimit -n\) is in use/, run.stderr)
})

describe('a port', () => {
  it('that the kernel chooses is told, with the host as it was given', async (t) => {
    const bound = await listen(t, { type: 'tcp', host: 'localhost', port: 0 })
    assert.ok(bound.type === 'tcp' && bound.port > 0)
    assert.equal(bound.host, 'localhost')
  })

  it('that is taken is refused', async (t) => {
    const bound = await listen(t, { type: 'tcp', host: '127.0.0.1', port: 0 })
    await assert.rejects(listen(t, bound), taken)
  })
})
