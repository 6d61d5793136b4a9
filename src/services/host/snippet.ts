/** What HAProxy's files say for ready agents: the SPOE file, and the lines of haproxy.cfg with both halves of the policy. */
import type { AgentEntry } from './config.ts'
import { commonOutputs, type MessageSpec } from '../frame/definition.ts'
import { messageName, variablePrefix } from '../frame/variables.ts'

/** How the files are written. */
export interface SnippetOptions {
  /** Whether HAProxy is 3.1 or later, where SPOP is a multiplexer: `mode spop`, and some keywords are gone. */
  readonly modern: boolean
  /** Send messages by rules (`send-spoe-group`) instead of by an event: their arguments may be variables of other rules then. */
  readonly groups: boolean
  /** Addresses of the agents' servers. */
  readonly servers: readonly string[]
}

/** One file. */
export interface SnippetFile {
  readonly name: string
  readonly text: string
}

/** The backend of the agents. */
const backend = 'sluice-agents'

/** The files for these agents: a SPOE file each, and haproxy.cfg, which is a whole one, to try as it is. */
export function createSnippet(entries: readonly AgentEntry[], options: SnippetOptions): SnippetFile[] {
  const spoe = entries.map((entry) => ({ name: spoeFileName(entry), text: spoeFile(entry, options) }))
  return [...spoe, { name: 'haproxy.cfg', text: haproxyFile(entries, options) }]
}

function spoeFileName({ name }: AgentEntry): string {
  return `${name}.spoe.conf`
}

/** What HAProxy waits for above what the agent takes at most, in milliseconds. */
const margin = 20

function spoeFile(entry: AgentEntry, options: SnippetOptions): string {
  const { name, definition, deadline } = entry
  const names = definition.messages.map((message) => messageName(name, message))
  const registered = unreadOutputs(entry)
  return lines([
    `[${name}]`,
    '',
    `spoe-agent ${name}`,
    ...(options.groups
      ? [`    groups ${names.map(groupName).join(' ')}`]
      : [`    messages ${names.join(' ')}`]),
    `    option var-prefix ${variablePrefix(name)}`,
    '    # Set when HAProxy got no answer: 1 is a time-out, 2 and 3 are the connection, 256 and more the agent.',
    '    option set-on-error error',
    ...(registered.length === 0
      ? []
      : [
          '    # HAProxy takes only variables that a rule reads, or that are named here.',
          `    register-var-names ${registered.join(' ')}`,
        ]),
    ...(options.modern ? [] : ['    timeout hello      1s', '    timeout idle       2m']),
    `    # The agent answers after ${deadline} ms at most.`,
    `    timeout processing ${deadline + margin}ms`,
    `    use-backend ${backend}`,
    ...definition.messages.flatMap((message) => ['', ...spoeMessage(entry, message, options)]),
  ])
}

function groupName(message: string): string {
  return `ask-${message}`
}

function spoeMessage(entry: AgentEntry, message: MessageSpec, { groups }: SnippetOptions): string[] {
  const name = messageName(entry.name, message)
  const event = entry.scope === 'sess' ? 'on-client-session' : message.event
  // A connection has no header yet.
  const samples = Object.entries(message.samples).filter(
    ([, sample]) => entry.scope === 'txn' || !sample.startsWith('req.'),
  )
  const args = samples.map(([key, sample]) => `${key}=${sample}`)
  return [
    `spoe-message ${name}`,
    `    args ${args.join(' ')}`,
    ...(groups ? ['', `spoe-group ${groupName(name)}`, `    messages ${name}`] : [`    event ${event}`]),
  ]
}

/** Outputs that no rule below reads. */
function unreadOutputs(entry: AgentEntry): string[] {
  const { outputs } = entry
  const rules = rulesOf(entry).join('\n')
  const all = [...Object.keys(commonOutputs), ...outputs]
  return all.filter((name) => !new RegExp(`${variableOf(entry, name).replaceAll('.', '\\.')}\\b`).test(rules))
}

function variableOf({ name, scope }: AgentEntry, output: string): string {
  return `${scope}.${variablePrefix(name)}.${output}`
}

/** The rules of one agent: what it asks for, and what to do without an answer. */
function rulesOf(entry: AgentEntry): string[] {
  const { name, onError, definition } = entry
  const variable = (output: string) => variableOf(entry, output)
  const failed = `txn.${variablePrefix(name)}.error`
  const closed = `http-request deny deny_status 503 unless { var(${variable('ok')}) -m bool }`
  const open = `http-request set-header x-${name}-error %[var(${failed})] if { var(${failed}) -m found }`
  return [
    ...definition.rules(variable),
    `# Without an answer (agent dead, late, refused) '${variable('ok')}' is not there. One of the two:`,
    '# fail-open: the request passes, and the origin is told.',
    `${onError === 'open' ? '' : '# '}${open}`,
    '# fail-closed: nothing passes without a yes.',
    `${onError === 'closed' ? '' : '# '}${closed}`,
  ]
}

function haproxyFile(entries: readonly AgentEntry[], options: SnippetOptions): string {
  return lines([
    'global',
    '    log stdout format raw local0 info',
    '',
    'defaults',
    '    mode http',
    '    log global',
    '    option httplog',
    '    timeout connect 1s',
    '    timeout client 30s',
    '    timeout server 30s',
    '',
    'frontend www',
    '    bind :8080',
    ...entries.flatMap((entry) => ['', ...frontendLines(entry, options)]),
    '',
    '    default_backend origin',
    '',
    'backend origin',
    '    server origin 127.0.0.1:8081',
    '',
    ...backendLines(options),
  ])
}

function frontendLines(entry: AgentEntry, { groups }: SnippetOptions): string[] {
  const { name, definition } = entry
  const asked = groups
    ? definition.messages.map(
        (message) => `http-request send-spoe-group ${name} ${groupName(messageName(name, message))}`,
      )
    : []
  return [
    `    # ${name}: ${definition.about}`,
    `    filter spoe engine ${name} config ${spoeFileName(entry)}`,
    ...[...asked, ...rulesOf(entry)].map((line) => `    ${line}`),
  ]
}

function backendLines({ modern, servers }: SnippetOptions): string[] {
  return [
    `backend ${backend}`,
    `    mode ${modern ? 'spop' : 'tcp'}`,
    '    # Without the check each request waits for the whole timeout processing while an agent is dead.',
    '    option spop-check',
    '    timeout connect 1s',
    '    # Above timeout idle of the SPOE file.',
    '    timeout server 3m',
    ...servers.map((server, index) => `    server agent${index + 1} ${server} check inter 2s fall 2 rise 1`),
  ]
}

function lines(list: readonly string[]): string {
  return `${list.join('\n')}\n`
}
