/** The ready agent geoip, upon databases that the test writes: all record sizes, both shapes of records, files that change. */
import assert from 'node:assert/strict'
import { renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { IpAddress, silentLogger } from 'sluice'
import { readReadyConfig } from '#src/services/host/config.js'
import { startReadyAgents } from '#src/services/host/host.js'
import { loadPackage } from '#src/services/frame/optional-package.js'
import { readFields } from '#src/services/geoip/fields.js'
import { writeMmdb, type MmdbOptions, type MmdbValue } from '../support/mmdb-writer.ts'
import { makeFolder } from '../support/sluice.ts'
import { SpopClient } from '../support/spop-client.ts'
import { until } from '../support/until.ts'

const nested: MmdbValue = {
  continent: { code: 'EU', names: { en: 'Europe' } },
  country: { iso_code: 'DE', is_in_european_union: true, geoname_id: 2_921_044 },
  registered_country: { iso_code: 'AT' },
  subdivisions: [{ iso_code: 'BY' }],
  city: { names: { en: 'Munich', de: 'München' } },
  location: { latitude: 48.1374, longitude: -11.5755, time_zone: 'Europe/Berlin' },
}
const flat: MmdbValue = {
  country_code: 'JP',
  continent: 'AS',
  city: '東京',
  state1: 'Tokyo',
  latitude: '35.6',
  timezone: 'Asia/Tokyo',
}
const asn: MmdbValue = {
  autonomous_system_number: 64_496,
  autonomous_system_organization: 'Example\u0000 Ltd',
}

const networks: readonly (readonly [string, MmdbValue])[] = [
  ['192.0.2.0/24', nested],
  ['198.51.100.64/26', flat],
  ['2001:db8::/32', nested],
]
const ofV4 = networks.filter(([network]) => !network.includes(':'))

async function start(t: TestContext, entry: string, databases: Readonly<Record<string, Buffer>>) {
  const { dir, remove } = makeFolder({ 'agents.yaml': `agents:\n  geoip:\n    deadline_ms: 2000\n${entry}` })
  for (const [name, bytes] of Object.entries(databases)) writeFileSync(join(dir, name), bytes)
  const agents = await startReadyAgents(
    await readReadyConfig({ file: join(dir, 'agents.yaml') }),
    silentLogger,
    { closeDelay: 1 },
  )
  const client = await SpopClient.open(await agents.agent.listen('127.0.0.1:0'))
  t.after(async () => {
    client.close()
    await agents.close()
    remove()
  })
  const ask = async (src: string | null, more: readonly (readonly [string, string | IpAddress])[] = []) => {
    const args: [string, string | IpAddress | null][] = [['src', src === null ? null : IpAddress.parse(src)]]
    const actions = await client.notify({ name: 'geoip', args: [...args, ...more] })
    const found: Record<string, unknown> = {}
    for (const action of actions) {
      if (action.type !== 'set-var' || action.name === 'took_us') continue
      const value = 'value' in action.value ? action.value.value : undefined
      found[action.name] = typeof value === 'bigint' ? Number(value) : value
    }
    return found
  }
  const country = async (src: string) => (await ask(src))['country']
  const replace = (name: string, bytes: Buffer) => {
    writeFileSync(join(dir, 'new'), bytes)
    renameSync(join(dir, 'new'), join(dir, name))
  }
  const source = () => agents.agent.status.readSources()[0]
  return { agents, ask, country, replace, source, dir }
}

const one = '    databases: [{path: db.mmdb}]\n'
const everything =
  '    outputs: [found, country, continent, registered_country, subdivision, city, asn, as_org, lat, lon, tz, is_eu, db_epoch]\n'

for (const recordSize of [24, 28, 32] as const) {
  for (const ipVersion of [4, 6] as const) {
    test(`records of ${recordSize} bits, IPv${ipVersion}`, async (t) => {
      const entries = ipVersion === 4 ? ofV4 : networks
      const { country } = await start(t, one, { 'db.mmdb': writeMmdb(entries, { recordSize, ipVersion }) })
      for (const [address, expected] of [
        ['192.0.2.0', 'DE'],
        ['192.0.2.255', 'DE'],
        ['192.0.3.0', ''],
        ['198.51.100.63', ''],
        ['198.51.100.64', 'JP'],
        ['198.51.100.127', 'JP'],
        ['::ffff:192.0.2.7', 'DE'],
        ['127.0.0.1', ''],
        ['255.255.255.255', ''],
        ['::1', ''],
        ['2001:db8::1', ipVersion === 6 ? 'DE' : ''],
        // Its first bits are those of 192.0.2.1.
        ['c000:0201::', ''],
      ] as const) {
        assert.equal(await country(address), expected, address)
        assert.equal(await country(address), expected, `${address}, from the cache`)
      }
    })
  }
}

test('all that a record says is sent, of several databases the first word', async (t) => {
  const { ask } = await start(
    t,
    `    databases: [{path: city.mmdb}, {path: asn.mmdb}]\n    locale: de\n${everything}`,
    {
      'city.mmdb': writeMmdb(networks, { epoch: 1_760_000_000 }),
      'asn.mmdb': writeMmdb(
        [
          ['192.0.2.0/25', asn],
          ['203.0.113.0/24', asn],
        ],
        { epoch: 1_700_000_000 },
      ),
    },
  )
  assert.deepEqual(await ask('192.0.2.1'), {
    ok: true,
    verdict: 'allow',
    reason: 'found',
    found: true,
    country: 'DE',
    continent: 'EU',
    registered_country: 'AT',
    subdivision: 'BY',
    city: 'München',
    asn: 64_496,
    as_org: 'Example Ltd',
    lat: '48.1374',
    lon: '-11.5755',
    tz: 'Europe/Berlin',
    is_eu: true,
    db_epoch: 1_760_000_000,
  })
  const far = await ask('198.51.100.100')
  assert.deepEqual(
    [far['country'], far['city'], far['subdivision'], far['lat'], far['tz'], far['is_eu'], far['asn']],
    ['JP', '東京', 'Tokyo', '35.6', 'Asia/Tokyo', false, 0],
  )
  const only = await ask('203.0.113.1')
  assert.deepEqual([only['asn'], only['country'], only['db_epoch']], [64_496, '', 1_700_000_000])
  const none = await ask('127.0.0.1')
  assert.deepEqual(none, {
    ...Object.fromEntries(
      Object.entries(far).map(([name, value]) => [
        name,
        typeof value === 'string' ? '' : typeof value === 'number' ? 0 : false,
      ]),
    ),
    ok: true,
    verdict: 'allow',
    reason: 'not_found',
    db_epoch: 1_760_000_000,
  })
})

test('an argument ip is asked about in place of src', async (t) => {
  const { ask } = await start(t, `${one}    trusted_proxies: [127.0.0.1]\n`, {
    'db.mmdb': writeMmdb(networks),
  })
  for (const [src, more, expected] of [
    ['127.0.0.1', [['ip', '192.0.2.1']], 'DE'],
    ['192.0.2.1', [['ip', IpAddress.parse('198.51.100.64')]], 'JP'],
    ['127.0.0.1', [['ip', '::ffff:198.51.100.64']], 'JP'],
    ['192.0.2.1', [['ip', 'nonsense']], ''],
    ['127.0.0.1', [['xff', '192.0.2.1']], 'DE'],
    ['127.0.0.2', [['xff', '192.0.2.1']], ''],
    [null, [], ''],
  ] as const) {
    assert.equal((await ask(src, more))['country'], expected, JSON.stringify([src, more]))
  }
})

test('countries and autonomous systems decide, when they are told', async (t) => {
  const databases = {
    'db.mmdb': writeMmdb(networks),
    'asn.mmdb': writeMmdb([
      ['192.0.2.0/25', asn],
      ['203.0.113.0/24', asn],
    ]),
  }
  const both = '    databases: [{path: db.mmdb}, {path: asn.mmdb}]\n'
  for (const [lines, ...expected] of [
    ['', 'allow found', 'allow found', 'allow not_found'],
    ["    deny: {countries: ['DE']}\n", 'deny denied', 'allow found', 'allow not_found'],
    ['    deny: {asns: [64496]}\n', 'deny denied', 'allow found', 'allow not_found'],
    [
      "    allow: {countries: ['DE']}\n    unknown: deny\n",
      'allow allowed',
      'deny not_allowed',
      'deny not_found',
    ],
    [
      "    allow: {countries: ['DE']}\n    deny: {asns: [64496]}\n",
      'deny denied',
      'deny not_allowed',
      'allow not_found',
    ],
  ] as const) {
    const { ask } = await start(t, both + lines, databases)
    const verdicts = []
    for (const address of ['192.0.2.1', '198.51.100.64', '10.0.0.1']) {
      const { verdict, reason } = await ask(address)
      verdicts.push(`${String(verdict)} ${String(reason)}`)
    }
    assert.deepEqual(verdicts, expected, lines)
  }
})

/** The name of each mistake, and a file with it. */
const broken: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['rubbish', Buffer.from('<html>not found</html>')],
  ['the half of it', writeMmdb(networks).subarray(0, 300)],
  ['another record size', writeMmdb(networks, { claimedSize: 20 })],
  ['a tree that leads nowhere', tornTree()],
]

