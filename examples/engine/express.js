/**
 * Middleware for Express that asks an SPOP agent about each request. It takes what the agent says into `response.locals`, and
 * lets whoever comes behind it decide.
 *
 *     npx sluice agent ip-reputation --listen 127.0.0.1:12345 --list examples/ip-reputation/reputation.lst
 *     AGENT=127.0.0.1:12345 PORT=8080 node examples/engine/express.js
 */
import express from 'express'
import { IpAddress } from 'sluice'
import { createEngine } from 'sluice/engine'

// One engine for the whole process: it keeps the connections.
const engine = createEngine({ servers: [process.env.AGENT ?? '127.0.0.1:12345'], processingTimeout: 100 })

async function askAgent(request, response, next) {
  const outcome = await engine.send({
    messages: [{ name: 'get-ip-reputation', args: [['ip', IpAddress.parse(request.ip)]] }],
  })
  // An agent that is slow or gone is an outcome, never an exception: here the score is then missing.
  if (outcome.error !== undefined) response.set('x-agent-status', String(outcome.status))
  const score = outcome.variables.sess.get('ip_score')
  response.locals.score = score?.type === 'int64' ? score.value : undefined
  next()
}

const app = express()
app.use(askAgent)
app.get('/', (request, response) => {
  if (response.locals.score < 20) response.status(403).send('go away\n')
  else response.send('welcome\n')
})

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})

process.once('SIGTERM', () => {
  server.close(() => engine.close())
  server.closeIdleConnections()
})
