/** The example of SPOE.txt 2.5 with the real HAProxy: its configuration with other ports, and our agent of that name. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseReputationList, serveIpReputation } from '#src/services/ip-reputation.js'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { until } from '../support/until.ts'
import { ask, serverState, startAgent } from './agent-support.ts'

const skip = skipWithoutHaproxy()

const spoe = `
[ip-reputation]

spoe-agent iprep-agent
    messages get-ip-reputation

    option var-prefix iprep

    timeout hello      2s
    timeout idle       2m
    timeout processing 1s

    use-backend iprep-servers

spoe-message get-ip-reputation
    args ip=src
    event on-client-session if ! { src -f whitelist.lst }
`

const config = (fe: number, one: number, two: number) => `
global
    log stdout format raw local0
    stats socket unix@stats.sock level admin

defaults
    timeout connect 2s
    timeout client 5s
    timeout server 5s

frontend www
    mode http
    bind 127.0.0.1:${fe}

    filter spoe engine ip-reputation config spoe-ip-reputation.conf

    # Reject connection if the IP reputation is under 20
    tcp-request content reject if { var(sess.iprep.ip_score) -m int lt 20 }

    http-after-response set-header x-score "%[var(sess.iprep.ip_score)]"
    http-request return status 200 content-type text/plain string ok

backend iprep-servers
    mode tcp
    balance roundrobin
    option spop-check
    default-server check inter 50ms fall 2 rise 1

    timeout connect 5s # greater than hello timeout
    timeout server  3m # greater than idle timeout

    server iprep1 127.0.0.1:${one}
    server iprep2 127.0.0.1:${two}
`

it(
  'scores reach a header, low ones are rejected, and health checks follow the agents',
  { skip },
  async (t) => {
    const { list, errors } = parseReputationList('127.0.0.1 90\n127.0.0.64/26 19\n127.0.0.80 20\n')
    assert.deepEqual(errors, [])
    const first = await startAgent(t, (agent) => serveIpReputation(agent, () => list))
    const second = await startAgent(t, (agent) => serveIpReputation(agent, () => list))
    const haproxy = await startHaproxy({
      ports: ['fe'],
      files: { 'spoe-ip-reputation.conf': spoe, 'whitelist.lst': '127.0.0.99\n' },
      config: ({ fe }) => config(fe, first.port, second.port),
    })
    t.after(() => haproxy.stop())
    const { fe } = haproxy.ports
    const state = (server: string) => serverState(haproxy.dir, 'iprep-servers', server)
    const becomes = (server: string, pattern: RegExp) =>
      until(async () => pattern.test((await state(server)).status), `${server} is ${pattern.source}`)

    await becomes('iprep1', /^UP$/)
    await becomes('iprep2', /^UP$/)
    assert.equal((await ask(fe)).headers['x-score'], '90')
    assert.equal((await ask(fe, { localAddress: '127.0.0.2' })).headers['x-score'], '100', 'nobody knows it')
    assert.equal((await ask(fe, { localAddress: '127.0.0.80' })).headers['x-score'], '20', 'just good enough')
    await assert.rejects(ask(fe, { localAddress: '127.0.0.66' }), 'rejected without an answer')
    assert.equal((await ask(fe, { localAddress: '127.0.0.99' })).headers['x-score'], '', 'nobody was asked')
    const asked = first.agent.stats.frames.notifies + second.agent.stats.frames.notifies
    assert.equal(asked, 4)

    // Draining: out of the rotation, and no request fails.
    first.agent.drain()
    await becomes('iprep1', /^DOWN/)
    const before = first.agent.stats.frames.notifies
    for (let count = 0; count < 20; count++) assert.equal((await ask(fe)).headers['x-score'], '90')
    await first.agent.close()
    assert.ok(first.agent.stats.frames.notifies - before <= 20)
    for (let count = 0; count < 20; count++) assert.equal((await ask(fe)).headers['x-score'], '90')
    assert.equal((await state('iprep2')).status, 'UP')

    // And back again on the same port.
    const third = await startAgent(t, (agent) => serveIpReputation(agent, () => list), {}, first.port)
    await becomes('iprep1', /^UP$/)
    assert.ok(third.agent.stats.connections.healthChecks > 0)

    // All gone: HAProxy goes on without a score.
    await Promise.all([second.agent.close(), third.agent.close()])
    await becomes('iprep1', /^DOWN/)
    await becomes('iprep2', /^DOWN/)
    const answer = await ask(fe)
    assert.deepEqual([answer.status, answer.headers['x-score']], [200, ''])
    for (const { agent } of [first, second, third]) assert.deepEqual(agent.stats.errors, {})
  },
)
