/** `sluice snippet NAME…`: what HAProxy's files say for ready agents. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage, UsageError } from '../base/errors.ts'
import { muxBranch, parseBranch } from '../lint/version.ts'
import { parseEndpoint } from '../net/endpoint.ts'
import { defaultEntry, readReadyConfig, type AgentEntry } from '../services/host/config.ts'
import { createSnippet, type SnippetFile } from '../services/host/snippet.ts'
import { note, print } from './output.ts'
import type { SnippetCommandOptions } from './snippet-options.ts'
import { makeFolder, writeFile } from './write-file.ts'

/** Prints the files, or writes them. */
export async function snippetCommand(
  names: readonly string[],
  options: SnippetCommandOptions,
): Promise<number> {
  const { agents, listen } = await readAgents(names, options)
  const files = createSnippet(agents, {
    modern: isModern(options.haproxy),
    groups: options.group === true,
    servers: options.server?.map(checkServer) ?? serversOf(listen),
  })
  if (options.write === undefined) for (const file of files) print(withHead(file))
  else writeFiles(options.write, files)
  return 0
}

/** What snippets need of a configuration. */
interface SnippetAgents {
  readonly agents: readonly AgentEntry[]
  readonly listen: readonly string[]
}

async function readAgents(
  names: readonly string[],
  { config }: SnippetCommandOptions,
): Promise<SnippetAgents> {
  if (config !== undefined) return readReadyConfig({ file: config, names })
  if (names.length === 0) throw new UsageError('ERR_SLUICE_OPTION', 'name a ready agent, or --config FILE')
  return { agents: await Promise.all(names.map(defaultEntry)), listen: [] }
}

function isModern(version: string): boolean {
  if (version === '3.x') return true
  const branch = parseBranch(version)
  if (branch === undefined)
    throw new UsageError('ERR_SLUICE_OPTION', `--haproxy ${version}: write a version from 1.8 to 3.5, or 3.x`)
  return branch >= muxBranch
}

/** HAProxy wants a port where it checks. @throws UsageError `ERR_SLUICE_OPTION`. */
function checkServer(given: string): string {
  try {
    parseEndpoint(given)
    return given
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `--server ${given}: ${errorMessage(error)}`, error)
  }
}

/** What the configuration listens on, as HAProxy names it. */
function serversOf(listen: readonly string[]): string[] {
  // A descriptor of systemd's has an address that only its socket unit knows.
  const named = listen.filter((each) => !each.startsWith('fd@'))
  const servers = named.map((each) => each.replace(/^(0\.0\.0\.0|\*|\[::\]|):(?=\d+$)/, '127.0.0.1:'))
  return servers.length === 0 ? ['127.0.0.1:12345'] : servers
}

function withHead({ name, text }: SnippetFile): string {
  return `# ---- ${name} ----\n${text}`
}

function writeFiles(folder: string, files: readonly SnippetFile[]): void {
  // Who has a haproxy.cfg keeps it.
  const taken = files.find(({ name }) => existsSync(join(folder, name)))
  if (taken !== undefined) {
    const why = `${taken.name} is there already, and is kept: nothing was written`
    throw new UsageError('ERR_SLUICE_OPTION', `--write ${folder}: ${why}`)
  }
  makeFolder('--write', folder)
  for (const { name, text } of files) {
    writeFile('--write', join(folder, name), text)
    note(`wrote ${join(folder, name)}`)
  }
}
