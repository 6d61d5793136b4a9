/** From the environment: LISTEN, FAILURE (open or closed), DEADLINE in ms, below HAProxy's `timeout processing`, and what is named below. */
import { createReputation } from './agent.ts'

const { LISTEN = '127.0.0.1:12345', DEADLINE = '40', FAILURE = 'open', LIST = 'reputation.lst' } = process.env
if (FAILURE !== 'open' && FAILURE !== 'closed') throw new Error(`FAILURE is open or closed, not '${FAILURE}'`)
const agent = await createReputation({
  path: LIST,
  failure: FAILURE,
  agent: { deadline: Number(DEADLINE) },
})
const address = await agent.listen(LISTEN)
console.log('reputation listens on', address.type === 'tcp' ? `${address.host}:${address.port}` : LISTEN)
process.on('SIGHUP', () => {}) // the file is watched
process.once('SIGTERM', () => void agent.close())
