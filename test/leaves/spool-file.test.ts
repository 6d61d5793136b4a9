/** Bytes that wait in a temporary file: sequences of adding, reading, beginning anew and giving up. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpoolFile } from '#src/base/spool-file.js'
import type { SpoolSink } from '#src/base/spool-file.js'
import { until } from '../support/until.ts'

/** One, and what its owner is told. */
function spool(t: TestContext) {
  const told: string[] = []
  let wake = (): void => {}
  const file = new SpoolFile({
    onRoom: () => {
      told.push('room')
      wake()
    },
    onFailed: (error) => {
      assert.match(error.message, /^a temporary file in \S+: E/)
      told.push((error as NodeJS.ErrnoException).code ?? error.message)
      wake()
    },
  })
  t.after(() => file.close())
  return { file, told, woken: () => new Promise<void>((resolve) => (wake = resolve)) }
}

/** Takes everything; `pauses` after each piece. */
function reader(file: SpoolFile, pauses = false) {
  const pieces: Buffer[] = []
  let sink: SpoolSink | undefined
  const whole = new Promise<string>((resolve) => {
    sink = {
      onPiece: (piece) => {
        pieces.push(piece)
        if (pauses) void sleep(1).then(() => file.resume())
        return !pauses
      },
      onEnd: () => resolve(Buffer.concat(pieces).toString('latin1')),
    }
  })
  assert.ok(sink)
  file.sendTo(sink)
  return { pieces, whole }
}

const finished = (file: SpoolFile) => new Promise<void>((resolve) => file.finish(resolve))

/** Makes temporary files go to another folder. */
function useFolder(t: TestContext, folder: string): void {
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
}

describe('a body in a file', () => {
  for (const [count, size] of [
    [0, 0],
    [1, 1],
    [5, 100],
    [40, 30_000],
  ] as const) {
    it(`is read as it was added: ${count} times ${size} bytes`, async (t) => {
      const { file } = spool(t)
      let expected = ''
      for (let at = 0; at < count; at++) {
        const piece = String.fromCharCode(65 + (at % 26)).repeat(size)
        expected += piece
        file.add(Buffer.from(piece))
        if (at % 3 === 0) await sleep(1)
      }
      await finished(file)
      assert.equal(file.size, expected.length)
      assert.ok((await reader(file).whole) === expected)
      // Again, to one that is slower.
      assert.ok((await reader(file, true).whole) === expected)
    })
  }

  it('says when there is room', async (t) => {
    const { file, told, woken } = spool(t)
    assert.equal(file.add(Buffer.alloc(200_000)), true)
    assert.equal(file.add(Buffer.alloc(200_000)), false)
    await woken()
    assert.deepEqual(told, ['room'])
    assert.equal(file.add(Buffer.alloc(10)), true)
  })

  it('begins anew for another reader, and tells the one before nothing more', async (t) => {
    const { file } = spool(t)
    file.add(Buffer.alloc(300_000, 'x'))
    await finished(file)
    const first = reader(file, true)
    await until(() => first.pieces.length > 0)
    const second = reader(file)
    const seen = first.pieces.length
    assert.equal((await second.whole).length, 300_000)
    assert.equal(first.pieces.length, seen)
  })

  it('has no name, and tells nothing when it is closed', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'spool-test-'))
    t.after(() => rmSync(folder, { recursive: true }))
    useFolder(t, folder)
    const { file, told } = spool(t)
    file.add(Buffer.alloc(1_000_000))
    file.finish(() => told.push('whole'))
    file.close()
    await sleep(50)
    assert.deepEqual(told, [])
    const other = spool(t).file
    other.add(Buffer.alloc(10))
    await finished(other)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('fails when there is nowhere to put it', async (t) => {
    useFolder(t, '/nowhere')
    const { file, told, woken } = spool(t)
    file.add(Buffer.from('x'))
    await woken()
    assert.deepEqual(told, ['ENOENT'])
    assert.equal(file.add(Buffer.from('x')), true)
  })
})
