/**
 * `sluice demo`: the example of SPOE.txt 2.5 in one process. A frontend with a SPOE filter, the ip-reputation agent and
 * an origin, from the configuration files in examples/ip-reputation.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent, type Agent } from '../agent/index.ts'
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { errorMessage, UsageError } from '../base/errors.ts'
import { createStderrLogger } from '../base/stderr-logger.ts'
import { createProxy, loadProxy, type Proxy } from '../proxy/index.ts'
import { serveIpReputation } from '../services/ip-reputation.ts'
import { loadReputationList, tellOfList } from './agent.ts'
import { announce, printDiagnostics } from './output.ts'
import { serveUntilSignal } from './signals.ts'

const examples = fileURLToPath(new URL('../../examples/ip-reputation', import.meta.url))

/** Of the agent's live page, when it is free. */
const usualStatusPort = 9100

/** The agent, which can be stopped and started again on the same port. */
class DemoAgent {
  #agent: Agent | undefined
  #address: Endpoint = { type: 'tcp', host: '127.0.0.1', port: 0 }
  #status: Endpoint = { type: 'tcp', host: '127.0.0.1', port: usualStatusPort }
  readonly #listFile = join(examples, 'reputation.lst')
  readonly #list = loadReputationList(this.#listFile)

  /** Of the live page. */
  get url(): string {
    return `http://${formatEndpoint(this.#status)}/`
  }

  get address(): string {
    return formatEndpoint(this.#address)
  }

  async start(): Promise<string> {
    if (this.#agent !== undefined) return 'the agent runs already\n'
    const agent = serveIpReputation(createAgent(), () => this.#list)
    tellOfList(agent, this.#listFile, () => this.#list.size)
    try {
      this.#status = await this.#serveStatus(agent)
      this.#address = await agent.listen(this.#address)
    } catch (error) {
      agent.destroy()
      throw error
    }
    this.#agent = agent
    return 'the agent runs\n'
  }

  /** The page is there to be seen: it shows what is asked and answered, and there are no secrets in that. */
  async #serveStatus(agent: Agent): Promise<Endpoint> {
    const options = { name: 'ip-reputation', verdict: 'ip_score', recent: 25 }
    const port = await agent.serveStatus(this.#status, options).catch((error: unknown) => {
      if (!/EADDRINUSE/.test(errorMessage(error))) throw error
      // The usual one is taken, by another demo for one: any will do, for it is printed.
      return agent.serveStatus(':0', options)
    })
    return port.address
  }

  stop(): string {
    if (this.#agent === undefined) return 'the agent is stopped already\n'
    this.#agent.destroy()
    this.#agent = undefined
    return 'the agent is stopped\n'
  }
}

async function answer(agent: DemoAgent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'text/plain')
  if (request.url === '/agent/stop') response.end(agent.stop())
  else if (request.url === '/agent/start') response.end(await agent.start())
  else response.end('hello from the origin\n')
}

function startOrigin(agent: DemoAgent): Promise<Server> {
  const server = createServer((request, response) => {
    answer(agent, request, response).catch((error: unknown) =>
      response.writeHead(500).end(`${String(error)}\n`),
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

async function startProxy(port: number, origin: string, agent: string): Promise<Proxy> {
  const { diagnostics, plan } = loadProxy({
    files: [join(examples, 'haproxy.cfg')],
    env: { ...process.env, PORT: String(port), ORIGIN: origin, AGENT: agent },
    cwd: examples,
  })
  if (printDiagnostics(diagnostics) || plan === undefined) {
    throw new UsageError('ERR_SLUICE_OPTION', 'the configuration of the demo is broken')
  }
  const proxy = createProxy(plan, { logger: createStderrLogger('warn') })
  await proxy.start()
  return proxy
}

/** A port that nobody listens on: a `bind` line needs one. */
function findPort(): Promise<number> {
  const server = createNetServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Port 0 is any. Resolves to the exit code after Ctrl-C. */
export async function demoCommand(wanted: number): Promise<number> {
  const port = wanted === 0 ? await findPort() : wanted
  await serveUntilSignal(
    () => startDemo(port),
    async ({ agent, origin, proxy }) => {
      await proxy.close()
      origin.close()
      origin.closeAllConnections()
      agent.stop()
    },
  )
  return 0
}

async function startDemo(port: number) {
  const agent = new DemoAgent()
  await agent.start()
  const origin = await startOrigin(agent)
  const where = `127.0.0.1:${(origin.address() as AddressInfo).port}`
  const proxy = await startProxy(port, where, agent.address).catch((error: unknown) => {
    origin.close()
    agent.stop()
    if (!/EADDRINUSE/.test(String((error as Error).message))) throw error
    const next = port === 65_535 ? 0 : port + 1
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `port ${port} is taken; try: npm start -- --port ${next}`,
      error,
    )
  })
  explain(`127.0.0.1:${port}`, agent.url)
  return { agent, origin, proxy }
}

function explain(where: string, page: string): void {
  announce(`sluice demo: http://${where} asks an agent about each client, as examples/ip-reputation/haproxy.cfg says
The agent's live page: ${page}

A good address is let through, with its score in a header:
    curl -i http://${where}/

A bad one is rejected, "Empty reply from server":
    curl -i --interface 127.0.0.66 http://${where}/

One on the whitelist is not asked about, so there is no score:
    curl -i --interface 127.0.0.99 http://${where}/

When the agent dies, traffic goes on without a score, and x-spoe-error says why:
    curl http://${where}/agent/stop
    curl -i http://${where}/

Started again, it is asked again, two health checks (three seconds) later:
    curl http://${where}/agent/start
    sleep 3; curl -i http://${where}/

Ctrl-C stops everything.`)
}
