/**
 * tshark with our dissector, installed by our command into a home of its own. Lua scripts do not load as root: then it runs as
 * nobody.
 */
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from './sluice.ts'

/** For the `skip` option of a test: false when tshark is here; under CI its absence is an error. */
export function skipWithoutTshark(): false | string {
  if (spawnSync('tshark', ['-v'], { stdio: 'ignore' }).status === 0) return false
  const reason = 'tshark is not installed (Debian: apt-get install tshark)'
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** A home with the dissector in it. */
export class Tshark {
  readonly home: string

  private constructor(home: string) {
    this.home = home
  }

  static async install(): Promise<Tshark> {
    const home = mkdtempSync(join(tmpdir(), 'sluice-tshark-'))
    const { code, stderr } = await runCli(['inspect', 'wireshark', '--install'], { env: { HOME: home } })
    if (code !== 0) throw new Error(stderr)
    chmodSync(home, 0o755)
    return new Tshark(home)
  }

  /** Writes a capture that tshark may read, and gives its path. */
  file(name: string, bytes: Buffer): string {
    const path = join(this.home, name)
    writeFileSync(path, bytes)
    return path
  }

  /** Runs it, and gives what it printed; rejects when it fails, or when the script has an error. */
  run(...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, HOME: this.home, LC_ALL: 'C.UTF-8' }
      execFile('tshark', args, { ...nobody, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`${error.message}\n${stderr}`))
        else if (/Lua Error|lua:|\.lua\b/.test(stdout + stderr)) reject(new Error(`${stdout}\n${stderr}`))
        else resolve(stdout)
      })
    })
  }

  /** The values of fields, a row for each packet that the filter lets through. */
  async fields(
    path: string,
    filter: string,
    fields: readonly string[],
    ...more: string[]
  ): Promise<string[][]> {
    const wanted = fields.flatMap((field) => ['-e', field])
    const text = await this.run(
      '-2',
      '-r',
      path,
      '-Y',
      filter,
      '-T',
      'fields',
      '-E',
      'separator=/t',
      ...wanted,
      ...more,
    )
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'))
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true })
  }
}
