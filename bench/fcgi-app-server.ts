/** An application that stands behind nginx: `fcgi-app-server (node|responder|serve)`. Prints its port; `hello` is all it says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFcgiResponder, serveFcgi } from 'sluice/fcgi'

const [kind = 'node'] = process.argv.slice(2)
const where = '127.0.0.1:0'

function hello(_: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/plain')
  response.end('hello')
}

async function listen(): Promise<number | undefined> {
  if (kind === 'node') {
    const server = createServer(hello)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  if (kind === 'serve') {
    const { endpoint } = await serveFcgi(hello, where)
    return endpoint.type === 'tcp' ? endpoint.port : undefined
  }
  const responder = createFcgiResponder({
    onRequest: () => ({ headers: { 'Content-Type': 'text/plain' }, body: 'hello' }),
  })
  const endpoint = await responder.listen(where)
  return endpoint.type === 'tcp' ? endpoint.port : undefined
}

console.log(await listen())
// A profile is written when the process ends by itself.
process.on('SIGTERM', () => process.exit(0))
