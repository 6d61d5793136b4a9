/** Real redis-servers for tests: on ports that the kernel gave, in folders of their own, one at a time, a cluster, or with a sentinel. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from './ports.ts'
import { until } from './until.ts'

/** For the `skip` option of a test; under CI a missing Redis is an error instead. */
export function skipWithoutRedis(): false | string {
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0) return false
  const reason = 'redis-server is not installed (Debian: apt-get install redis-server)'
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

/** A server. */
export class RedisServer {
  readonly port: number
  readonly dir: string
  readonly #args: readonly string[]
  readonly #setup: readonly string[]
  #child: ChildProcess | undefined
  #output = ''

  private constructor(port: number, args: readonly string[], setup: readonly string[]) {
    this.port = port
    this.#args = args
    this.#setup = setup
    this.dir = mkdtempSync(join(tmpdir(), 'redis-test-'))
  }

  /** Starts one; `args` are more of its settings, `setup` lines of its configuration file. */
  static async start(
    t: TestContext,
    {
      port,
      args = [],
      config = [],
    }: { port?: number; args?: readonly string[]; config?: readonly string[] } = {},
  ): Promise<RedisServer> {
    const server = new RedisServer(port ?? (await freePorts(1))[0] ?? 0, args, config)
    t.after(() => server.#remove())
    await server.restart()
    return server
  }

  /** Starts it again, with nothing of what it knew. */
  async restart(): Promise<void> {
    writeFileSync(
      join(this.dir, 'redis.conf'),
      `port ${this.port}\nbind 127.0.0.1\nsave ""\n${this.#setup.join('\n')}\n`,
    )
    const child = spawn('redis-server', ['redis.conf', ...this.#args], {
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const collect = (chunk: Buffer) => void (this.#output += chunk.toString('latin1'))
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    this.#child = child
    for (let tries = 0; tries < 500 && child.exitCode === null; tries++) {
      if (await accepts(this.port)) return
      await sleep(20)
    }
    throw new Error(`redis-server does not listen\n${this.#output}`)
  }

  /** SIGSTOP and SIGCONT make it slow, and quick again. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  /** Kills it. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await gone
  }

  /** What `redis-cli` prints. */
  cli(...args: readonly string[]): string {
    const { stdout, stderr } = spawnSync('redis-cli', ['-p', String(this.port), ...args], {
      encoding: 'utf8',
      timeout: 10_000,
    })
    return (stdout + stderr).trim()
  }

  async #remove(): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

/** A cluster of three masters and a replica of each: the first three of what it returns are masters. */
export async function startRedisCluster(t: TestContext): Promise<RedisServer[]> {
  const ports = await freePorts(12)
  const nodes = await Promise.all(
    ports.slice(0, 6).map((port, index) =>
      RedisServer.start(t, {
        port,
        config: [
          'cluster-enabled yes',
          // Its usual one is 10000 above, which may be no port.
          `cluster-port ${ports[6 + index]}`,
          'cluster-node-timeout 1500',
          'cluster-replica-validity-factor 0',
          'repl-diskless-sync-delay 0',
        ],
      }),
    ),
  )
  nodes.forEach((node, index) => node.cli('cluster', 'set-config-epoch', String(index + 1)))
  const slots = [
    [0, 5460],
    [5461, 10_922],
    [10_923, 16_383],
  ]
  slots.forEach(([from, to], index) =>
    nodes[index]?.cli('cluster', 'addslotsrange', String(from), String(to)),
  )
  nodes
    .slice(1)
    .forEach((node, index) =>
      nodes[0]?.cli('cluster', 'meet', '127.0.0.1', String(node.port), String(ports[7 + index])),
    )
  await until(
    () =>
      nodes.every(
        (node) =>
          node
            .cli('cluster', 'nodes')
            .split('\n')
            .filter((line) => line.includes('connected')).length === 6,
      ),
    'all know all',
  )
  for (const [index, master] of nodes.slice(0, 3).entries()) {
    const id = master.cli('cluster', 'myid')
    await until(() => nodes[index + 3]?.cli('cluster', 'replicate', id) === 'OK', 'a replica follows')
  }
  await until(
    () => nodes.every((node) => node.cli('cluster', 'info').includes('cluster_state:ok')),
    'the cluster is well',
  )
  await until(
    () => nodes.slice(3).every((node) => node.cli('info', 'replication').includes('master_link_status:up')),
    'replicas follow',
  )
  return nodes
}

/** A master with a replica, and a sentinel that watches them under the name `limits`. */
export async function startRedisSentinel(
  t: TestContext,
): Promise<{ master: RedisServer; replica: RedisServer; sentinel: RedisServer }> {
  const master = await RedisServer.start(t, { config: ['repl-diskless-sync-delay 0'] })
  const replica = await RedisServer.start(t, { config: [`replicaof 127.0.0.1 ${master.port}`] })
  await until(
    () => replica.cli('info', 'replication').includes('master_link_status:up'),
    'the replica follows',
  )
  const sentinel = await RedisServer.start(t, {
    args: ['--sentinel'],
    config: [
      `sentinel monitor limits 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds limits 800',
      'sentinel failover-timeout limits 2000',
    ],
  })
  await until(
    () => sentinel.cli('sentinel', 'replicas', 'limits').includes(String(replica.port)),
    'the sentinel knows the replica',
  )
  return { master, replica, sentinel }
}
