/** The agent of the specification's example. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgent } from 'sluice/agent'
import { defaultScore, parseReputationList, serveIpReputation } from '#src/services/ip-reputation.js'
import { ack, notify, Peer } from '../support/peer.ts'

describe('a reputation list', () => {
  it('has ranges and scores, comments and blank lines', () => {
    const { list, errors } = parseReputationList(`
      # the documentation's networks
      192.0.2.0/24 10   # bad
      192.0.2.7    95

      2001:db8::/32\t0\r
    `)
    assert.deepEqual(errors, [])
    assert.equal(list.get('192.0.2.1'), 10)
    assert.equal(list.get('192.0.2.7'), 95)
    assert.equal(list.get('::ffff:192.0.2.1'), 10)
    assert.equal(list.get('2001:db8::1'), 0)
    assert.equal(list.get('198.51.100.1'), undefined)
  })

  it('wrong lines are told with their number and left out', () => {
    const { list, errors } = parseReputationList(
      '192.0.2.0/24 101\nnonsense 5\n\n10.0.0.0/8\n10.0.0.0/8 1 2\n10.0.0.0/33 1\n127.0.0.1 3',
    )
    assert.equal(list.size, 1)
    assert.deepEqual(errors, [
      { line: 1, message: "'101' is not a score from 0 to 100" },
      { line: 2, message: "'nonsense' is not an address or CIDR range" },
      { line: 4, message: "'' is not a score from 0 to 100" },
      { line: 5, message: "'2' behind the score" },
      { line: 6, message: "'10.0.0.0/33' is not an address or CIDR range" },
    ])
  })
})

it('answers get-ip-reputation, from the list of the moment', async (t) => {
  let { list } = parseReputationList('192.0.2.0/24 10\n2001:db8::/32 20')
  const agent = createAgent({ closeDelay: 1 })
  t.after(() => agent.destroy())
  serveIpReputation(agent, () => list)
  const address = await agent.listen('127.0.0.1:0')
  const peer = await Peer.connect({ port: address.type === 'tcp' ? address.port : 0 })
  t.after(() => peer.close())
  await peer.greet()
  const score = (value: string) => ack('01 01', `01 03 01 08 "ip_score" 04 ${value}`)
  const about = (ip: string) => peer.ask(notify('01 01', `11 "get-ip-reputation" 01 02 "ip" ${ip}`))
  assert.deepEqual(await about('06 c0 00 02 05'), score('0a'))
  assert.deepEqual(await about('07 20 01 0d b8 00*11 01'), score('14'))
  assert.equal(defaultScore, 100)
  assert.deepEqual(await about('06 7f 00 00 01'), score('64'))
  assert.deepEqual(await about('00'), ack('01 01'), 'a client without an address')
  list = parseReputationList('127.0.0.0/8 1').list
  assert.deepEqual(await about('06 7f 00 00 01'), score('01'))
})