function tornTree(): Buffer {
  const whole = writeMmdb(networks, { recordSize: 32 })
  // Its first records point far behind the end.
  for (let at = 0; at < 64; at += 4) whole.writeUInt32BE(0x7fff_0000, at)
  return whole
}

for (const [what, bytes] of broken) {
  test(`a database with ${what} is none, and takes the place of none`, async (t) => {
    const { agents, ask, country, replace, source } = await start(t, one, { 'db.mmdb': bytes })
    assert.deepEqual([agents.agent.ready, source()?.ok], [false, false])
    assert.equal((await ask('192.0.2.1'))['reason'], 'no_data')
    replace('db.mmdb', writeMmdb(networks))
    await until(() => agents.agent.ready, 'a right one is read')
    assert.equal(await country('192.0.2.1'), 'DE')
    replace('db.mmdb', bytes)
    await until(() => source()?.fields['detail'] !== undefined, 'the wrong one is told of')
    assert.deepEqual([agents.agent.ready, source()?.ok, await country('192.0.2.1')], [true, true, 'DE'])
  })
}

test('a database that is replaced loses no answer, and its cache goes with it', async (t) => {
  const of = (code: string, more: MmdbOptions = {}) =>
    writeMmdb([['192.0.2.0/24', { country: { iso_code: code } }]], more)
  const { country, replace, source, dir, ask } = await start(t, one, {
    'db.mmdb': of('AA', { type: 'Nobody-Knows-This' }),
  })
  let answers = 0
  let over = false
  t.after(() => (over = true))
  const asking = (async () => {
    while (!over) {
      assert.notEqual(await country('192.0.2.1'), '')
      answers++
    }
  })()
  for (const code of ['BB', 'CC', 'DD']) {
    replace('db.mmdb', of(code, { epoch: 1_600_000_000 }))
    await until(async () => (await country('192.0.2.1')) === code, `${code} is in use`)
  }
  unlinkSync(join(dir, 'db.mmdb'))
  await until(() => /ENOENT/.test(String(source()?.fields['detail'])), 'it is told that the file is away')
  over = true
  await asking
  assert.ok(answers > 0)
  assert.equal((await ask('192.0.2.1'))['verdict'], 'allow')
  assert.equal(source()?.ok, false, 'it is too old, which the status page and the metric tell')
})

