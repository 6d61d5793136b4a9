/** The scripted peer of sluice/testing judges an agent's frames as the real HAProxy does. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { get } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { createScriptedPeer, createSocketPair } from 'sluice/testing'
import { findHaproxy, skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { ack, agentHello, frame, readDisconnect } from '../support/peer.ts'

const keys = {
  version: '07 "version" 08 03 "2.0"',
  size: '0e "max-frame-size" 03 fc f0 06',
  capabilities: '0c "capabilities" 08 00',
}
const hello = (...parts: string[]) => frame(`65 00000001 00 00 ${parts.join(' ')}`)

/** What an agent says to HELLO, and to the first NOTIFY, whose ids are given. */
interface Script {
  readonly hello: Buffer
  readonly answer?: (ids: string) => Buffer
}

const scripts: Record<string, Script> = {
  'AGENT-HELLO without version': { hello: hello(keys.size, keys.capabilities) },
  'AGENT-HELLO without max-frame-size': { hello: hello(keys.version, keys.capabilities) },
  'AGENT-HELLO without capabilities': { hello: hello(keys.version, keys.size) },
  'version 1.0': { hello: hello('07 "version" 08 03 "1.0"', keys.size) },
  'version 2.5': { hello: hello('07 "version" 08 03 "2.5"', keys.size) },
  'version 2': { hello: hello('07 "version" 08 01 "2"', keys.size) },
  'version with blanks': { hello: hello('07 "version" 08 05 " 2.0 "', keys.size) },
  'two versions': { hello: hello(keys.version, '07 "version" 08 03 "1.0"', keys.size) },
  'size 255': { hello: hello(keys.version, '0e "max-frame-size" 03 ff 00') },
  'a larger size': { hello: hello(keys.version, '0e "max-frame-size" 03 fd f0 06') },
  'a size of INT64': { hello: hello(keys.version, '0e "max-frame-size" 04 fc f0 06') },
  'a key that begins with version': { hello: hello('08 "versions" 08 03 "2.0"', keys.size) },
  'an empty key': { hello: hello(keys.version, keys.size, '00 00') },
  'AGENT-HELLO without FIN': { hello: frame(`65 00000000 00 00 ${keys.version} ${keys.size}`) },
  'AGENT-HELLO with a stream id': { hello: frame(`65 00000001 01 00 ${keys.version} ${keys.size}`) },
  'an ACK instead': { hello: ack('00 00') },
  'a value that is cut': { hello: frame('65 00000001 00 00 07 "version" 08 09 "2.0"') },
  'an ACK without FIN': { hello: agentHello(), answer: (ids) => frame(`67 00000000 ${ids}`) },
  'an ACK that is too big': {
    hello: agentHello('pipelining', 'f0 01'),
    answer: (ids) => ack(ids, `01 03 02 01 "x" 08 f0 01 ${'"z" '.repeat(256)}`),
  },
  'an ACK of wrong ids, with pipelining': { hello: agentHello(), answer: () => ack('09 01') },
  'an ACK of wrong ids, without': { hello: agentHello(''), answer: () => ack('09 01') },
  'an unknown frame': { hello: agentHello(), answer: () => frame('32 00000001 00 00') },
  'AGENT-HELLO twice': { hello: agentHello(), answer: () => agentHello() },
  'an ACK whose head is cut': { hello: agentHello(), answer: () => frame('67 00000001 ff') },
  'an ACK whose head is broken': { hello: agentHello(), answer: () => frame('67 00000001 ff ff') },
}

/** `taken` when a NOTIFY comes, `ignored` when its answer changes nothing, or the status of a DISCONNECT. */
type Verdict = 'taken' | 'ignored' | number

/** Plays the agent on one connection; `ended` says that the other end has nothing more to say. */
function play(stream: Duplex, script: Script, ended: Promise<unknown>): Promise<Verdict> {
  return new Promise((resolve) => {
    stream.on('error', () => {})
    void ended.then(() => resolve('ignored'))
    stream.on('data', (bytes: Buffer) => {
      const type = bytes[4]
      if (type === 1) stream.write(script.hello)
      else if (type === 2) resolve(readHaproxyDisconnect(bytes))
      else if (script.answer === undefined) resolve('taken')
      else stream.write(script.answer(bytes.toString('hex', 9, 11)))
    })
  })
}

/** HAPROXY-DISCONNECT differs from the agent's in its type alone. */
function readHaproxyDisconnect(bytes: Buffer): number {
  const other = Buffer.from(bytes)
  other[4] = 0x66
  return readDisconnect(other).status
}

async function judgedByPeer(script: Script): Promise<Verdict> {
  const [ours, theirs] = createSocketPair()
  const peer = createScriptedPeer({ version: '2.6', stream: theirs, timeout: 30 })
  const asked = peer
    .hello()
    .then(() => peer.ask([{ name: 'm', args: [['x', 'y']] }]))
    .catch(() => {})
    // What it says at the end is still on its way.
    .then(() => new Promise((resolve) => setTimeout(resolve, 20)))
  const verdict = await play(ours, script, asked)
  await asked
  ours.destroy()
  theirs.destroy()
  return verdict
}

const spoe = `
[e]
spoe-agent a
    messages m
    timeout hello 500ms
    timeout idle 5s
    timeout processing 200ms
    use-backend agents
spoe-message m
    args x=str(y)
    event on-frontend-http-request
`

const config = (fe: number, agent: number) => `
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:${fe}
    filter spoe engine e config spoe.conf
    http-request return status 200
backend agents
    mode tcp
    server a 127.0.0.1:${agent}
`

/** One request; resolves at its end, which is an error when HAProxy is stopped meanwhile. */
function ask(port: number): Promise<void> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume().on('end', resolve)
    }).on('error', () => resolve())
  })
}

/** 3.1 has another SPOE. */
function isRecent(): boolean {
  const version = spawnSync(findHaproxy() ?? 'haproxy', ['-v'], { encoding: 'utf8' }).stdout ?? ''
  const [, major = '0', minor = '0'] = /version (\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) * 100 + Number(minor) > 300
}

const skip = skipWithoutHaproxy() || (isRecent() && 'this HAProxy is later than 3.0')

describe('judged alike by HAProxy and by the peer', { skip }, () => {
  for (const [name, script] of Object.entries(scripts)) {
    it(name, async (t) => {
      const sockets: Socket[] = []
      let onFirst: (socket: Socket) => void = () => {}
      const first = new Promise<Socket>((resolve) => {
        onFirst = resolve
      })
      const server = createServer((socket) => {
        socket.on('error', () => {})
        sockets.push(socket)
        if (sockets.length === 1) onFirst(socket)
        else socket.destroy()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      t.after(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
      const agent = (server.address() as AddressInfo).port
      const haproxy = await startHaproxy({
        ports: ['fe'],
        files: { 'spoe.conf': spoe },
        config: ({ fe }) => config(fe, agent),
      })
      t.after(() => haproxy.stop())
      const answered = ask(haproxy.ports.fe)
      const verdict = await play(await first, script, answered)
      assert.equal(await judgedByPeer(script), verdict)
    })
  }
})
