// npm run bench: builds, compiles the benches and runs them. Linux only: CPU time is read from /proc.
import { spawnSync } from 'node:child_process'

if (process.platform !== 'linux') {
  console.error('npm run bench reads CPU times from /proc and pins processes with taskset: it needs Linux')
  process.exit(1)
}
for (const args of [
  ['scripts/build.mjs'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'],
  ['.build/bench/main.js', ...process.argv.slice(2)],
]) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
