/** What phpFpm makes of informational heads. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { phpFpm } from 'sluice/fcgi'
import { reply, startApp, tempDir } from '../support.ts'
import { RawHttp } from '../../support/raw-http.ts'

const response = 'Content-Type: a/b\r\nContent-Length: 3\r\n\r\nabc'

describe('an informational head of an application', () => {
  for (const [name, head, lines] of [
    ['is passed on when it has hints', 'Status: 103\r\nLink: </a.css>; rel=preload\r\n\r\n', ['103', '200']],
    ['is passed over when Node.js refuses its hints', 'Status: 103\r\nLink: nonsense\r\n\r\n', ['200']],
    ['is passed over when it has none', 'Status: 103\r\nA: b\r\n\r\n', ['200']],
    ['is passed over when it is another', 'Status: 102\r\nLink: </a.css>; rel=preload\r\n\r\n', ['200']],
  ] as const) {
    it(name, async (t) => {
      const app = await startApp(t, async (peer) => {
        const { id } = await peer.request()
        peer.send(reply(id, head + response))
      })
      const root = tempDir(t)
      writeFileSync(join(root, 'index.php'), '')
      const php = phpFpm({ root, socket: app.endpoint })
      const server = createServer(php).listen(0, '127.0.0.1')
      t.after(() => {
        server.close()
        server.closeAllConnections()
        return php.close()
      })
      await once(server, 'listening')
      const client = new RawHttp((server.address() as AddressInfo).port)
      t.after(() => client.close())
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      for (const status of lines) {
        const got = await client.reply()
        assert.ok(typeof got !== 'string' && got.line.startsWith(`HTTP/1.1 ${status} `), JSON.stringify(got))
      }
    })
  }
})
