/** What the default logger and a status port cost an agent under load: with them beside without, in turns, by CPU for each NOTIFY. */
import { get, type IncomingMessage } from 'node:http'
import { loadCases, measure } from './agent-load.js'
import { atMost, told, type Figure } from './figure.js'
import { median, startScript } from './processes.js'

/** No logger and no port; the default logger; the port, too, with a page open; verdicts counted, too. */
const ways = ['silent', 'logger', 'status', 'verdict'] as const
type Way = (typeof ways)[number]

/** `runs` rounds, in each of which every way has its turn. */
export async function runStatusCase(runs: number, seconds: number): Promise<Figure[]> {
  const found: Record<Way, number[]> = { silent: [], logger: [], status: [], verdict: [] }
  for (let run = 0; run < runs; run++) {
    // Each is the first as often as the others: others come and go on the machine.
    for (let index = 0; index < ways.length; index++) {
      const way = ways[(index + run) % ways.length] as Way // within bounds
      found[way].push(await measureWay(way, seconds))
    }
  }
  const ratio = (way: Way) => median(found[way].map((cpu, run) => cpu / (found.silent[run] ?? Number.NaN)))
  const name = 'agent-status'
  return [
    told(name, '8x20, no logger, no port: CPU per million', median(found.silent), 's'),
    atMost(name, 'default logger: CPU over that', ratio('logger'), 'x', 1.02),
    atMost(name, 'and a status port with a page: CPU over that', ratio('status'), 'x', 1.02),
    atMost(name, 'and verdicts counted: CPU over that', ratio('verdict'), 'x', 1.05),
  ]
}

async function measureWay(way: Way, seconds: number): Promise<number> {
  const load = loadCases[0]
  if (load === undefined) throw new Error('there is no load')
  const socket = `/tmp/sluice-bench-${process.pid}.sock`
  const server = await startScript(0, 'agent-server', 'one', '127.0.0.1:0', way, socket)
  try {
    const page = way === 'status' || way === 'verdict' ? await openPage(socket) : undefined
    const { cpu } = await measure(server, load, seconds, false)
    page?.destroy()
    return cpu
  } finally {
    await server.stop()
  }
}

/** Reads what a page is told. */
function openPage(socketPath: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, path: '/events' }, (response) => resolve(response.resume()))
    request.on('error', reject)
  })
}
