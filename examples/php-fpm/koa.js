/**
 * PHP within Koa: middleware for the scripts, and whoever serves files behind it.
 *
 *     ROOT=/srv/www PHP_FPM=/run/php/php8.2-fpm.sock PORT=8080 node examples/php-fpm/koa.js
 */
import Koa from 'koa'
import serveStatic from 'serve-static'
import { phpFpm } from 'sluice/fcgi'

const root = process.env.ROOT ?? '/srv/www'
const php = phpFpm({
  root,
  socket: process.env.PHP_FPM ?? '/run/php/php8.2-fpm.sock',
  onError: (error, request) => console.error(request.url, error.message),
})
const files = serveStatic(root)

const app = new Koa()
app.use(async (context, next) => {
  if (context.path !== '/from-node') return next()
  context.body = 'not PHP\n'
})
app.use(php.koa)
app.use((context) => {
  context.respond = false
  files(context.req, context.res, () => context.res.writeHead(404).end('not found\n'))
})

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
process.once('SIGTERM', () => {
  server.close(() => php.close())
  server.closeIdleConnections()
})
