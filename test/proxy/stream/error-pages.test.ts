/** The pages of errors, as HAProxy 2.6 has sent them (error-pages.txt), and which page is taken. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { HeaderList } from '#src/http1/index.js'
import { errorStatuses, formatErrorReply, rawErrorPage } from '#src/proxy/stream/error-page.js'
import { root } from '../../support/sluice.js'
import { until } from '../../support/until.ts'
import { ask, defaults, rawClient, startProxy } from '../support.js'

const pages = readFileSync(join(root, 'test/proxy/stream/error-pages.txt'), 'latin1')
  .split(/^# /m)
  .slice(1)
  .map((page) => {
    const [status = '', ...lines] = page.split('\n')
    return [Number(status), lines.join('\n')] as const
  })

/** Line feeds alone in the head, and what is said of the connection left out: it is that of the client, who closes it. */
const plain = (answer: string): string => {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return `${head.replaceAll('\r\n', '\n').replace('\nconnection: close', '')}\n\n${body}`
}

describe('the page of an error', () => {
  it('is that of HAProxy, for every status that `deny` may have', async (t) => {
    const rules = pages.map(([status]) => `  http-request deny deny_status ${status} if { path /${status} }`)
    const proxy = await startProxy(t, `${defaults}\nfrontend fe\n  bind 127.0.0.1:0\n${rules.join('\n')}\n`)
    for (const [status, page] of pages) {
      const answer = await ask(t, proxy.port(), `GET /${status}`)
      assert.equal(plain(answer), page.replace('\nconnection: close', ''), String(status))
    }
    // HAProxy has no such page: it takes other versions for HTTP/1.1.
    assert.deepEqual(
      errorStatuses.filter((status) => !pages.some(([each]) => each === status)),
      [505],
    )
    assert.match(
      rawErrorPage(505).toString(),
      /^HTTP\/1\.1 505 HTTP Version Not Supported\r\n[^]*used an HTTP version that is not supported\.\n/,
    )
  })

  it('ends the connection with 400 and 408, and with no other', async (t) => {
    const front = '  http-request deny deny_status 408 if { path /408 }\n  http-request deny deny_status 404'
    const proxy = await startProxy(t, `${defaults}\nfrontend fe\n  bind 127.0.0.1:0\n${front}\n`)
    const client = rawClient(t, proxy.port(), 'GET /404 HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until('</html>')
    assert.equal(client.received.includes('connection'), false)
    client.send('GET /408 HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.match(await client.untilEnd(), /408 Request Time-out\r\n[^]*\r\nconnection: close\r\n/)
  })

  it('is in mixed case, and says that the connection ends, when there is no request to answer', () => {
    assert.equal(
      rawErrorPage(400).toString('latin1'),
      'HTTP/1.1 400 Bad request\r\nContent-length: 90\r\nCache-Control: no-cache\r\nConnection: close\r\n' +
        'Content-Type: text/html\r\n\r\n<html><body><h1>400 Bad request</h1>\n' +
        'Your browser sent an invalid request.\n</body></html>\n',
    )
    assert.match(rawErrorPage(431).toString('latin1'), /^HTTP\/1\.1 431 Other\r\nContent-length: 0\r\n/)
    for (const status of [431, 501])
      assert.doesNotMatch(rawErrorPage(status).toString('latin1'), /Connection/)
  })

  it('of a file says that the connection ends, and keeps the headers of the file as they are', () => {
    const headers = HeaderList.from([['X-A', 'b']])
    const page = { status: 400, reason: 'No', headers, body: Buffer.from('no'), silent: false }
    const head = 'HTTP/1.1 400 No\r\nx-a: b\r\nconnection: close\r\n\r\n'
    assert.equal(formatErrorReply(page).toLowerCase(), head.toLowerCase())
    // The page is shared.
    assert.equal(formatErrorReply(page).toLowerCase(), head.toLowerCase())
  })

  it('is silence when its file is empty: the connection ends, and the log has the status', async (t) => {
    const rules = '  errorfile 403 empty\n  http-request deny\n'
    const proxy = await startProxy(
      t,
      `${defaults}frontend fe\n  bind 127.0.0.1:0\n  log-format "%ST %ts %B"\n${rules}`,
      {
        files: { empty: '' },
      },
    )
    const client = rawClient(t, proxy.port(), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(await client.untilEnd(), '')
    await until(() => proxy.lines.length === 1, 'the line')
    assert.match(proxy.lines[0] ?? '', / PR 0$/)
  })

  it('is that of the backend, then of the frontend, then HAProxy’s', async (t) => {
    const file = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`
    const config = `${defaults}
frontend fe
  bind 127.0.0.1:0
  errorfile 403 fe403
  errorfile 404 fe404
  default_backend be
backend be
  errorfile 403 be403
  http-request deny deny_status 404 if { path /404 }
  http-request deny deny_status 429 if { path /429 }
  http-request deny
`
    const files = { fe403: file('fe'), fe404: file('fe'), be403: file('be') }
    const proxy = await startProxy(t, config, { files })
    assert.match(await ask(t, proxy.port(), 'GET /403'), /\r\n\r\nbe$/)
    assert.match(await ask(t, proxy.port(), 'GET /404'), /\r\n\r\nfe$/)
    assert.match(await ask(t, proxy.port(), 'GET /429'), /429 Too Many Requests<\/h1>/)
  })
})
