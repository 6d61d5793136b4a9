/** `monitor-uri`: which targets it answers, HAProxy beside sluice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipWithoutHaproxy, startHaproxy } from '../support/haproxy.ts'
import { askOnce } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'

const uris = ['/health', '/health?deep', 'http://a.test/health', '*', 'health'] as const

const targets = [
  '/health',
  '/health?deep',
  '/healthy',
  '/hEAlth',
  'http://a.test/health',
  'http://a.test/health?deep',
  'http://b.test/health',
  'https://a.test/health',
  '/',
] as const

const names = uris.map((_, at) => `fe${at}`)

const config = (ports: Readonly<Record<string, number>>): string =>
  `defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s\n${uris
    .map((uri, at) => `frontend fe${at}\n  bind 127.0.0.1:${ports[`fe${at}`]}\n  monitor-uri ${uri}\n`)
    .join('')}`

const hostOf = (target: string): string => /^\w+:\/\/([^/]+)/.exec(target)?.[1] ?? 'a.test'

/** `uri target: status line`. */
async function ask(ports: Readonly<Record<string, number>>): Promise<string[]> {
  const lines: string[] = []
  for (const [at, uri] of uris.entries()) {
    for (const target of targets) {
      const reply = await askOnce(
        ports[`fe${at}`] ?? 0,
        `GET ${target} HTTP/1.1\r\nHost: ${hostOf(target)}\r\n\r\n`,
      )
      lines.push(`${uri} ${target}: ${typeof reply === 'string' ? reply : reply.line}`)
    }
  }
  return lines
}

test('every form of target, every form of monitor-uri', { skip: skipWithoutHaproxy() }, async () => {
  const haproxy = await startHaproxy({ ports: names, config })
  const sluice = await startSluice({ ports: names, config })
  try {
    const [theirs, ours] = [await ask(haproxy.ports), await ask(sluice.ports)]
    assert.deepEqual(ours, theirs)
    assert.equal(theirs.filter((line) => line.includes(' 200 ')).length, 7)
  } finally {
    await haproxy.stop()
    await sluice.stop()
  }
})

test('rules for content come first, those for requests never', { skip: skipWithoutHaproxy() }, async () => {
  const rules = [
    'tcp-request content reject',
    'tcp-request content reject if { path /health }',
    'tcp-request content accept',
    'http-request deny',
    'http-request return status 201',
    'http-after-response set-status 202',
    'option http-buffer-request',
  ]
  const ports = rules.map((_, at) => `fe${at}`)
  const text = (numbers: Readonly<Record<string, number>>): string =>
    `defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s\n${rules
      .map((rule, at) =>
        [
          `frontend fe${at}`,
          `  bind 127.0.0.1:${numbers[`fe${at}`]}`,
          '  monitor-uri /health',
          '  tcp-request inspect-delay 1s',
          `  ${rule}\n`,
        ].join('\n'),
      )
      .join('')}`
  const request = 'POST /health HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\n'
  const askAll = (numbers: Readonly<Record<string, number>>): Promise<string[]> =>
    Promise.all(
      rules.map(async (rule, at) => {
        const reply = await askOnce(numbers[`fe${at}`] ?? 0, request)
        return `${rule}: ${typeof reply === 'string' ? reply : reply.line}`
      }),
    )
  const haproxy = await startHaproxy({ ports, config: text })
  const sluice = await startSluice({ ports, config: text })
  try {
    const [theirs, ours] = [await askAll(haproxy.ports), await askAll(sluice.ports)]
    assert.deepEqual(ours, theirs)
  } finally {
    await haproxy.stop()
    await sluice.stop()
  }
})
