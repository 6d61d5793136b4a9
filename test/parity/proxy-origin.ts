/** An origin that answers as the path says, good manners and bad ones. Its answers name what it received. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

const responses: ReadonlyMap<string, string> = new Map([
  [
    '/chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
  ],
  ['/headchunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['/hints', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'],
  ['/204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['/304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n'],
  [
    '/hop',
    'HTTP/1.1 200 OK\r\nConnection: X-Foo, keep-alive\r\nKeep-Alive: timeout=5\r\nX-Foo: 1\r\nProxy-Connection: x\r\n' +
      'Date: Thu\r\nServer: o\r\nContent-Length: 2\r\n\r\nhi',
  ],
  [
    '/clte',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ],
  [
    '/offer',
    'HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nhi',
  ],
  [
    '/offers',
    'HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\nContent-Length: 2\r\n\r\nhi',
  ],
  ['/stall', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'],
  ['/garbage', 'foo bar\r\n\r\n'],
  ['/slow', ''],
])

/** Answered, and then the connection is closed. */
const closing: ReadonlyMap<string, string> = new Map([
  ['/close10', 'HTTP/1.0 200 OK\r\n\r\nuntil close'],
  ['/close11', 'HTTP/1.1 200 OK\r\n\r\nuntil close'],
  ['/srvclose', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi'],
  ['/partial', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'],
  ['/empty', ''],
])

/** Starts it. */
export async function startOrigin(): Promise<{ readonly port: number; stop(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function serve(socket: Socket): void {
  let received = ''
  let tunnel = false
  socket.on('data', (chunk: Buffer) => {
    if (tunnel) return void socket.write(`echo:${chunk.toString('latin1')}`)
    received += chunk.toString('latin1')
    for (;;) {
      const request = takeRequest(received)
      if (request === undefined) return
      received = received.slice(request.length)
      tunnel = answer(socket, request)
    }
  })
}

/** Head and body of the first request, or undefined when it is not complete. */
function takeRequest(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end + 4)
  // The answer is given while the body is still on its way.
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
  if (!/transfer-encoding: chunked/i.test(head)) return text.slice(0, end + 4 + length)
  const last = /0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(end + 4))
  return last === null ? undefined : text.slice(0, end + 4 + last.index + last[0].length)
}

function answer(socket: Socket, request: string): boolean {
  const [method = '', target = ''] = request.split(' ')
  const path = target.replace(/\?.*/, '')
  if (path === '/rst') socket.resetAndDestroy()
  else if (path === '/up') {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n')
    return true
  } else if (closing.has(path)) socket.end(closing.get(path) ?? '')
  else if (responses.has(path)) socket.write(responses.get(path) ?? '')
  else {
    const body = JSON.stringify(request)
    const head = `HTTP/1.${path === '/h10' ? '0' : '1'} 200 OK\r\n${path === '/h10' ? 'Connection: keep-alive\r\n' : ''}`
    socket.write(
      `${head}Server: origin\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`,
    )
  }
  return false
}
