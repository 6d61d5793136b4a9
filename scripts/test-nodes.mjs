// npm run test:nodes: builds once, then runs the unit tests on every Node.js line that is supported. The binaries
// come from the npm registry (packages without install scripts) and stay in .cache/.
//   --node-path LINE   prints where the binary of a line is, fetching it when needed
//   WORD…              only test files whose path contains one of the words
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

/** Exact versions, so that two runs test the same. */
const versions = { 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' }

/** The binary of a line, fetched when it is not there. */
export function nodePath(line) {
  const version = versions[line]
  if (version === undefined) throw new Error(`no version is pinned for Node.js ${line}`)
  const { platform, arch } = process
  if (platform !== 'linux' || !['x64', 'arm64'].includes(arch)) {
    throw new Error(
      `npm has Node.js binaries without install scripts for Linux on x64 and arm64 only, not for ${platform} ${arch}; ` +
        `install Node.js ${version} yourself and run: node scripts/test.mjs --unit --node PATH`,
    )
  }
  const name = `node-linux-${arch}`
  const prefix = resolve('.cache', `node-${version}`)
  const path = join(prefix, 'node_modules', name, 'bin', 'node')
  if (!existsSync(path)) {
    mkdirSync(prefix, { recursive: true })
    const args = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', `${name}@${version}`]
    execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return path
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'node-path': { type: 'string' } },
  })
  if (values['node-path'] !== undefined) return console.log(nodePath(values['node-path']))
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'], {
    stdio: 'inherit',
  })
  const failed = []
  for (const line of Object.keys(versions)) {
    const node = nodePath(line)
    console.log(`\n=== Node.js ${execFileSync(node, ['--version']).toString().trim()} ===`)
    const args = ['scripts/test.mjs', '--unit', '--runtime', '--no-build', '--node', node, ...positionals]
    if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0) failed.push(line)
  }
  if (failed.length > 0) {
    console.error(`\nfailed on Node.js ${failed.join(', ')}`)
    process.exit(1)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    main()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
