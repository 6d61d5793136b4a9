/**
 * The agent under test: `agent-server (one|many|mixed|wide|async) ADDRESS [(silent|logger|status|verdict) SOCKET]`. Prints its
 * port. The last two are for what a logger and a status port cost.
 */
import type { IpAddress } from 'sluice'
import { createAgent } from 'sluice/agent'
import { manyMessages, messageName, wideSchema } from './payloads.js'
import { StallWatch } from './stall-watch.js'

const [kind = 'one', where = '127.0.0.1:0', way = 'logger', statusSocket = ''] = process.argv.slice(2)
const agent = createAgent(way === 'silent' ? { logger: false } : {})
if (kind === 'mixed') {
  const schema = {
    ip: 'ip',
    dst: 'ip',
    method: 'string',
    path: 'string',
    hdrs: 'string',
    ssl: 'boolean',
    port: 'integer',
    bytes: 'integer',
  } as const
  agent.message(messageName, schema, ({ ip, dst, method, path, hdrs, ssl, port, bytes }, actions) => {
    const sum = ip.v4 + dst.family + method.length + path.length + hdrs.length + (ssl ? 1 : 0) + port + bytes
    actions.setVar('sess', 'ip_score', sum % 100)
  })
} else if (kind === 'wide') {
  const names = Object.keys(wideSchema).slice(1)
  agent.message(messageName, wideSchema, (args, actions) => {
    let sum = (args['ip'] as IpAddress).v4
    for (const name of names) {
      const value = args[name]
      sum += typeof value === 'string' ? value.length : Number(value)
    }
    actions.setVar('sess', 'ip_score', sum % 100)
  })
} else if (kind === 'async') {
  agent.message(messageName, { ip: 'ip' }, async ({ ip }, actions) => {
    await new Promise((resolve) => setImmediate(resolve))
    actions.setVar('sess', 'ip_score', ip.v4 % 100)
  })
} else {
  agent.message(messageName, { ip: 'ip' }, ({ ip }, actions) => {
    actions.setVar('sess', 'ip_score', ip.v4 % 100)
  })
}
if (kind === 'many') for (const name of manyMessages.slice(1)) agent.message(name, {}, () => {})
if (way === 'status' || way === 'verdict') {
  await agent.serveStatus(`unix@${statusSocket}`, way === 'verdict' ? { verdict: 'ip_score' } : {})
}
const address = await agent.listen(where)
console.log(address.type === 'tcp' ? address.port : where)
// For the soak: one line of counters for each signal.
const stalls = kind === 'async' ? new StallWatch() : undefined
process.on('SIGUSR2', () => {
  const { frames, inFlight } = agent.stats
  const { heapUsed, external } = process.memoryUsage()
  console.log(JSON.stringify({ ...stalls?.take(), ...frames, inFlight, heapUsed, external }))
})