test('fields are found in every shape that is known', () => {
  for (const [record, expected] of [
    [
      { country: 'US', asn: 'AS64500', as_name: 'X' },
      { country: 'US', asn: 64_500, as_org: 'X' },
    ],
    [
      { as_number: 7, lat: 1, lng: 0 },
      { asn: 7, lat: '1', lon: '0' },
    ],
    [{ city: { names: { en: 'Rome' } } }, { city: 'Rome' }],
    [{ country: {}, asn: 'none', latitude: '', longitude: null }, {}],
    ['text', {}],
    [null, {}],
  ] as const) {
    assert.deepEqual(readFields(record, 'fr'), expected)
  }
})

test('a package that is not there is told with the line to type', async () => {
  const missing: string = 'sluice-has-no-such-package'
  await assert.rejects(
    loadPackage(() => import(missing), missing, '3', 'geoip'),
    (error: Error) => {
      assert.equal((error as { code?: unknown }).code, 'ERR_SERVICE_PACKAGE')
      assert.match(
        error.message,
        /: geoip needs sluice-has-no-such-package: npm install sluice-has-no-such-package@3$/,
      )
      return true
    },
  )
  // What another one of its imports lacks is not this package's being away.
  await assert.rejects(
    loadPackage(() => import(missing), 'other', '3', 'geoip'),
    /Cannot find package/,
  )
})
