/** `server local inproc@NAME`: agents in the same process, by the names under which they were mounted. */
import { didYouMean } from '../../config/index.ts'
import type { Server } from '../../config/index.ts'
import type { Acceptor } from '../../net/memory-socket.ts'
import type { CompileEnvironment } from './scope.ts'

/** The agent of a server's address; what is not there is reported. */
export function compileAgent(
  { address, place }: Server,
  { agents, diagnostics }: CompileEnvironment,
): Acceptor | undefined {
  if (address.type !== 'inproc') return undefined
  const found = agents.get(address.name)
  if (found !== undefined) return found
  const names = [...agents.keys()]
  const mounted = names.length === 0 ? 'none is' : `mounted are ${names.join(', ')}`
  const message = `no agent is mounted as '${address.name}': ${mounted}`
  const hint = didYouMean(address.name, names) ?? `sluice run --agent ${address.name}=FILE mounts one`
  diagnostics.error('ERR_PROXY_AGENT', place, message, hint)
  return undefined
}
