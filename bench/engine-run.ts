/**
 * An engine under load: `engine-run CALLERS SECONDS [ADDRESS]` asks the agent there, else one in this process. Prints
 * microseconds of this process's CPU for each call.
 */
import { IpAddress } from 'sluice'
import { createAgent } from 'sluice/agent'
import { createEngine, type Outcome } from 'sluice/engine'
import { messageName } from './payloads.js'

const [callers = 64, seconds = 3] = process.argv.slice(2, 4).map(Number)
const address = process.argv[4]
const agent = createAgent()
agent.message(messageName, { ip: 'ip' }, ({ ip }, actions) => {
  actions.setVar('sess', 'ip_score', ip.v4 % 100)
})
const engine = createEngine({ servers: [address ?? agent] })
const messages = [{ name: messageName, args: [['ip', IpAddress.parse('192.0.2.7')] as const] }]

let calls = 0
let over = false

function ask(): void {
  if (!over) engine.exchange(messages, 1000, onOutcome)
}

function onOutcome({ error }: Outcome): void {
  if (error !== undefined) throw error
  calls++
  ask()
}

for (let caller = 0; caller < callers; caller++) ask()
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
await sleep(1000)
calls = 0
const before = process.cpuUsage()
await sleep(seconds * 1000)
const { user, system } = process.cpuUsage(before)
console.log((user + system) / calls)
over = true
await engine.close()
await agent.close()
