/**
 * The agent of restarts.ts: it gives back the number of each request, and tells which it has seen. `restarts-agent.js PORT`
 */
import { writeSync } from 'node:fs'
import { createAgent } from 'sluice/agent'

const agent = createAgent()
let seen: string[] = []
agent.message('m', { id: 'string' }, ({ id }, actions) => {
  seen.push(id)
  actions.setVar('txn', 'id', id)
})
// A batch that is lost with the process hides a double at most, and makes none.
setInterval(() => {
  if (seen.length > 0) writeSync(1, `${seen.join(' ')}\n`)
  seen = []
}, 10)
await agent.listen(`127.0.0.1:${process.argv[2] ?? ''}`)
writeSync(1, 'ready\n')
