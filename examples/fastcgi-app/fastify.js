/**
 * A Fastify application behind FastCGI.
 *
 *     LISTEN=127.0.0.1:9000 node examples/fastcgi-app/fastify.js
 */
import Fastify from 'fastify'
import { formatEndpoint } from 'sluice'
import { serveFcgi } from 'sluice/fcgi'

const app = Fastify({ bodyLimit: 10_000_000 })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body))
app.all('/*', async (request) => ({
  method: request.method,
  url: request.url,
  host: request.headers.host,
  ip: request.ip,
  secure: request.protocol === 'https',
  size: request.body?.length ?? 0,
}))

const server = await serveFcgi(app, process.env.LISTEN ?? 'fd@0')
console.log(`listening on ${formatEndpoint(server.endpoint)}`)
process.once('SIGTERM', async () => {
  await server.close()
  await app.close()
})
