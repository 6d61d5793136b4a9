/** What can be judged only when a scope of a SPOE file was read: references between agent, messages and groups. */
import type { SpoeAgentDraft, SpoeGroupDraft, SpoeMessageDraft } from '../draft/spoe.ts'
import type { SpoeConfig } from '../model/index.ts'
import type { Diagnostics, Place } from '../text/diagnostics.ts'
import { didYouMean } from '../../base/suggest.ts'
import type { Word } from '../text/word.ts'

/** All sections of one scope. */
export interface SpoeSections {
  readonly agent: SpoeAgentDraft | undefined
  readonly messages: readonly SpoeMessageDraft[]
  readonly groups: readonly SpoeGroupDraft[]
}

/** Checks the sections and builds the model; undefined when there is no agent. */
export function finishSpoe(
  scope: { readonly engine: string | undefined; readonly place: Place; readonly scopes: readonly string[] },
  { agent, messages, groups }: SpoeSections,
  diagnostics: Diagnostics,
): SpoeConfig | undefined {
  if (agent === undefined) {
    diagnostics.error('CFG_SPOE_AGENT', scope.place, ...whyNoAgent(scope))
    return undefined
  }
  checkAgent(agent, diagnostics)
  const used = listedMessages(agent, messages, diagnostics)
  const usedGroups = listedGroups(agent, groups, diagnostics)
  checkGroups(usedGroups, messages, diagnostics)
  const inGroups = new Set(usedGroups.flatMap((group) => group.messages.map((word) => word.text)))
  const others = messages.filter((message) => inGroups.has(message.name) && !used.includes(message))
  const { largestFrame: _, ...settings } = agent
  return {
    engine: scope.engine,
    agent: { ...settings, varPrefix: agent.varPrefix ?? agent.name },
    messages: [...used, ...others],
    unusedMessages: messages.filter((each) => !used.includes(each) && !others.includes(each)),
    groups: usedGroups,
  }
}

function whyNoAgent(scope: {
  readonly engine: string | undefined
  readonly scopes: readonly string[]
}): [message: string, hint: string | undefined] {
  const { engine, scopes } = scope
  if (engine === undefined) {
    const hint =
      scopes.length === 0 ? undefined : `write 'engine ${scopes[0] ?? ''}' on the line of the filter`
    return ['there is no spoe-agent outside of the scopes of the file', hint]
  }
  if (scopes.includes(engine)) return [`the scope [${engine}] has no spoe-agent`, undefined]
  const hint = didYouMean(engine, scopes) ?? `put [${engine}] before the sections`
  return [`the file has no scope [${engine}]`, hint]
}

function checkAgent(agent: SpoeAgentDraft, diagnostics: Diagnostics): void {
  const { name, place, timeouts } = agent
  if (agent.useBackend === undefined) {
    diagnostics.error('CFG_SPOE_AGENT', place, `the agent '${name}' has no 'use-backend'`)
  }
  if (agent.varPrefix === undefined && !/^[A-Za-z0-9_.]*$/.test(name)) {
    const message = `the name of the agent, '${name}', cannot begin names of variables`
    diagnostics.error('CFG_VARIABLE', place, message, "add 'option var-prefix <prefix>'")
  }
  const missing = (['hello', 'idle', 'processing'] as const).filter((each) => timeouts[each] === undefined)
  if (missing.length > 0) {
    const list = missing.map((each) => `'timeout ${each}'`).join(', ')
    diagnostics.warning('CFG_TIMEOUT_MISSING', place, `the agent '${name}' lacks ${list}`)
  }
  if (agent.messages.length === 0 && agent.groups.length === 0) {
    diagnostics.warning('CFG_SPOE_MESSAGE', place, `the agent '${name}' lists no messages and no groups`)
  }
}

function find<Item extends { name: string }>(
  word: Word,
  items: readonly Item[],
  kind: 'MESSAGE' | 'GROUP',
  diagnostics: Diagnostics,
): Item | undefined {
  const found = items.find((item) => item.name === word.text)
  if (found !== undefined) return found
  const section = `spoe-${kind.toLowerCase()}`
  const hint = didYouMean(
    word.text,
    items.map((item) => item.name),
  )
  diagnostics.error(`CFG_SPOE_${kind}`, word.place, `there is no ${section} '${word.text}'`, hint)
  return undefined
}

function listedMessages(
  agent: SpoeAgentDraft,
  messages: readonly SpoeMessageDraft[],
  diagnostics: Diagnostics,
): SpoeMessageDraft[] {
  const listed: SpoeMessageDraft[] = []
  for (const word of agent.messages) {
    const message = find(word, messages, 'MESSAGE', diagnostics)
    if (message === undefined) continue
    if (message.event === undefined) {
      const text = `the message '${message.name}' has no event: it is never sent`
      diagnostics.warning('CFG_SPOE_EVENT', message.place, text, "add 'event <name>', or send it in a group")
    }
    listed.push(message)
  }
  return listed
}

function listedGroups(
  agent: SpoeAgentDraft,
  groups: readonly SpoeGroupDraft[],
  diagnostics: Diagnostics,
): SpoeGroupDraft[] {
  const listed: SpoeGroupDraft[] = []
  for (const word of agent.groups) {
    const group = find(word, groups, 'GROUP', diagnostics)
    if (group !== undefined) listed.push(group)
  }
  return listed
}

/** A message belongs to one group at most. */
function checkGroups(
  groups: readonly SpoeGroupDraft[],
  messages: readonly SpoeMessageDraft[],
  diagnostics: Diagnostics,
): void {
  const owners = new Map<string, string>()
  for (const group of groups) {
    for (const word of group.messages) {
      if (find(word, messages, 'MESSAGE', diagnostics) === undefined) continue
      const owner = owners.get(word.text)
      if (owner !== undefined) {
        const text = `the message '${word.text}' belongs to the group '${owner}' already`
        diagnostics.error('CFG_SPOE_GROUP', word.place, text)
      }
      owners.set(word.text, group.name)
    }
  }
}
