import { healthcheck } from './healthcheck.ts';

// `node server.js healthcheck` is run every few seconds: it must not load what only the server needs.
if (process.argv[2] === 'healthcheck') {
  healthcheck(Number(process.env['PORT'] ?? 3000));
} else {
  const { serve } = await import('./serve.ts');
  serve(process.env);
}
