/**
 * PHP within Hono on Node.js: middleware for the scripts, serveStatic for the files.
 *
 *     ROOT=/srv/www PHP_FPM=/run/php/php8.2-fpm.sock PORT=8080 node examples/php-fpm/hono.js
 */
import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { phpFpm } from 'sluice/fcgi'

const root = process.env.ROOT ?? '/srv/www'
const php = phpFpm({
  root,
  socket: process.env.PHP_FPM ?? '/run/php/php8.2-fpm.sock',
  onError: (error, request) => console.error(request.url, error.message),
})

const app = new Hono()
app.get('/from-node', (context) => context.text('not PHP\n'))
app.use(php.hono) // before the files
app.use(serveStatic({ root }))

const options = { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 8080) }
const server = serve(options, ({ port }) => console.log(`listening on http://127.0.0.1:${port}`))
process.once('SIGTERM', () => {
  server.close(() => php.close())
  server.closeIdleConnections()
})
