/** geoip with the real HAProxy: headers of the origin from a database, which is replaced under load. */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { skipWithoutHaproxy } from '../support/haproxy.ts'
import { writeMmdb } from '../support/mmdb-writer.ts'
import { until } from '../support/until.ts'
import { ask } from './agent-support.ts'
import { startReady, startSnippet } from './ready-support.ts'

const skip = skipWithoutHaproxy()

const config = `agents:
  geoip:
    deadline_ms: 1000
    outputs: [country, city, asn, found]
    databases: [{path: db.mmdb}]
    deny: {countries: [XX]}
`
const more = `http-request set-header x-city %[var(txn.geoip.city)]
    http-request set-header x-asn %[var(txn.geoip.asn)]
    http-request set-header x-found %[var(txn.geoip.found)]`
const of = (code: string, city = 'München') =>
  writeMmdb([
    [
      '127.0.0.0/26',
      { country: { iso_code: code }, city: { names: { en: city } }, autonomous_system_number: 64_496 },
    ],
    ['127.0.0.64/26', { country_code: 'XX' }],
    ['2001:db8::/32', { country_code: 'JP', city: '東京' }],
  ])

test(
  'what a database says is in the headers of the origin, and a country is refused',
  { skip },
  async (t) => {
    const ready = await startReady(t, config)
    const replace = (bytes: Buffer) => {
      writeFileSync(join(ready.dir, 'new'), bytes)
      renameSync(join(ready.dir, 'new'), join(ready.dir, 'db.mmdb'))
    }
    replace(of('DE'))
    await until(() => ready.agents.agent.ready, 'the database is found')
    const haproxy = await startSnippet(t, ready, { more })
    const { fe } = haproxy.ports
    const seen = async (localAddress: string, headers: Record<string, string> = {}) => {
      const { status, body } = await ask(fe, { localAddress, headers })
      if (status !== 200) return status
      const sent = JSON.parse(body) as Record<string, string>
      return ['x-country', 'x-city', 'x-asn', 'x-found'].map((name) =>
        Buffer.from(sent[name] ?? '-', 'latin1').toString(),
      )
    }
    // The origin's answer is read as Latin-1, byte by byte, and so were the headers that it shows.
    const munich = Buffer.from(Buffer.from('München').toString('latin1')).toString()
    assert.deepEqual(await seen('127.0.0.1'), ['DE', munich, '64496', '1'])
    assert.deepEqual(
      await seen('127.0.0.200', { 'x-country': 'US' }),
      ['-', '', '0', '0'],
      'a client cannot say where it is',
    )
    assert.equal(await seen('127.0.0.70'), 403)

    const agent = new HttpAgent({ keepAlive: true, maxSockets: 8 })
    t.after(() => agent.destroy())
    const countries = new Set<string>()
    let over = false
    t.after(() => (over = true))
    const load = Array.from({ length: 8 }, async () => {
      while (!over) {
        const { body } = await ask(fe, { agent })
        countries.add((JSON.parse(body) as Record<string, string>)['x-country'] ?? '-')
      }
    })
    for (const code of ['AA', 'BB', 'CC']) {
      replace(of(code))
      await until(async () => ((await seen('127.0.0.1')) as string[])[0] === code, `${code} is in use`)
    }
    replace(of('ZZ').subarray(0, 200))
    const trouble = () => ready.agents.agent.status.readSources()[0]?.fields['detail']
    await until(() => trouble() !== undefined, 'the cut one is told of')
    over = true
    await Promise.all(load)
    assert.deepEqual([...countries].toSorted(), ['AA', 'BB', 'CC', 'DE'])
    assert.equal(((await seen('127.0.0.1')) as string[])[0], 'CC')
  },
)
