/** The filter role, which no server has, record by record; and what an authorizer's answer says. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFcgiClient, createFcgiResponder, HeaderList, readAuthorization, Role } from 'sluice/fcgi'
import type { FcgiHandler, FcgiRequestInit, FcgiResponderOptions } from 'sluice/fcgi'
import { begin, connectPeer, end, pair, record, reply, request, startApp, tempDir } from './support.ts'
import type { Peer } from './support.ts'

async function start(t: TestContext, onRequest: FcgiHandler, options: Partial<FcgiResponderOptions> = {}) {
  const responder = createFcgiResponder({ onRequest, roles: ['filter', 'responder'], ...options })
  t.after(() => responder.destroy())
  const path = join(tempDir(t), 'r.sock')
  await responder.listen(path)
  return { peer: await connectPeer(t, { path }), responder }
}

const stdout = async (peer: Peer, id: number) =>
  (await peer.until('END', id))
    .filter((each) => each.type === 'STDOUT')
    .map((each) => each.content.toString('latin1'))
    .join('')

const filter: FcgiHandler = async ({ role, stdin, data, params }) => ({
  body: `${role} ${params.get('FCGI_DATA_LENGTH')} [${await text(stdin)}] [${await text(data)}]`,
})

const params = { FCGI_DATA_LENGTH: '7', FCGI_DATA_LAST_MOD: '0' }

describe('a filter at the responder', () => {
  const cases: [what: string, records: Buffer[], expected: RegExp][] = [
    [
      'in pieces',
      [record('DATA', 1, 'some '), record('DATA', 1, 'file'), record('DATA', 1)],
      /filter 7 \[in\] \[some file\]$/,
    ],
    ['empty', [record('DATA', 1)], /filter 7 \[in\] \[\]$/],
    [
      'with more behind its end',
      [record('DATA', 1, 'x'), record('DATA', 1), record('DATA', 1, 'y'), record('STDIN', 1)],
      / \[in\] \[x\]$/,
    ],
  ]
  for (const [what, records, expected] of cases) {
    it(`reads DATA behind STDIN: ${what}`, async (t) => {
      const { peer } = await start(t, filter)
      peer.send(request(1, params, 'in', { role: 3 }), ...records)
      assert.match(await stdout(peer, 1), expected)
      peer.send(request(3, {}, 'in'))
      assert.match(await stdout(peer, 3), /responder undefined \[in\] \[\]$/)
    })
  }

  it('may begin before STDIN has ended, and answer before DATA has', async (t) => {
    const { peer } = await start(t, async ({ data }) => {
      for await (const chunk of data) return { body: `first: ${String(chunk)}` }
      return undefined
    })
    peer.send(begin(1, { role: 3 }), record('PARAMS', 1), record('STDIN', 1), record('DATA', 1, 'one'))
    assert.match(await stdout(peer, 1), /first: one$/)
    peer.send(record('DATA', 1, 'late'), record('DATA', 1), request(3, {}, 'x'))
    await stdout(peer, 3)
  })

  it('must not be sent DATA before the end of STDIN: the connection ends', async (t) => {
    const { peer } = await start(t, filter)
    peer.send(request(1, params, null, { role: 3 }), record('DATA', 1, 'x'))
    assert.equal(await peer.next(), undefined)
  })

  it('and a responder is sent none: it is ignored', async (t) => {
    const { peer } = await start(t, filter)
    peer.send(
      request(1, {}, null),
      record('DATA', 1, 'x'),
      record('DATA', 1),
      record('STDIN', 1, 'in'),
      record('STDIN', 1),
    )
    assert.match(await stdout(peer, 1), /responder undefined \[in\] \[\]$/)
  })

  it('holds the gateway back while nobody reads DATA', async (t) => {
    let go: () => void = () => {}
    const going = new Promise<void>((resolve) => {
      go = resolve
    })
    const { peer } = await start(t, async ({ data }) => {
      await going
      return { body: String((await text(data)).length) }
    })
    peer.send(request(1, params, '', { role: 3 }))
    for (let count = 0; count < 200; count++) peer.send(record('DATA', 1, Buffer.alloc(50_000)))
    peer.send(record('DATA', 1))
    await sleep(150)
    assert.ok(peer.socket.writableLength > 0, 'not all of it has left')
    go()
    assert.match(await stdout(peer, 1), /\r\n10000000$/)
  })

  it('is given so long for DATA as for STDIN', async (t) => {
    const { peer } = await start(t, filter, { stdinTimeout: 30 })
    peer.send(request(1, params, '', { role: 3 }))
    assert.match(await stdout(peer, 1), /^Status: 408 /)
  })

  it('sees DATA fail when it is aborted', async (t) => {
    let failed: (code: string) => void = () => {}
    const seen = new Promise<string>((resolve) => {
      failed = resolve
    })
    const { peer } = await start(t, async ({ data }) => {
      await text(data).catch((error: { code: string }) => failed(error.code))
    })
    peer.send(request(1, params, '', { role: 3 }), record('DATA', 1, 'x'))
    await sleep(20)
    peer.send(record('ABORT', 1))
    assert.equal(await seen, 'ERR_FCGI_ABORTED')
  })

  it('is not there unless it is asked for', async (t) => {
    const { peer } = await start(t, filter, { roles: ['responder'] })
    peer.send(request(1, params, 'in', { role: 3 }))
    assert.equal((await peer.expect('END', 1)).content[4], 3)
  })
})

describe('a filter at the client', () => {
  const ask = async (t: TestContext, init: FcgiRequestInit, first: (peer: Peer) => void = () => {}) => {
    const seen: string[] = []
    const app = await startApp(t, async (peer) => {
      const { content } = await peer.expect('BEGIN')
      seen.push(`role ${content[1]}`)
      for (const each of await peer.until('DATA')) {
        const shown = each.type === 'PARAMS' ? each.content.length > 0 : each.content.toString('latin1')
        seen.push(`${each.type} ${shown}`)
        if (each.type === 'PARAMS' && each.content.includes(pair('FCGI_DATA_LENGTH', '4')))
          seen.push('length 4')
      }
      first(peer)
      peer.send(reply(1, 'A: b\r\n\r\nfiltered'))
    })
    const client = createFcgiClient({ endpoint: app.endpoint })
    t.after(() => client.destroy())
    const response = await client.request(init)
    assert.equal(await text(response.body), 'filtered')
    app.check()
    return seen
  }
  const given: [string, string][] = [['REQUEST_METHOD', 'POST']]

  it('sends DATA behind STDIN, and its length among the parameters', async (t) => {
    const seen = await ask(t, { params: given, role: Role.Filter, body: 'in', data: 'file' })
    assert.deepEqual(seen, [
      'role 3',
      'PARAMS true',
      'length 4',
      'PARAMS false',
      'STDIN in',
      'STDIN ',
      'DATA file',
      'DATA ',
    ])
  })

  it('without a body and without data, and with a body that streams', async (t) => {
    const empty = await ask(t, { params: given, role: Role.Filter })
    assert.deepEqual(empty, ['role 3', 'PARAMS true', 'PARAMS false', 'STDIN ', 'DATA '])
    async function* body() {
      yield 'a'
      await sleep(20)
      yield 'b'
    }
    const streamed = await ask(t, {
      params: [...given, ['CONTENT_LENGTH', '2']],
      role: Role.Filter,
      body: body(),
      data: Buffer.from('file'),
    })
    assert.deepEqual(streamed.slice(-6), [
      'PARAMS false',
      'STDIN a',
      'STDIN b',
      'STDIN ',
      'DATA file',
      'DATA ',
    ])
  })

  it('sends all of it again to an application that did not take it', async (t) => {
    let tries = 0
    const app = await startApp(t, async (peer) => {
      await peer.expect('BEGIN')
      const seen = await peer.until('DATA')
      assert.equal(seen.at(-2)?.content.toString(), 'file')
      peer.send(tries++ === 0 ? end(1, 2) : reply(1))
    })
    const client = createFcgiClient({ endpoint: app.endpoint })
    t.after(() => client.destroy())
    const response = await client.request({ params: given, role: Role.Filter, body: 'in', data: 'file' })
    assert.equal(await text(response.body), 'hello')
    assert.equal(tries, 2)
    app.check()
  })

  it('wants the role for it, and the other end of this library', async (t) => {
    const { responder } = await start(t, filter)
    const endpoint = await responder.listen('127.0.0.1:0')
    const client = createFcgiClient({ endpoint })
    t.after(() => client.destroy())
    const big = 'x'.repeat(300_000)
    const response = await client.request({ params: given, role: Role.Filter, body: 'in', data: big })
    assert.equal(await text(response.body), `filter 300000 [in] [${big}]`)
    await assert.rejects(client.request({ params: given, data: 'x' }), { code: 'ERR_SLUICE_OPTION' })
    const wrong = { params: given, role: Role.Filter, data: 7 } as unknown as FcgiRequestInit
    await assert.rejects(client.request(wrong), { code: 'ERR_SLUICE_OPTION' })
  })
})

describe('an authorizer', () => {
  it('allows with 200 alone, and only then sets variables', () => {
    const headers = HeaderList.from([
      ['Variable-REMOTE_USER', 'joe'],
      ['variable-x', 'y'],
      ['Content-Type', 'text/x'],
    ])
    assert.deepEqual(readAuthorization({ status: 200, headers }), {
      allowed: true,
      variables: new Map([
        ['REMOTE_USER', 'joe'],
        ['x', 'y'],
      ]),
    })
    for (const status of [201, 204, 302, 403]) {
      assert.deepEqual(readAuthorization({ status, headers }), { allowed: false, variables: new Map() })
    }
    assert.throws(() => readAuthorization(undefined as never), { code: 'ERR_SLUICE_OPTION' })
  })
})
