/** From the environment: LISTEN, FAILURE (open or closed), DEADLINE in ms, below HAProxy's `timeout processing`, and what is named below. */
import { createAuth } from './agent.ts'

const { LISTEN = '127.0.0.1:12345', DEADLINE = '80', FAILURE = 'closed', SECRET, LIFETIME = '3600' } = process.env
if (SECRET === undefined || SECRET.length < 32) throw new Error('SECRET: give 32 characters or more')
if (FAILURE !== 'open' && FAILURE !== 'closed') throw new Error(`FAILURE is open or closed, not '${FAILURE}'`)
const agent = createAuth({
  secret: SECRET,
  failure: FAILURE,
  lifetime: Number(LIFETIME),
  agent: { deadline: Number(DEADLINE) },
})
const address = await agent.listen(LISTEN)
console.log('auth listens on', address.type === 'tcp' ? `${address.host}:${address.port}` : LISTEN)
process.once('SIGTERM', () => void agent.close())
