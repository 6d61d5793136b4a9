// Compiles src/ to dist/, and makes the command executable. tsc alone writes the files.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs'

// The incremental record must not outlive its output: tsc would find nothing to do.
if (!existsSync('dist/index.js')) rmSync('.build/src.tsbuildinfo', { force: true })
mkdirSync('.build', { recursive: true })
const args = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755)
process.exit(status ?? 1)
