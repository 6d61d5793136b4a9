/** phpFpm for Request and Response: responses that the fetch standard does not know, and requests that were read already. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { phpFpm } from 'sluice/fcgi'
import { reply, startApp, tempDir } from '../support.ts'

/** What an application makes of a request, and the codes that `onError` is told. */
async function ask(t: TestContext, output: string, request = new Request('http://a/')) {
  let count = 0
  const app = await startApp(t, async (peer) => {
    while (count < 2) {
      const { id } = await peer.request()
      peer.send(reply(id, count++ === 0 ? output : 'Content-Length: 2\r\n\r\nhi'))
    }
  })
  const root = tempDir(t)
  writeFileSync(join(root, 'index.php'), '')
  const told: unknown[] = []
  const onError = (error: Error): void => void told.push((error as { code?: unknown }).code)
  const php = phpFpm({ root, socket: app.endpoint, onError })
  t.after(() => php.close())
  const response = await php.fetch(request)
  const text = await response?.text()
  // The connection, and what is behind it, is there for others.
  const next = await php.fetch(new Request('http://a/'))
  assert.equal(await next?.text(), told.includes('ERR_FCGI_BODY_READ') ? 'abc' : 'hi')
  return { status: response?.status, text, told }
}

describe('phpFpm().fetch', () => {
  for (const [name, output, status, code] of [
    ['a status that a Response cannot have', 'Status: 600 x\r\n\r\nabc', 502, 'ERR_FCGI_STATUS'],
    ['a body that ends before its length', 'Content-Length: 9\r\n\r\nabc', 502, 'ERR_FCGI_RESPONSE_LENGTH'],
  ] as const) {
    it(name, async (t) => {
      const seen = await ask(t, output)
      assert.deepEqual([seen.status, seen.told], [status, [code]])
    })
  }

  it('a status without a body', async (t) => {
    assert.deepEqual(await ask(t, 'Status: 205\r\n\r\nabc'), { status: 205, text: '', told: [] })
  })

  it('a request behind the end of the handler', async (t) => {
    const root = tempDir(t)
    writeFileSync(join(root, 'index.php'), '')
    const told: unknown[] = []
    const php = phpFpm({ root, socket: join(root, 'none'), onError: (error) => void told.push(error) })
    await php.close()
    const response = await php.fetch(new Request('http://a/'))
    assert.deepEqual([response?.status, await response?.text()], [503, '503 Service Unavailable\n'])
    assert.deepEqual(
      told.map((error) => (error as { code?: unknown }).code),
      ['ERR_SLUICE_CLOSED'],
    )
  })

  it('a request whose body was read', async (t) => {
    const request = new Request('http://a/', { method: 'POST', body: 'abc' })
    await request.text()
    const { status, told } = await ask(t, 'Content-Length: 3\r\n\r\nabc', request)
    assert.deepEqual([status, told], [500, ['ERR_FCGI_BODY_READ']])
  })
})
