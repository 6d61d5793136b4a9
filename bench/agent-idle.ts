/** What an idle connection costs. */
import { connect, type Socket } from 'node:net'
import { encodeHaproxyHello, Writer } from 'sluice/spop'
import { atMost, type Figure } from './figure.js'
import { residentBytes, startScript } from './processes.js'

const count = 10_000

function open(port: number, hello: Buffer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(hello))
    socket.once('error', reject)
    socket.once('data', () => resolve(socket))
  })
}

export async function runIdleCase(): Promise<Figure[]> {
  const agent = await startScript(0, 'agent-server', 'one')
  const sockets: Socket[] = []
  try {
    const writer = new Writer()
    encodeHaproxyHello(writer, {
      type: 'haproxy-hello',
      supportedVersions: '2.0',
      maxFrameSize: 16_380,
      capabilities: 'pipelining',
      healthcheck: false,
      engineId: 'idle',
    })
    const hello = Buffer.from(writer.view())
    // The first connections load code; they are not counted.
    for (let index = 0; index < 100; index++) sockets.push(await open(Number(agent.line), hello))
    const before = residentBytes(agent.pid)
    while (sockets.length < count + 100) {
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(Number(agent.line), hello)))))
    }
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const each = (residentBytes(agent.pid) - before) / count / 1024
    return [atMost('agent-idle', `RSS per connection, ${count} idle`, each, 'KB', 12)]
  } finally {
    for (const socket of sockets) socket.destroy()
    await agent.stop()
  }
}
