/** Where an agent listens: TCP, unix sockets, abstract ones, inherited descriptors, and TLS over them. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createAgent, type AgentOptions } from 'sluice/agent'
import { certificates, skipWithoutOpenssl } from '../support/certificates.ts'
import { ack, agentHello, idsOf, notify, Peer } from '../support/peer.ts'
import { until } from '../support/until.ts'
import { MemoryLogger } from './support.ts'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-agent-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function agentFor(t: TestContext, options: AgentOptions = {}) {
  const agent = createAgent({ closeDelay: 5, ...options })
  t.after(() => agent.destroy())
  return agent
}

async function converse(target: Parameters<typeof Peer.connect>[0]): Promise<void> {
  const peer = await Peer.connect(target)
  assert.deepEqual(await peer.greet(), agentHello())
  assert.deepEqual(await peer.ask(notify('01 01')), ack('01 01'))
  peer.close()
}

describe('TCP', () => {
  it('port 0 is a port of the kernel, told and listed', async (t) => {
    const agent = agentFor(t)
    const address = await agent.listen('127.0.0.1:0')
    assert.ok(address.type === 'tcp' && address.port > 0)
    const second = await agent.listen({ type: 'tcp', host: '::1', port: 0 })
    assert.deepEqual(agent.addresses, [address, second])
    await converse({ port: address.port })
    if (second.type === 'tcp') await converse({ port: second.port, host: '::1' })
  })

  it('a port in use is said so, with the address', async (t) => {
    const address = await agentFor(t).listen('127.0.0.1:0')
    const port = address.type === 'tcp' ? address.port : 0
    await assert.rejects(agentFor(t).listen(`127.0.0.1:${port}`), {
      code: 'ERR_AGENT_LISTEN',
      message: `cannot listen: 127.0.0.1:${port}: the address is in use by another process`,
    })
  })

  it('what is no address is refused before anything is opened', async (t) => {
    for (const text of [
      '',
      'nothing',
      '127.0.0.1',
      '127.0.0.1:70000',
      'fd@x',
      'unix@',
      '[::1',
      'tcp://h:0',
    ]) {
      await assert.rejects(agentFor(t).listen(text), { code: 'ERR_SLUICE_ADDRESS' }, text)
    }
    for (const given of [undefined, null, 12345, {}, { port: 0 }]) {
      await assert.rejects(agentFor(t).listen(given as never), {
        code: 'ERR_SLUICE_ADDRESS',
        message: /is not an address: .*; use text \(host:port, .* or \{ type: 'tcp'/,
      })
    }
    await assert.rejects(agentFor(t).listen('192.0.2.1:0'), { code: 'ERR_AGENT_LISTEN' })
  })
})

describe('unix sockets', () => {
  it('have the mode that was asked for, and are gone after close()', async (t) => {
    const path = join(folder(t), 'agent.sock')
    const agent = agentFor(t)
    const address = await agent.listen(`unix@${path}`, { mode: 0o660, backlog: 5 })
    assert.deepEqual(address, { type: 'unix', path })
    assert.equal(statSync(path).mode & 0o777, 0o660)
    await converse({ path })
    await agent.close()
    assert.equal(existsSync(path), false)
  })

  it('a path may be given alone, and allowedPeers is about addresses', async (t) => {
    const path = join(folder(t), 'agent.sock')
    await agentFor(t, { allowedPeers: ['192.0.2.1'] }).listen(path)
    await converse({ path })
  })

  it('one that nobody listens on any more is replaced', async (t) => {
    const path = join(folder(t), 'agent.sock')
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    assert.ok(existsSync(path), 'the killed process has left it')
    await agentFor(t).listen(path)
    await converse({ path })
  })

  it('one that somebody listens on is left alone, and so is a file', async (t) => {
    const dir = folder(t)
    const path = join(dir, 'agent.sock')
    const first = agentFor(t)
    await first.listen(path)
    await assert.rejects(agentFor(t).listen(path), {
      code: 'ERR_AGENT_LISTEN',
      message: `cannot listen: unix@${path}: the address is in use by another process`,
    })
    await converse({ path })
    const file = join(dir, 'precious')
    writeFileSync(file, 'text')
    await assert.rejects(agentFor(t).listen(file), {
      code: 'ERR_AGENT_LISTEN',
      message: `cannot listen: unix@${file}: there is a file of that name, which is no socket`,
    })
    assert.equal(readFileSync(file, 'utf8'), 'text')
  })

  it('what else stands in the way is told as it is', async (t) => {
    const dir = folder(t)
    const link = join(dir, 'link')
    symlinkSync(join(dir, 'nowhere'), link)
    for (const [path, reason] of [
      [dir, 'there is a directory of that name'],
      [link, 'there is a symbolic link of that name'],
      [join(dir, 'none', 'x.sock'), `the directory ${join(dir, 'none')} does not exist`],
    ] as const) {
      await assert.rejects(agentFor(t).listen(path), {
        code: 'ERR_AGENT_LISTEN',
        message: `cannot listen: unix@${path}: ${reason}`,
      })
    }
  })

  it('opens again after maxConnections, with its mode', async (t) => {
    const path = join(folder(t), 'agent.sock')
    const agent = agentFor(t, { maxConnections: 1 })
    await agent.listen(path, { mode: 0o600 })
    for (let round = 0; round < 3; round++) {
      const peer = await Peer.connect({ path })
      await peer.greet()
      await assert.rejects(Peer.connect({ path }))
      peer.close()
      await until(() => agent.stats.connections.active === 0 && existsSync(path))
    }
    await until(() => (statSync(path).mode & 0o777) === 0o600)
  })

  it('in the abstract namespace have no file', { skip: process.platform !== 'linux' }, async (t) => {
    const name = `sluice-test-${process.pid}`
    const agent = agentFor(t)
    assert.deepEqual(await agent.listen(`abns@${name}`), { type: 'unix', path: `\0${name}` })
    await converse({ path: `\0${name}` })
    await assert.rejects(agentFor(t).listen(`abns@${name}`), {
      message: `cannot listen: abns@${name}: the address is in use by another process`,
    })
  })
})

describe('inherited descriptors', () => {
  const script = `
    import { createAgent } from 'sluice/agent'
    const agent = createAgent({ closeDelay: 1, allowedPeers: process.argv[1] === 'tcp' ? ['127.0.0.1'] : ['192.0.2.1'] })
    const address = await agent.listen('fd@3')
    console.log(JSON.stringify(address))
    process.stdin.once('data', async () => { await agent.close(); process.exit(0) })`

  async function inherit(t: TestContext, kind: 'tcp' | 'unix', server: Server) {
    const fd = (server as unknown as { _handle: { fd: number } })._handle.fd
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, kind], {
      stdio: ['pipe', 'pipe', 'inherit', fd],
    })
    t.after(() => child.kill('SIGKILL'))
    const [line] = await new Promise<Buffer[]>((resolve) =>
      child.stdout?.once('data', (...all) => resolve(all)),
    )
    assert.deepEqual(JSON.parse(String(line)), { type: 'fd', fd: 3 })
    return child
  }

  it('of TCP and unix sockets are listened on, as systemd hands them over', async (t) => {
    const path = join(folder(t), 'inherited.sock')
    for (const kind of ['tcp', 'unix'] as const) {
      const server = createServer()
      await new Promise<void>((resolve) =>
        kind === 'tcp' ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve),
      )
      const address = server.address()
      const child = await inherit(t, kind, server)
      // We let go of it, and keep its name: closing removes the path that it was opened with.
      if (kind === 'unix') renameSync(path, `${path}.kept`)
      server.close()
      await converse(typeof address === 'object' ? { port: address?.port ?? 0 } : { path: `${path}.kept` })
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.stdin?.write('stop\n')
      assert.equal(await exited, 0)
    }
  })

  it('that are none are refused', async (t) => {
    await assert.rejects(agentFor(t).listen('fd@999'), { code: 'ERR_AGENT_LISTEN', message: /fd@999/ })
  })
})

describe('the option tls', () => {
  const refuses = (tls: unknown, message: string | RegExp) =>
    assert.throws(() => createAgent({ tls: tls as never }), { code: 'ERR_SLUICE_OPTION', message })

  it('wants an object, known names and a certificate', () => {
    for (const tls of [true, null, ['secret'], 'secret']) {
      refuses(tls, "createAgent: option 'tls' must be a plain object")
    }
    refuses({ certt: 'x' }, /^createAgent: option 'tls' has an unknown name 'certt'; known are cert, key, /)
    // The agent decides on these two itself.
    for (const name of ['noDelay', 'allowHalfOpen']) refuses({ [name]: true }, /has an unknown name/)
    for (const tls of [
      {},
      { cert: 'x' },
      { key: 'x' },
      { cert: undefined, key: 'x' },
      { requestCert: true },
    ]) {
      refuses(tls, "createAgent: option 'tls' has no certificate: cert and key, pfx or SNICallback is wanted")
    }
    const SNICallback = () => {}
    refuses({ SNICallback, requestCert: 'yes' }, /must have true or false as 'requestCert'$/)
    refuses({ SNICallback, rejectUnauthorized: 0 }, /must have true or false as 'rejectUnauthorized'$/)
    for (const tls of [{ SNICallback }, { pskCallback: () => null, requestCert: true }]) {
      createAgent({ tls } as AgentOptions).destroy()
    }
  })

  it('is tried at once, and a key is never shown', () => {
    refuses({ cert: 'secret', key: 'secret' }, /^createAgent: option 'tls' cannot be used: (?!.*secret)/)
    refuses({ SNICallback: 5 }, /cannot be used: .*SNICallback/)
    refuses({ SNICallback() {}, handshakeTimeout: 'long' }, /cannot be used: .*handshakeTimeout/)
  })
})

describe('TLS', { skip: skipWithoutOpenssl }, () => {
  it('serves as TCP does, ACKs in one write included', async (t) => {
    const { ca, server } = certificates(folder(t))
    const agent = agentFor(t, { tls: server })
    const address = await agent.listen('127.0.0.1:0')
    const port = address.type === 'tcp' ? address.port : 0
    await converse({ port, tls: { ca } })
    agent.message('m', async (_, actions) => void actions.setVar('txn', 'x', 'y'.repeat(15_000)))
    const peer = await Peer.connect({ port, tls: { ca } })
    t.after(() => peer.close())
    await peer.greet()
    peer.send(...Array.from({ length: 300 }, (_, id) => notify(idsOf(id), '01 "m" 00')))
    const value = 'y'.repeat(15_000)
    for (let id = 0; id < 300; id++) {
      const answer = ack(idsOf(id), `01 03 02 01 "x" 08 f8 9a 06 "${value}"`)
      assert.ok(answer.equals(await peer.frame()), 'nothing is overwritten')
    }
    const closing = agent.close()
    assert.equal((await peer.farewell()).status, 0)
    assert.equal(await peer.ended(), 'end')
    peer.end()
    await closing
  })

  it('mutual TLS lets in who has a certificate of the authority, and tells of the others', async (t) => {
    const { ca, server, client, stranger } = certificates(folder(t))
    const logger = new MemoryLogger()
    const agent = agentFor(t, { tls: { ...server, ca, requestCert: true }, logger })
    const address = await agent.listen('127.0.0.1:0')
    const port = address.type === 'tcp' ? address.port : 0
    await converse({ port, tls: { ca, ...client } })
    for (const tls of [{ ca }, { ca, ...stranger }]) {
      const served = Peer.connect({ port, tls }).then((peer) => {
        t.after(() => peer.close())
        return peer.greet()
      })
      await assert.rejects(served)
    }
    await until(() => logger.troubles.length > 0)
    assert.ok(logger.troubles.every((each) => each.includes('client refused')))
    assert.equal(agent.stats.connections.accepted, 1)
    // Without TLS there is nothing to talk about.
    const plain = await Peer.connect({ port })
    t.after(() => plain.close())
    await assert.rejects(plain.greet(), /gone/)
  })

  it('who may not connect is refused before the handshake', async (t) => {
    const { ca, server } = certificates(folder(t))
    const agent = agentFor(t, { tls: server, allowedPeers: ['192.0.2.1'] })
    const address = await agent.listen('127.0.0.1:0')
    await assert.rejects(Peer.connect({ port: address.type === 'tcp' ? address.port : 0, tls: { ca } }))
    assert.equal(agent.stats.connections.refused, 1)
    assert.deepEqual(agent.stats.errors, { ERR_AGENT_PEER_REFUSED: 1 })
  })

  it('a client that does not shake hands is sent away after handshakeTimeout', async (t) => {
    const { server } = certificates(folder(t))
    const agent = agentFor(t, { tls: server, handshakeTimeout: 30 })
    const address = await agent.listen('127.0.0.1:0')
    const silent = await Peer.connect({ port: address.type === 'tcp' ? address.port : 0 })
    t.after(() => silent.close())
    await silent.ended()
  })
})
