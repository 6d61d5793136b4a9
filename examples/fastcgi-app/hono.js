/**
 * A Hono application behind FastCGI: anything that has a `fetch` will do.
 *
 *     LISTEN=127.0.0.1:9000 node examples/fastcgi-app/hono.js
 */
import { Hono } from 'hono'
import { formatEndpoint } from 'sluice'
import { serveFcgi } from 'sluice/fcgi'

const app = new Hono()
app.all('*', async (context) => {
  const url = new URL(context.req.url)
  return context.json({
    method: context.req.method,
    url: url.pathname + url.search,
    host: url.host,
    ip: context.env.incoming.socket.remoteAddress,
    secure: url.protocol === 'https:',
    size: (await context.req.arrayBuffer()).byteLength,
  })
})

const server = await serveFcgi(app, process.env.LISTEN ?? 'fd@0')
console.log(`listening on ${formatEndpoint(server.endpoint)}`)
process.once('SIGTERM', () => server.close())
