/**
 * A server of node:http that asks an SPOP agent about each request before it answers: what HAProxy's SPOE filter does, without
 * HAProxy.
 *
 *     npx sluice agent ip-reputation --listen 127.0.0.1:12345 --list examples/ip-reputation/reputation.lst
 *     AGENT=127.0.0.1:12345 PORT=8080 node examples/engine/node-http.js
 */
import { createServer } from 'node:http'
import { IpAddress } from 'sluice'
import { createEngine } from 'sluice/engine'

// One engine for the whole process: it keeps the connections.
const engine = createEngine({ servers: [process.env.AGENT ?? '127.0.0.1:12345'], processingTimeout: 100 })

const server = createServer(async (request, response) => {
  const ip = request.socket.remoteAddress
  if (ip === undefined) return response.destroy() // the client has gone
  const outcome = await engine.send({
    messages: [{ name: 'get-ip-reputation', args: [['ip', IpAddress.parse(ip)]] }],
  })
  // An agent that is slow or gone is an outcome, never an exception. Here such a request is let through.
  if (outcome.error !== undefined) response.setHeader('x-agent-status', outcome.status)
  const score = outcome.variables.sess.get('ip_score')
  if (score?.type === 'int64' && score.value < 20) return response.writeHead(403).end('go away\n')
  response.end('welcome\n')
})

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})

process.once('SIGTERM', () => {
  server.close(() => engine.close())
  server.closeIdleConnections()
})
