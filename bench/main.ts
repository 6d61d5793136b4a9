/** `npm run bench -- [--json] [--runs N] [--seconds S] [--beside FOLDER] [CASE…]`: prints a table or JSON lines. */
import { runClusterCase } from './agent-cluster.js'
import { runHaproxyCase } from './agent-haproxy.js'
import { runIdleCase } from './agent-idle.js'
import { runInprocCase } from './agent-inproc.js'
import { loadCases, runLoadCase } from './agent-load.js'
import { runStatusCase } from './agent-status.js'
import { readArguments, refuse } from './arguments.js'
import { runCallersCase } from './engine-callers.js'
import { appCases, runAppCase } from './fcgi-apps.js'
import { muxName, runMuxCase } from './fcgi-mux.js'
import { formatTable, type Figure } from './figure.js'
import { runGrowthCase } from './growth.js'
import { runOwnCpuCase } from './load-own-cpu.js'
import { runLatencyCase } from './proxy-latency.js'
import { proxyCases } from './proxy-cases.js'
import { runProxyIdleCase } from './proxy-idle.js'
import { runProxyCase } from './proxy-run.js'

/** What the cases are told of the command line; the proxy's take longer to come to rest. */
interface Measuring {
  readonly runs: number
  readonly seconds: number
  readonly proxySeconds: number
  readonly beside: string | undefined
}

type RunCase = (how: Measuring) => Promise<Figure[]>

const cases = new Map<string, RunCase>([
  ...loadCases.map((each): [string, RunCase] => [
    each.name,
    ({ runs, seconds, beside }) => runLoadCase(each, runs, seconds, beside),
  ]),
  ['agent-haproxy-64', ({ runs, seconds }) => runHaproxyCase(runs, seconds)],
  ['agent-idle', () => runIdleCase()],
  ['agent-cluster', ({ runs, seconds }) => runClusterCase(runs, seconds)],
  ['agent-status', ({ runs, seconds }) => runStatusCase(runs, seconds)],
  ['agent-inproc', ({ runs, seconds }) => runInprocCase(runs, seconds)],
  ['load-own-cpu', ({ runs, seconds }) => runOwnCpuCase(runs, seconds)],
  ['engine-64', ({ runs, seconds, beside }) => runCallersCase(runs, seconds, beside)],
  ...proxyCases.map((each): [string, RunCase] => [
    each.name,
    ({ runs, proxySeconds, beside }) => runProxyCase(each, runs, proxySeconds, beside),
  ]),
  [muxName, ({ runs, proxySeconds, beside }) => runMuxCase(runs, proxySeconds, beside)],
  ...appCases.map((each): [string, RunCase] => [
    each.name,
    ({ runs, proxySeconds }) => runAppCase(each, runs, proxySeconds),
  ]),
  ['proxy-spoe-latency', ({ runs, proxySeconds, beside }) => runLatencyCase(runs, proxySeconds, beside)],
  ['proxy-idle', ({ beside }) => runProxyIdleCase(beside)],
  ['growth', ({ runs, proxySeconds, beside }) => runGrowthCase(runs, proxySeconds, beside)],
])

const usage = `npm run bench -- [--json] [--runs N] [--seconds S] [--beside FOLDER] [CASE…]

  --json           a line of JSON for each figure, in place of a table
  --runs N         rounds of each case, 5 by default
  --seconds S      how long a round lasts; 3 by default, 4 where a proxy runs
  --beside FOLDER  another checkout, built: its sluice runs in the same rounds

CASE is a name, or what the names of several begin with: all of them by default.
${[...cases.keys()].map((name) => `  ${name}\n`).join('')}`

const { values, positionals } = readArguments(usage, {
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string' },
    // The cases of the proxy measure its `sluice run`, those of the agent its agent, and `engine-64` its engine, for which its
    // benches are to be compiled, too.
    beside: { type: 'string' },
  },
})
const runs = Number(values.runs)
const seconds = Number(values.seconds ?? 3)
const how: Measuring = { runs, seconds, proxySeconds: Number(values.seconds ?? 4), beside: values.beside }

/** A case, or all of a family by what their names begin with: `proxy-body`. */
const named = (word: string) =>
  cases.has(word) ? [word] : [...cases.keys()].filter((name) => name.startsWith(`${word}-`))
const chosen = new Set(positionals.length === 0 ? cases.keys() : positionals.flatMap(named))
const unknown = positionals.filter((word) => named(word).length === 0)
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1 || !(seconds > 0)) {
  const complaint = unknown.length > 0 ? `no case ${unknown.join(', ')}` : '--runs and --seconds want numbers'
  refuse(complaint, usage)
}

const figures: Figure[] = []
for (const [name, run] of cases) {
  if (!chosen.has(name)) continue
  console.error(`${name} …`)
  const found = await run(how)
  figures.push(...found)
  if (values.json) for (const figure of found) console.log(JSON.stringify(figure))
}
if (!values.json) console.log(formatTable(figures))
process.exit(0)
