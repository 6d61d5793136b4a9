/** From the environment: LISTEN, FAILURE (open or closed), DEADLINE in ms, below HAProxy's `timeout processing`, and what is named below. */
import { createRateLimit } from './agent.ts'

const { LISTEN = '127.0.0.1:12345', DEADLINE = '40', FAILURE = 'open', LIMIT = '100', WINDOW = '60' } = process.env
if (FAILURE !== 'open' && FAILURE !== 'closed') throw new Error(`FAILURE is open or closed, not '${FAILURE}'`)
const agent = createRateLimit({
  limit: Number(LIMIT),
  window: Number(WINDOW) * 1000,
  failure: FAILURE,
  agent: { deadline: Number(DEADLINE) },
})
const address = await agent.listen(LISTEN)
console.log('rate-limit listens on', address.type === 'tcp' ? `${address.host}:${address.port}` : LISTEN)
process.once('SIGTERM', () => void agent.close())
