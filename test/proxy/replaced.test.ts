/** A proxy that is started beside its predecessor, as `systemctl reload` and people do, and ones that are closed at odd times. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { createProxy, loadProxy } from 'sluice/proxy'
import { defaults, folder } from './support.ts'

/** A proxy that answers with its name on `bind`. */
function make(t: Parameters<typeof folder>[0], name: string, ...binds: string[]) {
  const lines = binds.map((each) => `  bind ${each}\n`).join('')
  const answer = `http-request return status 200 content-type text/plain string ${name}`
  const cwd = folder(t, { 'a.cfg': `${defaults}frontend ${name}\n${lines}  ${answer}\n` })
  const { plan } = loadProxy({ files: ['a.cfg'], cwd })
  assert.ok(plan)
  const proxy = createProxy(plan)
  t.after(() => proxy.destroy())
  return proxy
}

async function ask(path: string): Promise<string> {
  const socket = connect(path)
  socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  return (await text(socket)).replace(/^.*\r\n\r\n/s, '')
}

describe('a unix socket', () => {
  it("is its successor's once that has started, and stays when the predecessor ends", async (t) => {
    const dir = folder(t, {})
    const path = join(dir, 'a.sock')
    const first = make(t, 'first', `unix@${path} mode 611`)
    await first.start()
    assert.equal(await ask(path), 'first')
    assert.equal(statSync(path).mode & 0o777, 0o611)
    const second = make(t, 'second', `unix@${path}`)
    await second.start()
    assert.equal(await ask(path), 'second')
    await first.close()
    assert.equal(await ask(path), 'second')
    await second.close()
    assert.deepEqual(readdirSync(dir), [])
  })

  it("stays the predecessor's when the successor cannot start", async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => void taken.close())
    const dir = folder(t, {})
    const path = join(dir, 'a.sock')
    await make(t, 'first', `unix@${path}`).start()
    const { port } = taken.address() as AddressInfo
    const second = make(t, 'second', `unix@${path}`, `127.0.0.1:${port}`)
    await assert.rejects(second.start(), { code: 'ERR_PROXY_LISTEN' })
    assert.equal(await ask(path), 'first')
    assert.deepEqual(readdirSync(dir), ['a.sock'])
  })

  it('that cannot be is told with the line and what is in its way', async (t) => {
    const dir = folder(t, { file: 'precious' })
    for (const [path, reason] of [
      [join(dir, 'file'), 'there is a file of that name, which is no socket'],
      [dir, 'there is a directory of that name'],
      [join(dir, 'none', 'a.sock'), `the directory ${join(dir, 'none')} does not exist`],
    ] as const) {
      await assert.rejects(make(t, 'a', `unix@${path}`).start(), {
        code: 'ERR_PROXY_LISTEN',
        message: `an address cannot be listened on: a.cfg:10: bind unix@${path}: ${reason}`,
      })
    }
    assert.ok(existsSync(join(dir, 'file')))
  })
})

describe('start()', () => {
  it('that is called again starts nothing again', async (t) => {
    const path = join(folder(t, {}), 'a.sock')
    const proxy = make(t, 'first', `unix@${path}`)
    await Promise.all([proxy.start(), proxy.start()])
    await proxy.start()
    assert.equal(await ask(path), 'first')
  })

  it('behind close(), or overtaken by it, leaves nothing that listens', async (t) => {
    const dir = folder(t, {})
    const late = make(t, 'late', `unix@${join(dir, 'a.sock')}`)
    await late.close()
    await assert.rejects(late.start(), { code: 'ERR_SLUICE_CLOSED' })
    const early = make(t, 'early', `unix@${join(dir, 'b.sock')}`)
    const starting = assert.rejects(early.start(), { code: 'ERR_SLUICE_CLOSED' })
    await early.close()
    await starting
    assert.deepEqual(readdirSync(dir), [])
  })
})
