/**
 * An Express application behind FastCGI.
 *
 *     LISTEN=127.0.0.1:9000 node examples/fastcgi-app/express.js
 */
import express from 'express'
import { formatEndpoint } from 'sluice'
import { serveFcgi } from 'sluice/fcgi'

const app = express()
app.use(express.raw({ type: () => true, limit: '10mb' }))
app.all('/{*path}', (request, response) => {
  response.json({
    method: request.method,
    url: request.originalUrl,
    host: request.headers.host,
    ip: request.ip,
    secure: request.secure,
    size: request.body?.length ?? 0,
  })
})

const server = await serveFcgi(app, process.env.LISTEN ?? 'fd@0')
console.log(`listening on ${formatEndpoint(server.endpoint)}`)
process.once('SIGTERM', () => server.close())
