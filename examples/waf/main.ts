/** From the environment: LISTEN, FAILURE (open or closed), DEADLINE in ms, below HAProxy's `timeout processing`, and what is named below. */
import { createWaf } from './agent.ts'

const { LISTEN = '127.0.0.1:12345', DEADLINE = '150', FAILURE = 'closed' } = process.env
if (FAILURE !== 'open' && FAILURE !== 'closed') throw new Error(`FAILURE is open or closed, not '${FAILURE}'`)
const agent = createWaf({
  failure: FAILURE,
  agent: { deadline: Number(DEADLINE) },
})
const address = await agent.listen(LISTEN)
console.log('waf listens on', address.type === 'tcp' ? `${address.host}:${address.port}` : LISTEN)
process.once('SIGTERM', () => void agent.close())
