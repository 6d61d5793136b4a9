// npm run bench: builds, compiles the benches and runs them. Linux only: CPU time is read from /proc.
import { execFileSync, spawnSync } from 'node:child_process'

if (process.platform !== 'linux') {
  console.error('npm run bench reads CPU times from /proc and pins processes with taskset: it needs Linux')
  process.exit(1)
}
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'], {
  stdio: 'inherit',
})
const run = spawnSync(process.execPath, ['.build/bench/main.js', ...process.argv.slice(2)], {
  stdio: 'inherit',
})
process.exit(run.status ?? 1)
