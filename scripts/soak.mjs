// npm run soak: half load for half an hour, by hand; see bench/soak.ts. `-- --seconds 10` is the short form.
import { spawnSync } from 'node:child_process'

for (const args of [
  ['scripts/build.mjs'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'],
  ['.build/bench/soak.js', ...process.argv.slice(2)],
]) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
