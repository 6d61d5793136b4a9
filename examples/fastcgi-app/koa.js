/**
 * A Koa application behind FastCGI.
 *
 *     LISTEN=127.0.0.1:9000 node examples/fastcgi-app/koa.js
 */
import { buffer } from 'node:stream/consumers'
import Koa from 'koa'
import { formatEndpoint } from 'sluice'
import { serveFcgi } from 'sluice/fcgi'

const app = new Koa()
app.use(async (context) => {
  context.body = {
    method: context.method,
    url: context.originalUrl,
    host: context.host,
    ip: context.ip,
    secure: context.secure,
    size: (await buffer(context.req)).length,
  }
})

const server = await serveFcgi(app, process.env.LISTEN ?? 'fd@0')
console.log(`listening on ${formatEndpoint(server.endpoint)}`)
process.once('SIGTERM', () => server.close())
