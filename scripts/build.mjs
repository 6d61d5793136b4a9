// Compiles src/ to dist/, and makes the command executable. tsc alone writes the files.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs'

// The incremental record must not outlive its output: tsc would find nothing to do.
if (!existsSync('dist')) rmSync('.build/src.tsbuildinfo', { force: true })
mkdirSync('.build', { recursive: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], {
  stdio: 'inherit',
})
if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755)
