import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { freePorts } from './ports.ts'

test('no port is given twice, and one that is taken is left out', async (t) => {
  const [first = 0] = await freePorts(1)
  const squatter = createServer().listen(first + 2, '127.0.0.1')
  t.after(() => squatter.close())
  await once(squatter, 'listening')
  const given = [first, ...(await freePorts(2)), ...(await Promise.all([freePorts(5), freePorts(5)])).flat()]
  assert.equal(new Set(given).size, given.length)
  assert.ok(!given.includes(first + 2))
})

test('they are none that the kernel gives', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const each of await freePorts(3)) assert.ok(each >= 10_240 && each < 32_768 && each < port, `${each}`)
})

test('other processes get others, even those of one number', async () => {
  const source = `import { freePorts } from ${JSON.stringify(import.meta.resolve('./ports.js'))}
    process.stdout.write((await freePorts(1)).join())
    process.stdin.resume()`
  const [own = 0] = await freePorts(1)
  const others = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  try {
    const given = await Promise.all(
      others.map(async ({ stdout }) => Number(((await once(stdout, 'data')) as [Buffer])[0].toString())),
    )
    const slice = (port: number): number => Math.floor((port - 10_240) / 1024)
    assert.equal(new Set([own, ...given].map(slice)).size, 5)
  } finally {
    for (const other of others) other.kill('SIGKILL')
  }
})
