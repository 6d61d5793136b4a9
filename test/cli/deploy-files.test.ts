/**
 * The files of deploy/ that nothing here can run, neither a container nor a cluster: what can be told without them. That they
 * work in one is not proven here.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { Cli, root, startSluice } from '../support/sluice.ts'

interface Json extends Iterable<Json> {
  readonly [key: string]: Json | undefined
}

/** Of a scalar. */
const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

function documents(path: string): Json[] {
  return parseAllDocuments(read(path), { merge: true, strict: true, uniqueKeys: true }).map((each) => {
    assert.deepEqual([...each.errors, ...each.warnings], [], path)
    return each.toJS() as Json
  })
}

const kubernetes = readdirSync(join(root, 'deploy/kubernetes'))
const manifests = kubernetes.flatMap((form) =>
  readdirSync(join(root, 'deploy/kubernetes', form))
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => {
      const path = `deploy/kubernetes/${form}/${name}`
      return documents(path).map((object) => ({ form, path, object }))
    }),
)
const ofKind = (kind: string) => manifests.filter(({ object }) => text(object['kind']) === kind)

test('kustomizations name the files of their folder, all of them', () => {
  for (const { path, object } of ofKind('Kustomization')) {
    const folder = dirname(path)
    const maps = [...(object['configMapGenerator'] ?? [])].flatMap((map) => [...(map['files'] ?? [])])
    const named = [...(object['resources'] ?? []), ...maps].map(text)
    for (const name of named) assert.ok(existsSync(join(root, folder, name)), `${path}: ${name}`)
    const present = readdirSync(join(root, folder)).filter((name) => name !== 'kustomization.yaml')
    assert.deepEqual(named.filter((name) => !name.startsWith('../')).sort(), present.sort(), path)
  }
})

for (const { path, object } of ofKind('Deployment')) {
  const pod = object['spec']?.['template']?.['spec']
  const containers = [...(pod?.['containers'] ?? [])]

  test(`${path}, ${text(object['metadata']?.['name'])}: labels, volumes and ports fit together`, () => {
    const labels = object['spec']?.['template']?.['metadata']?.['labels']
    assert.deepEqual(object['spec']?.['selector']?.['matchLabels'], labels)
    const volumes = [...(pod?.['volumes'] ?? [])].map((volume) => text(volume['name']))
    for (const container of containers) {
      const ports = [...(container['ports'] ?? [])].map((port) => text(port['name']))
      for (const mount of container['volumeMounts'] ?? []) assert.ok(volumes.includes(text(mount['name'])))
      for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
        const port = container[name]?.['httpGet']?.['port'] ?? container[name]?.['tcpSocket']?.['port']
        if (port !== undefined) assert.ok(ports.includes(text(port)), `${name}: ${text(port)}`)
      }
    }
  })

  test(`${path}, ${text(object['metadata']?.['name'])}: as the profile "restricted" wants it, with limits`, () => {
    assert.equal(pod?.['automountServiceAccountToken'], false)
    assert.equal(pod?.['securityContext']?.['runAsNonRoot'], true)
    assert.ok(Number(pod?.['securityContext']?.['runAsUser']) > 0)
    assert.equal(pod?.['securityContext']?.['seccompProfile']?.['type'], 'RuntimeDefault')
    for (const container of containers) {
      assert.deepEqual(container['securityContext'], {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      assert.ok(container['resources']?.['limits']?.['memory'] !== undefined)
      assert.doesNotMatch(text(container['image']), /latest/)
    }
  })
}

test('policies, budgets and scalers select pods that there are', () => {
  const labelsOf = (each: Json) => each['spec']?.['template']?.['metadata']?.['labels']
  const pods = ofKind('Deployment').map(({ object }) => JSON.stringify(labelsOf(object)))
  for (const kind of ['NetworkPolicy', 'PodDisruptionBudget', 'Service']) {
    assert.ok(ofKind(kind).length > 0)
    for (const { path, object } of ofKind(kind)) {
      const { podSelector, selector } = object['spec'] as unknown as Record<string, Json | undefined>
      const labels = podSelector?.['matchLabels'] ?? selector?.['matchLabels'] ?? selector
      assert.ok(pods.includes(JSON.stringify(labels)), `${path}: ${JSON.stringify(labels)}`)
    }
  }
  for (const { object } of ofKind('HorizontalPodAutoscaler')) {
    const target = text(object['spec']?.['scaleTargetRef']?.['name'])
    assert.ok(ofKind('Deployment').some((each) => text(each.object['metadata']?.['name']) === target))
  }
})

test("the sidecar's HAProxy has the files of the compose file's", () => {
  for (const name of ['haproxy.cfg', 'ip-reputation.spoe.conf'])
    assert.equal(read(`deploy/kubernetes/sidecar/${name}`), read(`deploy/docker/${name}`))
})

for (const path of ['deploy/docker/compose.yaml', 'starter/compose.yaml']) {
  test(`${path}: services, files and limits`, () => {
    const [compose] = documents(path)
    const services = Object.entries((compose?.['services'] ?? {}) as Record<string, Json>)
    assert.ok(services.some(([name]) => name === 'haproxy') && services.some(([name]) => name === 'agent'))
    for (const [name, service] of services) {
      const needs = Object.keys((service['depends_on'] ?? {}) as object)
      if (!Array.isArray(service['depends_on']))
        for (const need of needs)
          assert.ok(
            services.some(([each]) => each === need),
            `${name}: ${need}`,
          )
      for (const volume of service['volumes'] ?? []) {
        const [file = ''] = text(volume).split(':')
        assert.ok(existsSync(join(root, dirname(path), file)), `${name}: ${file}`)
        assert.match(text(volume), /:ro$/)
      }
      assert.doesNotMatch(text(service['image'] ?? ''), /latest|^\w+$/)
      for (const port of service['ports'] ?? []) assert.match(text(port), /^127\.0\.0\.1:/)
    }
  })
}

for (const path of ['deploy/docker/Dockerfile', 'starter/Dockerfile']) {
  test(`${path}: two stages, a user that is a number, a health check`, () => {
    const file = read(path)
    assert.equal(file.match(/^FROM node:[\d\w.-]+/gm)?.length, 2)
    assert.match(file, /^USER \d+:\d+$/m)
    assert.match(file, /^HEALTHCHECK [\s\S]*"probe", "--health", "spop:\/\/127\.0\.0\.1:12345"\]$/m)
  })
}

