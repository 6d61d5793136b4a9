/**
 * A hook for Fastify that asks an SPOP agent about each request, and answers in its place when the agent says so. A client that
 * goes away meanwhile ends the question, too.
 *
 *     npx sluice agent ip-reputation --listen 127.0.0.1:12345 --list examples/ip-reputation/reputation.lst
 *     AGENT=127.0.0.1:12345 PORT=8080 node examples/engine/fastify.js
 */
import { once } from 'node:events'
import Fastify from 'fastify'
import { IpAddress } from 'sluice'
import { createEngine } from 'sluice/engine'

// One engine for the whole process: it keeps the connections.
const engine = createEngine({ servers: [process.env.AGENT ?? '127.0.0.1:12345'], processingTimeout: 100 })

const app = Fastify()
app.addHook('onRequest', async (request, reply) => {
  const gone = new AbortController()
  const onClose = () => gone.abort()
  request.raw.socket.once('close', onClose)
  const outcome = await engine.send({
    messages: [{ name: 'get-ip-reputation', args: [['ip', IpAddress.parse(request.ip)]] }],
    signal: gone.signal,
  })
  request.raw.socket.off('close', onClose) // it may be kept for many requests
  // An agent that is slow or gone is an outcome, never an exception. Here such a request is let through.
  if (outcome.error !== undefined) reply.header('x-agent-status', outcome.status)
  const score = outcome.variables.sess.get('ip_score')
  if (score?.type === 'int64' && score.value < 20) return reply.code(403).send('go away\n')
})
app.get('/', async () => 'welcome\n')
app.addHook('onClose', () => engine.close())

console.log(`listening on ${await app.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' })}`)
await once(process, 'SIGTERM')
await app.close()
