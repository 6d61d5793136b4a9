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

const usage = 'npm run bench -- [--json] [--runs N] [--seconds S] [--beside FOLDER] [CASE…]'
const { values, positionals } = readArguments(usage, {
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string' },
    // Another checkout of this repository, built: the cases of the proxy measure its `sluice run` in the same rounds, those of
    // the agent its agent, and `engine-64` its engine, for which its benches are to be compiled, too.
    beside: { type: 'string' },
  },
})
const runs = Number(values.runs)
const seconds = Number(values.seconds ?? 3)
const proxySeconds = Number(values.seconds ?? 4)

const cases = new Map<string, () => Promise<Figure[]>>([
  ...loadCases.map((each) => [each.name, () => runLoadCase(each, runs, seconds, values.beside)] as const),
  ['agent-haproxy-64', () => runHaproxyCase(runs, seconds)],
  ['agent-idle', runIdleCase],
  ['agent-cluster', () => runClusterCase(runs, seconds)],
  ['agent-status', () => runStatusCase(runs, seconds)],
  ['agent-inproc', () => runInprocCase(runs, seconds)],
  ['load-own-cpu', () => runOwnCpuCase(runs, seconds)],
  ['engine-64', () => runCallersCase(runs, seconds, values.beside)],
  ...proxyCases.map(
    (each) => [each.name, () => runProxyCase(each, runs, proxySeconds, values.beside)] as const,
  ),
  [muxName, () => runMuxCase(runs, proxySeconds, values.beside)],
  ...appCases.map((each) => [each.name, () => runAppCase(each, runs, proxySeconds)] as const),
  ['proxy-spoe-latency', () => runLatencyCase(runs, proxySeconds, values.beside)],
  ['proxy-idle', () => runProxyIdleCase(values.beside)],
  ['growth', () => runGrowthCase(runs, proxySeconds, values.beside)],
])

/** A case, or all of a family by what their names begin with: `proxy-body`. */
const named = (word: string) =>
  cases.has(word) ? [word] : [...cases.keys()].filter((name) => name.startsWith(`${word}-`))
const chosen = new Set(positionals.length === 0 ? cases.keys() : positionals.flatMap(named))
const unknown = positionals.filter((word) => named(word).length === 0)
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1 || !(seconds > 0)) {
  const complaint = unknown.length > 0 ? `no case ${unknown.join(', ')}` : '--runs and --seconds want numbers'
  refuse(`${complaint}; cases are ${[...cases.keys()].join(', ')}`, usage)
}

const figures: Figure[] = []
for (const [name, run] of cases) {
  if (!chosen.has(name)) continue
  console.error(`${name} …`)
  const found = await run()
  figures.push(...found)
  if (values.json) for (const figure of found) console.log(JSON.stringify(figure))
}
if (!values.json) console.log(formatTable(figures))
process.exit(0)
