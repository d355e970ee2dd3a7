// An application that says who answers. It finishes what it has begun when it is told to stop.
import { createServer } from 'node:http';

const version = process.env.APP_VERSION ?? 'unknown';

const server = createServer((request, response) => {
  response.setHeader('x-version', version);
  if (request.url === '/health') return response.end('ok\n');
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ version, id: request.headers['x-request-id'] ?? '' })}\n`);
});

// Longer than a proxy keeps an idle connection: it is never the application that closes one at the moment of its reuse.
server.keepAliveTimeout = 150_000;
server.listen(3000);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
