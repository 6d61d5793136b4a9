/** Ready agents behind the real HAProxy, with the very files that `sluice snippet` prints. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { silentLogger } from 'sluice'
import { readReadyConfig } from '#src/services/host/config.js'
import { startReadyAgents, type ReadyAgents } from '#src/services/host/host.js'
import { createSnippet } from '#src/services/host/snippet.js'
import { startHaproxy, type Haproxy } from '../support/haproxy.ts'
import { makeFolder } from '../support/sluice.ts'
import { until } from '../support/until.ts'
import { serverState } from './agent-support.ts'

/** Agents that run, from a configuration text; relative paths are in `dir`. */
export async function startReady(
  t: TestContext,
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ agents: ReadyAgents; dir: string; port: number }> {
  const { dir, remove } = makeFolder({ ...files, 'agents.yaml': text })
  const config = await readReadyConfig({ file: join(dir, 'agents.yaml') })
  const agents = await startReadyAgents(config, silentLogger, { closeDelay: 1, closeTimeout: 500 })
  t.after(async () => {
    await agents.close()
    remove()
  })
  const address = await agents.agent.listen('127.0.0.1:0')
  return { agents, dir, port: address.type === 'tcp' ? address.port : 0 }
}

/** Reads the configuration again after `text` was written in its place. */
export async function reloadReady(agents: ReadyAgents, dir: string, text: string): Promise<void> {
  writeFileSync(join(dir, 'agents.yaml'), text)
  await agents.reload(await readReadyConfig({ file: join(dir, 'agents.yaml') }))
}

/** How the snippet is made, and what is changed in it. */
export interface SnippetSetting {
  readonly groups?: boolean
  /** Rules behind those of the snippet. */
  readonly more?: string
  /** What `bind` says behind its address. */
  readonly bind?: (port: number) => string
  /** Servers instead of the agents' own port: of several agents. */
  readonly servers?: readonly string[]
}

/** HAProxy with the snippet of these agents, once it has found their server to be up. */
export async function startSnippet(
  t: TestContext,
  { agents, port }: { agents: ReadyAgents; port: number },
  { groups = false, more = '', bind, servers = [`127.0.0.1:${port}`] }: SnippetSetting = {},
): Promise<Haproxy<'fe'>> {
  // The origin says what it was sent.
  const origin = createServer((request, response) => response.end(JSON.stringify(request.headers)))
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  t.after(() => origin.close())
  const originPort = (origin.address() as AddressInfo).port
  const files = createSnippet(agents.config.agents, { modern: false, groups, servers })
  const main = files.find(({ name }) => name === 'haproxy.cfg')?.text ?? ''
  const haproxy = await startHaproxy({
    ports: ['fe'],
    files: Object.fromEntries(
      files.filter(({ name }) => name !== 'haproxy.cfg').map((file) => [file.name, file.text]),
    ),
    config: ({ fe }) =>
      main
        .replace(
          'log stdout format raw local0 info',
          'log stdout format raw local0\n    stats socket unix@stats.sock level admin',
        )
        .replace('bind :8080', bind?.(fe) ?? `bind 127.0.0.1:${fe}`)
        .replace('127.0.0.1:8081', `127.0.0.1:${originPort}`)
        .replace('inter 2s', 'inter 100ms')
        .replace('    default_backend origin', `    ${more}\n    default_backend origin`),
  })
  t.after(() => haproxy.stop())
  await becomes(haproxy, /^UP$/)
  return haproxy
}

/** Waits for what HAProxy thinks of the agents' first server. */
export async function becomes(haproxy: Haproxy<'fe'>, pattern: RegExp): Promise<void> {
  const state = async () => (await serverState(haproxy.dir, 'sluice-agents', 'agent1')).status
  await until(async () => pattern.test(await state()), `the agent is ${pattern.source}`, 10_000)
}
