/** Scores of addresses from a file that may be edited while the agent runs. */
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { CidrMap, createAgent, type Agent, type AgentOptions } from 'sluice/agent'

/** What the agent is told from outside. */
export interface ReputationOptions {
  /** The file: a range and its score from 0 to 100 in each line, `#` before a comment. */
  readonly path: string
  /** What a request gets that cannot be judged: `open` lets it pass. */
  readonly failure: 'open' | 'closed'
  /** The score from which an address may pass. @default 20 */
  readonly threshold?: number
  /** Is told of each reading. */
  readonly say?: (line: string) => void
  /** More options of the agent. */
  readonly agent?: AgentOptions
}

/** An agent that answers `check-address` with `ok` and `score`; its health check fails until there is a list. */
export async function createReputation(options: ReputationOptions): Promise<Agent> {
  const { path, failure, threshold = 20, say = console.log, agent: more = {} } = options
  let list: CidrMap<number> | undefined
  const agent = createAgent({
    deadline: 40,
    varPrefix: 'rep',
    ready: () => list !== undefined,
    ...more,
    fallback: (actions) => {
      actions.setVar('txn', 'ok', failure === 'open')
      actions.setVar('txn', 'score', null)
    },
  })
  agent.message('check-address', { src: 'ip?' }, ({ src }, actions) => {
    if (list === undefined) throw new Error('there is no list yet')
    const score = src === undefined ? 100 : (list.get(src) ?? 100)
    actions.setVar('txn', 'ok', score >= threshold)
    actions.setVar('txn', 'score', score)
  })

  async function load(): Promise<void> {
    try {
      list = parseList(await readFile(path, 'utf8'))
      say(`${path}: ${list.size} ranges`)
    } catch (error) {
      say(`${path}: ${list === undefined ? 'no list' : 'kept the old list'}: ${String(error)}`)
    }
  }
  await load()
  // The folder, and not the file: an editor puts a new file in the place of the old one, Kubernetes a new link.
  let timer: NodeJS.Timeout | undefined
  watch(dirname(path), { persistent: false }, (_, name) => {
    if (name !== null && name !== basename(path) && name !== '..data') return
    clearTimeout(timer)
    timer = setTimeout(() => void load(), 100)
  })
  return agent
}

/** @throws Error naming the first line that is wrong: half a list is worse than the old one. */
export function parseList(text: string): CidrMap<number> {
  const list = new CidrMap<number>()
  text.split('\n').forEach((raw, index) => {
    const [range = '', score = '', more] = raw.replace(/#.*/, '').trim().split(/\s+/)
    if (range === '') return
    if (!/^\d{1,3}$/.test(score) || Number(score) > 100 || more !== undefined)
      throw new Error(`line ${index + 1}: a range and a score from 0 to 100 are wanted`)
    list.set(range, Number(score))
  })
  return list
}
