/** The settings of a `spoe-agent` whose backend has `mode spop`: those of HAProxy from 3.1 on. */
import { isForgivenBySpop } from '../../config/index.ts'
import type { Config, Diagnostic, Proxy, SpoeAgent, SpoeConfig } from '../../config/index.ts'

/** What was read of a SPOE file. */
interface SpoeFile {
  readonly spoe?: SpoeConfig | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** As it was read, unless the backend of its agent says that connections are its own. */
export function fitToBackend<File extends SpoeFile>(file: File, config: Config): SpoeFile {
  const { spoe, diagnostics } = file
  const backend = config.proxies.find(
    ({ kind, name }) => kind !== 'frontend' && name === spoe?.agent.useBackend?.text,
  )
  if (spoe === undefined || backend?.mode !== 'spop') return file
  return {
    spoe: { ...spoe, agent: withoutDropped(spoe.agent, backend) },
    diagnostics: diagnostics.filter((each) => !isForgivenBySpop(each, spoe.agent)),
  }
}

/** A connection waits, for HELLO as for the next frame, as long as the backend waits for its servers. */
function withoutDropped(agent: SpoeAgent, { timeouts }: Proxy): SpoeAgent {
  return {
    ...agent,
    async: false,
    sendFragPayload: true,
    maxConnRate: undefined,
    maxErrRate: undefined,
    timeouts: { ...agent.timeouts, hello: timeouts.server, idle: timeouts.server },
  }
}
