/**
 * A listener of node:http behind nginx, Apache, lighttpd, HAProxy or sluice, over FastCGI instead of HTTP.
 *
 *     LISTEN=127.0.0.1:9000 node examples/fastcgi-app/node-http.js
 *     spawn-fcgi -n -s /run/app.sock -- /usr/bin/node examples/fastcgi-app/node-http.js
 */
import { formatEndpoint } from 'sluice'
import { serveFcgi } from 'sluice/fcgi'

async function listener(request, response) {
  let size = 0
  for await (const chunk of request) size += chunk.length
  response.setHeader('Content-Type', 'application/json')
  response.end(
    JSON.stringify({
      method: request.method,
      url: request.url,
      host: request.headers.host,
      ip: request.socket.remoteAddress,
      secure: request.socket.encrypted,
      size,
    }),
  )
}

// fd@0 is the socket that spawn-fcgi, and systemd with StandardInput=socket, hand over.
const server = await serveFcgi(listener, process.env.LISTEN ?? 'fd@0')
console.log(`listening on ${formatEndpoint(server.endpoint)}`)
process.once('SIGTERM', () => server.close())