/** What the side port of deploy/docker's agents tells. */
async function readMetrics(): Promise<string> {
  const config = join(root, 'deploy/docker/agents/agents.yaml')
  const cli = new Cli(['agent', '--config', config, '--listen', '127.0.0.1:0', '--status', '127.0.0.1:0'])
  try {
    await cli.waitFor(/ip-reputation on /, 60_000)
    const url = /status on (\S+)/.exec(cli.output)?.[1] ?? ''
    return await (await fetch(new URL('/metrics', url))).text()
  } finally {
    await cli.stop()
  }
}

/** What that of a proxy tells, which has a server. */
async function readProxyMetrics(): Promise<string> {
  const sluice = await startSluice({
    ports: ['fe'],
    args: ['--status', '127.0.0.1:0'],
    config: ({ fe }) => `listen all
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
  bind 127.0.0.1:${fe}
  server s 127.0.0.1:${fe}
`,
  })
  try {
    const [, url = ''] = await sluice.cli.waitFor(/status on (\S+)/)
    return await (await fetch(new URL('/metrics', url))).text()
  } finally {
    await sluice.stop()
  }
}

let metrics: Promise<string> | undefined

async function familiesOf(): Promise<Set<string>> {
  metrics ??= Promise.all([readMetrics(), readProxyMetrics()]).then((texts) => texts.join('\n'))
  const typed = [...(await metrics).matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Set(
    typed.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
}

const metricsIn = (page: string) =>
  new Set(page.match(/\b(?:sluice_agent|sluice_proxy|process|nodejs)_\w+/g) ?? [])

for (const path of [
  'deploy/prometheus/alerts.yaml',
  'deploy/grafana/sluice-agents.json',
  'docs/metrics.md',
]) {
  test(`${path}: every metric that it names exists`, async () => {
    const families = await familiesOf()
    const named = [...metricsIn(read(path))]
    assert.ok(named.length > 5)
    assert.deepEqual(
      named.filter((name) => !families.has(name)),
      [],
    )
  })
}

test('docs/metrics.md names every metric', async () => {
  const named = metricsIn(read('docs/metrics.md'))
  const families = [...(await familiesOf())].filter((name) => !/_(bucket|sum|count)$/.test(name))
  assert.deepEqual(
    families.filter((name) => !named.has(name)),
    [],
  )
})

test('alerts and panels have what Prometheus and Grafana want of them', () => {
  const [alerts] = documents('deploy/prometheus/alerts.yaml')
  const groups = [...(alerts?.['groups'] ?? [])]
  assert.equal(groups.length, 2)
  for (const rule of groups.flatMap((group) => [...(group['rules'] ?? [])])) {
    assert.match(text(rule['alert']), /^Sluice[A-Za-z]+$/)
    assert.match(text(rule['for']), /^\d+m$/)
    for (const key of ['summary', 'description']) assert.ok(rule['annotations']?.[key] !== undefined)
  }
  const { panels } = JSON.parse(read('deploy/grafana/sluice-agents.json')) as { panels: { id: number }[] }
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
})
